"""Middleware: what surrounds every request: its identifier, its sub-path, its line in the log."""

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import INTERNAL_ERROR, internal_error, log_failure
from api.metrics import RouteNames
from api.security.keys import KEY_PREFIX
from api.service import Service

logger = logging.getLogger(__name__)

REQUEST_ID_HEADER = "X-Request-ID"
# What routes and errors say of a request, when they have something to say.
# Whose key it was; the address of whom was refused only, since it may be a person's.
_FACTS = ("n_texts", "problem", "client", "address")
_READABLE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


class RequestIds:
    """Give each request an identifier, echo it, and answer when the application fails.

    The identifier of the client is taken when it is short and holds nothing that a log should not
    show; another one is replaced.
    """

    def __init__(self, app: ASGIApp, *, service: Service, routes: RouteNames) -> None:
        self._app, self._service, self._routes = app, service, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        last = self._service.leaving
        answer = _Answer(send, request_id=_choose_request_id(scope), last=last)
        scope.setdefault("state", {})["request_id"] = answer.request_id
        started = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            logger.info("Request %s: the client left", answer.request_id)
        except Exception as error:  # A door: no request stays without an answer.
            log_failure(error, request_id=answer.request_id)
            scope["state"]["problem"] = INTERNAL_ERROR.slug
            if answer.status is not None:
                raise  # Too late for another answer: the server closes the connection.
            await internal_error(answer.request_id)(scope, receive, answer.send)
        finally:
            seconds = time.perf_counter() - started
            self._count(scope, answer.status, seconds)
            _log(scope, answer, seconds)

    def _count(self, scope: Scope, status: int | None, seconds: float) -> None:
        meter = self._service.meter
        meter.count_request(self._routes.name(scope), scope["method"], status, seconds)
        if problem := scope["state"].get("problem"):
            meter.count_problem(problem)


class SubPath:
    """Let the application stand under a sub-path, whether the proxy strips it or not."""

    def __init__(self, app: ASGIApp, *, root_path: str) -> None:
        stripped = root_path.strip("/")
        self._app, self._root_path = app, f"/{stripped}" if stripped else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not self._root_path or scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == self._root_path:
            # Without its last slash, the relative links of a page would lead beside it.
            folder = RedirectResponse(self._root_path.rpartition("/")[2] + "/")
            await folder(scope, receive, send)
        else:
            # Routes are found with or without it: Starlette removes it where it stands. The scope
            # is not copied: the route that is found in it is counted.
            scope["root_path"] = self._root_path
            await self._app(scope, receive, send)


class _Answer:
    """An answer on its way, with the identifier of its request."""

    def __init__(self, send: Send, *, request_id: str, last: bool) -> None:
        self._send, self._last = send, last
        self.request_id = request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID_HEADER] = self.request_id
            if self._last:  # The process ends: the next request is for another one.
                headers["Connection"] = "close"
        await self._send(message)


def _choose_request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    is_taken = _READABLE_ID.fullmatch(given) and KEY_PREFIX not in given
    return given if is_taken else uuid4().hex


def _log(scope: Scope, answer: _Answer, seconds: float) -> None:
    # The path as sent, still percent-encoded, cannot forge a line; the query may hold anything.
    path = scope.get("raw_path", b"").decode("ascii", "replace")
    milliseconds = round(1000 * seconds, 3)
    facts = {
        "method": scope["method"],
        "path": path,
        "status": answer.status,
        "milliseconds": milliseconds,
        "request_id": answer.request_id,
    }
    state = scope["state"]
    # Whose key it was; the address of whom was refused only, since it may be a person's.
    facts |= {name: state[name] for name in _FACTS if name in state}
    logger.info("answered", extra={"facts": facts})
