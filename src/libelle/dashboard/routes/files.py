"""Files: the style and the scripts of the pages."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

router = APIRouter()

NAMES: Final = ("style.css", "icon.svg", "slider.js", "review.js", "try.js")
OPEN_ADDRESSES: Final = (*(f"/static/{name}" for name in NAMES), "/health/live")
_FOLDER = Path(__file__).parent.parent / "static"
_KEPT: Final = {"Cache-Control": "max-age=600"}


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """Return a file that pages need."""
    if name not in NAMES:
        raise HTTPException(404)
    return FileResponse(_FOLDER / name, headers=_KEPT)


@router.get("/health/live")
def live() -> dict[str, str]:
    """Tell that the process runs."""
    return {"status": "live"}
