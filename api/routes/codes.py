"""Codes: the nomenclature, searched and looked up."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.dependencies import ModelDep
from api.errors import UNKNOWN_CODE, ProblemError
from api.openapi import problems
from api.schemas import (
    DEFAULT_PAGE_CODES,
    MAX_PAGE_CODES,
    MAX_QUERY_CHARACTERS,
    CodeDetails,
    CodePage,
)
from libelle.data.nomenclature import Nomenclature

router = APIRouter(tags=["Codes"])

MAX_OFFSET = 10_000_000
_WORDS = "Words of the title or the code, whatever the accents, the case and the order."


@router.get("/codes", response_model=CodePage, responses=problems(422, 503))
def search_codes(
    model: ModelDep,
    q: Annotated[
        str, Query(max_length=MAX_QUERY_CHARACTERS, description=_WORDS, examples=["voirie"])
    ] = "",
    limit: Annotated[
        int, Query(ge=1, le=MAX_PAGE_CODES, description="Most codes of a page.")
    ] = DEFAULT_PAGE_CODES,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="Codes to skip.")] = 0,
) -> dict[str, Any]:
    """Search the nomenclature by words; without any, list it."""
    found = model.code_search.find(q)
    nomenclature = model.predictor.nomenclature
    shown = [
        {
            "code": code,
            "title": nomenclature.title_of(code),
            "level": nomenclature.level_of(code),
            "parent": nomenclature.parent_of(code),
        }
        for code in found[offset : offset + limit]
    ]
    return {"total": len(found), "limit": limit, "offset": offset, "codes": shown}


# A code may hold a slash.
@router.get("/codes/{code:path}", response_model=CodeDetails, responses=problems(404, 503))
def look_up_code(
    code: Annotated[str, Path(description="A code, as text.", examples=["0101"])], model: ModelDep
) -> dict[str, Any]:
    """Look up a code: its title, what stands above it and just below."""
    nomenclature = model.predictor.nomenclature
    if code not in nomenclature:
        raise ProblemError(UNKNOWN_CODE, "Codes are text: was a leading zero lost?")
    return {
        **_refer_to(code, nomenclature),
        "level": nomenclature.level_of(code),
        "parents": [_refer_to(above, nomenclature) for above in nomenclature.ancestors_of(code)],
        "children": [_refer_to(below, nomenclature) for below in nomenclature.children_of(code)],
    }


def _refer_to(code: str, nomenclature: Nomenclature) -> dict[str, str]:
    return {"code": code, "title": nomenclature.title_of(code)}
