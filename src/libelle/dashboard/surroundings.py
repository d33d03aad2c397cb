"""Surroundings: what every request goes through: its sub-path, its headers, its line in the log."""

import logging
import time
import traceback
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.security.headers import COMMON_HEADERS, NO_STORE
from libelle.dashboard.rendering import show_error

logger = logging.getLogger(__name__)

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    **COMMON_HEADERS,
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class SubPath:
    """Let the pages stand under a sub-path, whether the proxy strips it or not."""

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
            await self._app({**scope, "root_path": self._root_path}, receive, send)


class Answers:
    """Give every answer the headers of the pages, a line in the log, and a page when all fails."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":  # There is none: nothing may come in by that way.
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, statuses = time.perf_counter(), [0]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                _complete(MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # A door: no request stays without an answer.
            # Not its message, which may quote a text.
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error("A page failed: %s\n%s", type(error).__name__, frames)
            if len(statuses) > 1:
                raise
            page = show_error(Request(scope), 500)
            await page(scope, receive, send_with_headers)
        finally:
            _log(scope, statuses[-1], time.perf_counter() - started)


def _complete(headers: MutableHeaders) -> None:
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("cache-control", NO_STORE["cache-control"])


def _log(scope: Scope, status: int, seconds: float) -> None:
    # The path as sent, still percent-encoded, cannot forge a line; the query may hold anything.
    path = scope.get("raw_path", b"").decode("ascii", "replace")
    logger.info("%s %s %d in %.0f ms", scope["method"], path, status, 1000 * seconds)
