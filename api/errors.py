"""Errors: from what went wrong to a problem that HTTP can tell (RFC 9457)."""

import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from libelle import errors

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
JSON_CHARSET = "; charset=utf-8"
_URN = "urn:libelle:problem:"


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem: its status, the stable end of its `type`, and its title."""

    status: int
    slug: str
    title: str

    @property
    def type(self) -> str:
        """Return the identifier that clients may compare."""
        return _URN + self.slug


BAD_HTTP = ProblemKind(400, "bad-http", "The request is not HTTP")
MALFORMED_JSON = ProblemKind(400, "malformed-json", "The body is not JSON")
REFUSED = ProblemKind(400, "refused", "What was asked cannot be done as asked")
UNAUTHENTICATED = ProblemKind(401, "unauthenticated", "The request bears no key that is known")
WRONG_SCOPE = ProblemKind(403, "wrong-scope", "The key does not allow this")
CROSS_SITE = ProblemKind(403, "cross-site", "The request may come from another site")
UNKNOWN_ADDRESS = ProblemKind(404, "unknown-address", "Nothing is at this address")
UNKNOWN_CODE = ProblemKind(404, "unknown-code", "The nomenclature has no such code")
UNKNOWN_MODEL = ProblemKind(404, "unknown-model", "This service answers for another model")
METHOD_NOT_ALLOWED = ProblemKind(405, "method-not-allowed", "This address has no such method")
CONFLICT = ProblemKind(409, "conflict", "Another answer stands")
TOO_SLOW = ProblemKind(408, "too-slow", "The request did not come in time")
TOO_LARGE = ProblemKind(413, "too-large", "The body is too large")
UNSUPPORTED_MEDIA_TYPE = ProblemKind(
    415, "unsupported-media-type", "The body is not in a format that is read here"
)
INVALID_REQUEST = ProblemKind(422, "invalid-request", "The request is not valid")
INVALID_ITEM = ProblemKind(422, "invalid-item", "The item is not valid")
TOO_MANY_REQUESTS = ProblemKind(429, "too-many-requests", "The client asks too often")
HEADERS_TOO_LARGE = ProblemKind(431, "headers-too-large", "The headers are too large")
INTERNAL_ERROR = ProblemKind(500, "internal-error", "The service failed")
BUSY = ProblemKind(503, "busy", "The service has too much to do")
NOT_READY = ProblemKind(503, "not-ready", "The service is not ready")
UNAVAILABLE = ProblemKind(503, "unavailable", "The service lacks something that it needs")

# All of them: what metrics may count, for instance.
KINDS = tuple(kind for kind in globals().copy().values() if isinstance(kind, ProblemKind))

# The nearest class of an error decides.
KIND_OF_ERROR: Mapping[type[errors.LibelleError], ProblemKind] = {
    errors.UsageError: REFUSED,
    errors.DataError: INVALID_REQUEST,
    errors.NomenclatureError: UNKNOWN_CODE,
    errors.ConflictError: CONFLICT,
    errors.StorageError: UNAVAILABLE,
    errors.ModelError: UNAVAILABLE,
    errors.TrackingError: UNAVAILABLE,
    errors.LibelleError: INTERNAL_ERROR,
}
_KIND_OF_STATUS = {404: UNKNOWN_ADDRESS, 405: METHOD_NOT_ALLOWED, 415: UNSUPPORTED_MEDIA_TYPE}
_DETAIL_OF_STATUS = {
    404: "See /docs for the addresses of this service.",
    405: "See the header Allow, or /docs.",
}
_SERVER_DETAIL = "Nothing was answered. Give the request id to whoever runs the service."


class ProblemError(Exception):
    """A request that gets a problem for an answer.

    Attributes
    ----------
    kind : ProblemKind
    detail : str
        What happened and what to do, without anything that was sent.
    field_errors : list of dict
        As `FieldError` of the schemas.
    retry_seconds : int or None
        After which the same request may be answered.
    challenge : str or None
        How to say who asks.
    feedback_id : str or None
        Of the verdict that stands.
    """

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        *,
        field_errors: list[dict[str, str]] | None = None,
        retry_seconds: int | None = None,
        challenge: str | None = None,
        feedback_id: str | None = None,
    ) -> None:
        super().__init__(f"{kind.slug}: {detail}")
        self.kind, self.detail, self.field_errors = kind, detail, field_errors
        self.retry_seconds, self.challenge = retry_seconds, challenge
        self.feedback_id = feedback_id

    def response(self, request_id: str) -> Response:
        """Return the answer to the request."""
        headers = {"Retry-After": self.retry_seconds, "WWW-Authenticate": self.challenge}
        return problem_response(
            self.kind,
            self.detail,
            request_id=request_id,
            field_errors=self.field_errors,
            feedback_id=self.feedback_id,
            headers={name: str(value) for name, value in headers.items() if value is not None},
        )


def install_error_handlers(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    app.add_exception_handler(ProblemError, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_parameters)
    app.add_exception_handler(errors.LibelleError, _answer_libelle_error)


def problem_response(
    kind: ProblemKind,
    detail: str,
    *,
    request_id: str,
    field_errors: list[dict[str, str]] | None = None,
    feedback_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer that tells a problem."""
    problem = describe_problem(kind, detail, request_id=request_id)
    if field_errors is not None:
        problem["errors"] = field_errors
    if feedback_id is not None:
        problem["feedback_id"] = feedback_id
    return Response(orjson.dumps(problem), kind.status, headers, MEDIA_TYPE + JSON_CHARSET)


