"""Headers: what every answer tells browsers, so that they do nothing else with it."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_FRAME: Final = "SAMEORIGIN"  # As `frame-ancestors 'self'` in the policy of the pages.
# Of every answer, and of what is not a page: data, in which a browser runs and loads nothing.
COMMON_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
DATA_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
}
NO_STORE: Final = {"cache-control": "no-store"}

_Raw = tuple[tuple[bytes, bytes], ...]


def _raw(*headers: dict[str, str]) -> _Raw:
    return tuple((n.encode(), v.encode()) for one in headers for n, v in one.items())


_FOR_DATA = _raw(COMMON_HEADERS, DATA_HEADERS)
_FOR_PAGES = _raw(COMMON_HEADERS, {"x-frame-options": PAGE_FRAME})
_NO_STORE = _raw(NO_STORE)
_JSON = b"application/json"
_JSON_WITH_CHARSET = b"application/json; charset=utf-8"


class SecurityHeaders:
    """Add the headers that an answer does not have itself: it is not kept, unless it says so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _complete(message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _complete(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    is_page = is_kept = False
    completed = []
    for name, value in headers:
        if name == b"content-security-policy":
            is_page = True
        elif name == b"cache-control":
            is_kept = True
        elif name == b"content-type" and value == _JSON:
            completed.append((name, _JSON_WITH_CHARSET))
            continue
        completed.append((name, value))
    completed += _FOR_PAGES if is_page else _FOR_DATA
    if not is_kept:
        completed += _NO_STORE
    return completed
