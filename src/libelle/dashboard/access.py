"""Access: every page asks for a login with the right scope, but those listed as open."""

import time
from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qsl

from starlette._utils import get_route_path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.security.access import Guard
from api.security.keys import ApiKey
from api.security.keys import Scope as KeyScope
from api.security.sessions import COOKIE, CSRF_HEADER
from libelle.dashboard.rendering import show_error
from libelle.dashboard.visitors import ANYBODY, SCOPE_OF_PAGE, Visitor

LOGIN, LOGOUT = "/login", "/logout"
CSRF_FIELD: Final = "csrf_token"
MAX_FORM_BYTES, MAX_FORM_FIELDS = 4_000, 8
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access:
    """Let in who has logged in with a key that has the right scope.

    It stands before the routes: an address that is not listed as open is private, be it one that
    does not exist.

    Parameters
    ----------
    app : ASGIApp
    guard : Guard
    open_addresses : collection of str
    """

    def __init__(self, app: ASGIApp, *, guard: Guard, open_addresses: Collection[str]) -> None:
        self._app, self._guard = app, guard
        self._open = frozenset(open_addresses)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = get_route_path(scope)
        state = scope.setdefault("state", {})
        state["visitor"] = ANYBODY if self._guard.keys is None else self._find(Request(scope))
        if path not in self._open and (refusal := self._refuse(Request(scope), path)):
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _find(self, request: Request) -> Visitor | None:
        token = request.cookies.get(COOKIE, "")
        key = key_of_session(self._guard, token)
        if key is None:
            return None
        return Visitor(key.name, key.scopes, self._guard.sessions.csrf_token(token))

    def _refuse(self, request: Request, path: str) -> Response | None:
        visitor: Visitor | None = request.state.visitor
        if visitor is None:
            return _ask_to_log_in(request, path)
        needed = needed_scope(request.method, path)
        if needed is not None and needed not in visitor.scopes:
            return show_error(request, 403)
        return None


def key_of_session(guard: Guard, token: str) -> ApiKey | None:
    """Return the key of a session, None if it is forged, over, or its key is no longer listed."""
    if not token or guard.keys is None:
        return None
    fingerprint = guard.sessions.read(token, now=time.time())
    return None if fingerprint is None else guard.keys.find_fingerprint(fingerprint)


def needed_scope(method: str, path: str) -> KeyScope | None:
    """Return the scope that an address takes; None if any login will do.

    A write that nobody thought of takes `review`, which the fewest keys have.
    """
    if path == LOGOUT:
        return None
    page = path.strip("/").partition("/")[0]
    otherwise = KeyScope.READ if method in _READS else KeyScope.REVIEW
    return SCOPE_OF_PAGE.get(page, otherwise)


async def read_form(request: Request, *, max_bytes: int = MAX_FORM_BYTES) -> dict[str, str]:
    """Return the fields of a small form; none if it is not one.

    Other routes that write call this, or look at `X-CSRF-Token`, before anything else.
    """
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > max_bytes:
            return {}
    try:
        text = content.decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS))
    except ValueError:
        return {}


def is_from_our_page(request: Request, guard: Guard, form: dict[str, str]) -> bool:
    """Tell whether a write was made by a page of ours, and not by one of another site."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    if guard.keys is None:
        return True
    given = form.get(CSRF_FIELD) or request.headers.get(CSRF_HEADER, "")
    return guard.sessions.is_csrf_token(given, request.cookies.get(COOKIE, ""))


def _ask_to_log_in(request: Request, path: str) -> Response:
    if request.method in _READS and path.count("/") == 1:
        lang = "?lang=en" if request.query_params.get("lang") == "en" else ""
        return RedirectResponse(f"login{lang}", 303)  # Relative: right under any sub-path.
    return show_error(request, 401)