def describe_problem(kind: ProblemKind, detail: str, *, request_id: str) -> dict[str, Any]:
    """Return a problem as the schemas have it."""
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "request_id": request_id,
    }


def describe_field_errors(
    complaints: Iterable[ErrorDetails], *, n_above: int = 0
) -> list[dict[str, str]]:
    """Return what pydantic complains of, without what was sent, names of unknown fields included.

    Parameters
    ----------
    complaints : iterable of ErrorDetails
    n_above : int
        Parts of each location to leave out, such as `items` and the position.
    """
    described = [_describe_body_error(complaint, n_above) for complaint in complaints]
    # A body may hold thousands of unknown fields, which all read alike.
    return list({tuple(error.items()): error for error in described}.values())


def invalid_request(field_errors: list[dict[str, str]]) -> ProblemError:
    """Return the problem of a request that is not as the schema says."""
    return ProblemError(INVALID_REQUEST, count_errors(field_errors), field_errors=field_errors)


def count_errors(field_errors: list[dict[str, str]]) -> str:
    """Say how many fields are wrong."""
    if len(field_errors) == 1:
        return "1 field is not as it should be: see errors."
    return f"{len(field_errors)} fields are not as they should be: see errors."


def log_failure(error: Exception, *, request_id: str) -> None:
    """Log where an unforeseen error was raised; not its message, which may quote a text."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("Request %s failed: %s\n%s", request_id, type(error).__name__, frames)


def internal_error(request_id: str) -> Response:
    """Return the answer to a request on which the service failed."""
    return problem_response(INTERNAL_ERROR, _SERVER_DETAIL, request_id=request_id)


def _describe_body_error(complaint: ErrorDetails, n_above: int) -> dict[str, str]:
    location = list(complaint["loc"][n_above:])
    detail = complaint["msg"]
    if complaint["type"] == "extra_forbidden":
        location, detail = location[:-1], "A field here is unknown: see the schema in /docs"
    pointer = "".join(f"/{part}" for part in location)
    return {"pointer": f"#{pointer}", "detail": f"{detail}."}


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))


def _note_problem(request: Request, kind: ProblemKind) -> None:
    """Leave a word for what logs and counts the request."""
    request.scope.setdefault("state", {})["problem"] = kind.slug


def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101
    _note_problem(request, error.kind)
    return error.response(_request_id(request))


def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    status = error.status_code
    kind = _KIND_OF_STATUS.get(status) or _kind_of_status(status)
    _note_problem(request, kind)
    return problem_response(
        kind,
        _DETAIL_OF_STATUS.get(status, HTTPStatus(status).description or HTTPStatus(status).phrase),
        request_id=_request_id(request),
        headers=error.headers,
    )


def _kind_of_status(status: int) -> ProblemKind:
    phrase = HTTPStatus(status).phrase
    return ProblemKind(status, re.sub("[^a-z]+", "-", phrase.lower()), phrase)


def _answer_invalid_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    field_errors = [
        {"parameter": str(complaint["loc"][-1]), "detail": f"{complaint['msg']}."}
        for complaint in error.errors()
    ]
    return _answer_problem(request, invalid_request(field_errors))


def _answer_libelle_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.LibelleError)  # noqa: S101
    ancestors = type(error).__mro__
    kind = next(KIND_OF_ERROR[name] for name in ancestors if name in KIND_OF_ERROR)
    _note_problem(request, kind)
    request_id = _request_id(request)
    if kind.status < 500:
        return problem_response(kind, str(error), request_id=request_id)
    # The message may name folders and addresses: it is for the log alone.
    logger.error("Request %s failed: %s", request_id, error)
    return problem_response(kind, _SERVER_DETAIL, request_id=request_id)
