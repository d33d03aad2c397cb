"""OpenAPI: what the service promises, written down in `openapi.json` and compared."""

import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn

import orjson
from fastapi import FastAPI
from pydantic import TypeAdapter

from api.errors import MEDIA_TYPE
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


def find_lost_promises(before: Any, after: Any, *, path: str = "#") -> Iterator[str]:
    """Yield what clients of `before` cannot count on any more: v1 only grows.

    A removed route, answer, field, parameter or enumerated value; a changed type; a new required
    input. Sentences and bounds may change.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _lost_in_mapping(before, after, path)
    elif path.endswith("/enum"):
        yield from (f"{path}: {value} is gone" for value in before if value not in after)
    elif path.endswith(("/type", "/$ref", "/const")) and before != after:
        yield f"{path}: was {before}, is {after}"
    elif path.endswith(("/anyOf", "/parameters")):
        yield from (f"{path}: {_shape(value)} is gone" for value in _missing(before, after))


def _lost_in_mapping(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str
) -> Iterator[str]:
    if path.endswith(("Request", "Item")):
        new = sorted(set(after.get("required", [])) - set(before.get("required", [])))
        yield from (f"{path}: {name} is required now" for name in new)
    for key, value in before.items():
        if key in after:
            yield from find_lost_promises(value, after[key], path=f"{path}/{key}")
        elif path.endswith(("/paths", "/properties", "/schemas", "/responses")) or key in (
            *("get", "post", "type", "$ref"),
        ):
            yield f"{path}/{key} is gone"


def _missing(before: list[Any], after: list[Any]) -> list[Any]:
    shapes = [_shape(value) for value in after]
    return [value for value in before if _shape(value) not in shapes]


def _shape(value: Mapping[str, Any]) -> Any:
    return value.get("$ref") or value.get("name") or value.get("type")


def main() -> int:
    """Write `openapi.json`, unless it would promise less than the file that stands there."""
    from api.main import create_app
    from libelle.settings import Settings

    # The bounds written down are the defaults, whatever the environment says.
    rendered = render_openapi(create_app(Settings.model_construct(), load_model=_no_model))
    if COMMITTED.exists():
        committed = orjson.loads(COMMITTED.read_bytes())
        if lost := list(find_lost_promises(committed, orjson.loads(rendered))):
            sys.stderr.write("v1 only grows. Lost promises:\n" + "".join(f"  {x}\n" for x in lost))
            return 1
    COMMITTED.write_bytes(rendered)
    return 0


def _no_model() -> NoReturn:
    raise ModelError("No model is needed to describe the service.")


if __name__ == "__main__":
    sys.exit(main())
