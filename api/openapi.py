"""OpenAPI: what the service promises, written down in `openapi.json` and compared."""

import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn

import orjson
from fastapi import FastAPI
from pydantic import TypeAdapter

from api.errors import MEDIA_TYPE
from api.promises import find_lost_promises
from api.schemas import Problem, RequestTypes
from libelle.errors import ModelError

COMMITTED = Path(__file__).with_name("openapi.json")
PREDICT_REQUEST, BATCH_REQUEST = "PredictRequest", "BatchRequest"
_COMPONENTS = "#/components/schemas/"


def body_of(schema: str) -> dict[str, Any]:
    """Return the part of a route's description that says what its body is."""
    content = {"application/json": {"schema": {"$ref": _COMPONENTS + schema}}}
    return {"requestBody": {"required": True, "content": content}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the part of a route's description that says how it may fail."""
    content = {MEDIA_TYPE: {"schema": {"$ref": _COMPONENTS + Problem.__name__}}}
    described: dict[int | str, dict[str, Any]] = {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }
    return {**described, "default": {"description": "Any other problem", "content": content}}


def complete_openapi(described: dict[str, Any], types: RequestTypes) -> dict[str, Any]:
    """Add what routes refer to by name: the bodies, with their bounds, and the problem."""
    adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (PREDICT_REQUEST, "validation", types.predict),
        (BATCH_REQUEST, "validation", types.batch),
        (Problem.__name__, "serialization", TypeAdapter(Problem)),
    ]
    _, definitions = TypeAdapter.json_schemas(adapters, ref_template=_COMPONENTS + "{model}")
    schemas = described["components"]["schemas"] | definitions["$defs"]
    components = {**described["components"], "schemas": dict(sorted(schemas.items()))}
    return {**described, "components": components}


def render_openapi(app: FastAPI) -> bytes:
    """Return the description of an application as JSON, always the same bytes."""
    described = complete_openapi(app.openapi(), app.state.service.requests)
    return orjson.dumps(described, option=orjson.OPT_INDENT_2) + b"\n"


def main() -> int:
    """Write `openapi.json`, unless it would promise less than the file that stands there."""
    from api.main import create_app
    from libelle.settings import Settings

    # The bounds written down are the defaults, whatever the environment says.
    rendered = render_openapi(create_app(Settings.model_construct(), load_model=_no_model))
    if COMMITTED.exists():
        committed = orjson.loads(COMMITTED.read_bytes())
        if lost := find_lost_promises(committed, orjson.loads(rendered)):
            sys.stderr.write("\n".join(["v1 only grows. This would be lost:", *lost, ""]))
            return 1
    COMMITTED.write_bytes(rendered)
    return 0


def _no_model() -> NoReturn:
    raise ModelError("No model is needed to describe the service.")


if __name__ == "__main__":
    sys.exit(main())
