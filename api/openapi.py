"""OpenAPI: what the service promises, as one description."""

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from pydantic import TypeAdapter

from api.errors import MEDIA_TYPE
from api.schemas import Problem, RequestTypes

PREDICT_REQUEST, BATCH_REQUEST = "PredictRequest", "BatchRequest"
# As in RFC 9110: Python's own phrases changed with its versions.
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}
FILE = "/predict/file"
_FILES = {
    "text/csv": "numero;text\n1;Lampadaire éteint rue de la Gare\n",
    "application/x-ndjson": '{"numero": 1, "text": "Lampadaire éteint rue de la Gare"}\n',
}
ANSWERED_FILE = {media_type: {"schema": {"type": "string"}} for media_type in _FILES}
_COMPONENTS = "#/components/schemas/"


def body_of(schema: str) -> dict[str, Any]:
    """Return the part of a route's description that says what its body is."""
    content = {"application/json": {"schema": {"$ref": _COMPONENTS + schema}}}
    return {"requestBody": {"required": True, "content": content}}


def file_body() -> dict[str, Any]:
    """Return the part of a route's description that says what a file to code is."""
    content = {
        media_type: {"schema": {"type": "string"}, "example": example}
        for media_type, example in _FILES.items()
    }
    return {"requestBody": {"required": True, "content": content}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the part of a route's description that says how it may fail."""
    content = {MEDIA_TYPE: {"schema": {"$ref": _COMPONENTS + Problem.__name__}}}
    described: dict[int | str, dict[str, Any]] = {
        status: {
            "description": _PHRASES.get(status) or HTTPStatus(status).phrase,
            "content": content,
        }
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
    paths = {
        path: _with_parameters(operations, types.file_query) if path.endswith(FILE) else operations
        for path, operations in described["paths"].items()
    }
    return {**described, "paths": paths, "components": components}


def _with_parameters(operations: dict[str, Any], query: TypeAdapter[Any]) -> dict[str, Any]:
    """Describe the query that a route reads itself, after the parameters that it has."""
    described = query.json_schema()["properties"].items()
    added = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema["description"],
            "schema": schema,
        }
        for name, schema in described
    ]
    post = operations["post"]
    return {"post": {**post, "parameters": [*post.get("parameters", []), *added]}}


def render_openapi(app: FastAPI) -> bytes:
    """Return the description of an application as JSON, always the same bytes."""
    described = complete_openapi(app.openapi(), app.state.service.requests)
    return orjson.dumps(described, option=orjson.OPT_INDENT_2) + b"\n"
