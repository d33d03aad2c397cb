"""Cookies: how a session is given to a browser, by the service and by the pages."""

from starlette.requests import Request
from starlette.responses import Response

from api.security.addresses import is_loopback
from api.security.sessions import COOKIE

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")


def give_session(answer: Response, request: Request, token: str, *, seconds: int) -> None:
    """Set the cookie of a session: no script reads it, no other site sends it, nor is it in clear.

    In clear it goes to a browser of this very machine only, which speaks to the process itself.
    """
    answer.set_cookie(
        COOKIE,
        token,
        max_age=seconds,
        path=request.scope.get("root_path") or "/",
        secure=not _is_on_loopback(request),
        httponly=True,
        samesite="strict",
    )


def _is_on_loopback(request: Request) -> bool:
    peer = request.client.host if request.client else ""
    return (
        request.url.scheme == "http"
        and is_loopback(peer)
        and is_loopback(request.url.hostname or "")
        and not any(name in request.headers for name in _FORWARDED)
    )
