"""OpenAPI: what the service promises, as one description."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from pydantic import TypeAdapter

from api.errors import MEDIA_TYPE
from api.schemas import FEEDBACK_TYPE, LOGIN_TYPE, Problem, RequestTypes
from api.security.access import KEY_HEADER, needed_scope
from api.security.keys import Scope
from api.security.sessions import COOKIE, CSRF_HEADER
from libelle.settings import Settings

PREDICT_REQUEST, BATCH_REQUEST = "PredictRequest", "BatchRequest"
LOGIN_REQUEST = "LoginRequest"
FEEDBACK_REQUEST = "FeedbackRequest"
# As in RFC 9110: Python's own phrases changed with its versions.
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}
_HEADER_OF_STATUS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
FILE = "/predict/file"
_FILES = {
    "text/csv": "numero;text\n1;Lampadaire éteint rue de la Gare\n",
    "application/x-ndjson": '{"numero": 1, "text": "Lampadaire éteint rue de la Gare"}\n',
}
ANSWERED_FILE = {media_type: {"schema": {"type": "string"}} for media_type in _FILES}
_COMPONENTS = "#/components/schemas/"
_KEY, _BEARER, _SESSION = "ApiKey", "BearerKey", "Session"
_SCHEMES: dict[str, dict[str, Any]] = {
    _KEY: {
        "type": "apiKey",
        "in": "header",
        "name": KEY_HEADER,
        "description": "A key, as whoever runs the service gives them. Its scopes say what it "
        "lets do: `predict` (code texts), `read` (look at the model and its codes), `review` "
        "(give verdicts). A service that was started with `LIBELLE_AUTH=none` asks for none.",
    },
    _BEARER: {"type": "http", "scheme": "bearer", "description": "The same key."},
    _SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"What `POST /login` gives; writes then need `{CSRF_HEADER}` too.",
    },
}
_ASKED_ABOUT = {"prediction_id": "947a95bd-00c1-877f-975c-b6ee3ca22e8e"}
_FEEDBACK_EXAMPLES = {
    name: {"summary": summary, "value": {**_ASKED_ABOUT, **value}}
    for name, summary, value in (
        (
            "confirmed",
            "« Nid de poule devant l'école » : la proposition 0101 est la bonne",
            {"verdict": "confirmed", "code": "0101"},
        ),
        (
            "corrected",
            "« Lampadaire éteint » : aucune proposition ne va, le bon code est 0102",
            {"verdict": "corrected", "code": "0102", "coder": "agent-12"},
        ),
        (
            "not_enough_information",
            "« Demande » : le libellé ne suffit pas",
            {"verdict": "not_enough_information"},
        ),
        (
            "ambiguous_nomenclature",
            "« Cantine de la crèche » : deux postes conviennent",
            {"verdict": "ambiguous_nomenclature", "coder": "agent-7"},
        ),
        (
            "replaced",
            "Un avis donné trop vite est remplacé ; les deux sont gardés",
            {
                "verdict": "corrected",
                "code": "0102",
                "replaces": "5d2c6b0f4e1a48d79b3f0a8c7e6d5f41",
            },
        ),
    )
}
_PRIVATE_STATUSES = (401, 403, 429)


def body_of(schema: str, *media_types: str) -> dict[str, Any]:
    """Return the part of a route's description that says what its body is."""
    described = {"schema": {"$ref": _COMPONENTS + schema}}
    content = dict.fromkeys(media_types or ("application/json",), described)
    return {"requestBody": {"required": True, "content": content}}


def feedback_body() -> dict[str, Any]:
    """Return the part of a route's description that says what a verdict is, with examples."""
    described = body_of(FEEDBACK_REQUEST)
    [content] = described["requestBody"]["content"].values()
    content = {**content, "examples": _FEEDBACK_EXAMPLES}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


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
            **_headers(status),
        }
        for status in statuses
    }
    return {**described, "default": {"description": "Any other problem", "content": content}}


def complete_openapi(
    described: dict[str, Any],
    types: RequestTypes,
    settings: Settings,
    *,
    open_addresses: Collection[str],
) -> dict[str, Any]:
    """Add what routes refer to by name, the bodies with their bounds, and the keys they ask for."""
    adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (PREDICT_REQUEST, "validation", types.predict),
        (BATCH_REQUEST, "validation", types.batch),
        (FEEDBACK_REQUEST, "validation", FEEDBACK_TYPE),
        (LOGIN_REQUEST, "validation", LOGIN_TYPE),
        (Problem.__name__, "serialization", TypeAdapter(Problem)),
    ]
    _, definitions = TypeAdapter.json_schemas(adapters, ref_template=_COMPONENTS + "{model}")
    schemas = described["components"]["schemas"] | definitions["$defs"]
    components = {
        **described["components"],
        "schemas": dict(sorted(schemas.items())),
        "securitySchemes": _SCHEMES,
    }
    paths = {
        path: _with_parameters(operations, types.file_query) if path.endswith(FILE) else operations
        for path, operations in described["paths"].items()
    }
    for end, bounds in _body_bounds(settings).items():
        paths |= {
            path: _with_bounds(operations, bounds)
            for path, operations in paths.items()
            if path.endswith(end)
        }
    paths = {
        path: operations if path in open_addresses else _guard(path, operations)
        for path, operations in paths.items()
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


def _body_bounds(settings: Settings) -> dict[str, str]:
    """Return how large the body of a route may be, by the end of its path."""
    n_bytes = f"At most {settings.max_body_bytes} bytes"
    in_all = f"{settings.max_total_characters} characters in all texts"
    of_file = f"{settings.max_file_bytes} bytes, and {settings.max_record_bytes} in one record"
    return {
        "/predict": f"{n_bytes}.",
        "/predict/batch": f"{n_bytes}, and {in_all}.",
        FILE: f"At most {of_file}.",
    }


def _with_bounds(operations: dict[str, Any], bounds: str) -> dict[str, Any]:
    post = operations["post"]
    return {"post": {**post, "requestBody": {"description": bounds, **post["requestBody"]}}}


def render_openapi(app: FastAPI) -> bytes:
    """Return the description of an application as JSON, always the same bytes."""
    described = complete_openapi(
        app.openapi(),
        app.state.service.requests,
        app.state.service.settings,
        open_addresses=app.state.open_addresses,
    )
    return orjson.dumps(described, option=orjson.OPT_INDENT_2) + b"\n"


def _guard(path: str, operations: dict[str, Any]) -> dict[str, Any]:
    return {
        method: _guard_operation(operation, needed_scope(method.upper(), path))
        for method, operation in operations.items()
    }


def _guard_operation(operation: dict[str, Any], scope: Scope | None) -> dict[str, Any]:
    """Say which key an operation asks for, and what it answers without it."""
    asked = [] if scope is None else [scope.value]
    scopes = f"Scope: `{scope}`." if scope else "Any key will do."
    responses = operation["responses"]
    refusals = {str(status): answer for status, answer in problems(*_PRIVATE_STATUSES).items()}
    statuses = sorted({*responses, *refusals} - {"default"})
    return {
        **operation,
        "description": f"{operation['description']}\n\n{scopes}",
        "security": [{_KEY: asked}, {_BEARER: asked}, {_SESSION: asked}],
        "responses": {
            status: responses.get(status) or refusals[status] for status in [*statuses, "default"]
        },
    }


def _headers(status: int) -> dict[str, Any]:
    name = _HEADER_OF_STATUS.get(status)
    return {"headers": {name: {"schema": {"type": "string"}}}} if name else {}
