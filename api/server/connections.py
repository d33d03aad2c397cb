"""Connections: what a client may take, in time and in number, before a request is even read."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.errors import (
    BAD_HTTP,
    BUSY,
    HEADERS_TOO_LARGE,
    JSON_CHARSET,
    MEDIA_TYPE,
    TOO_SLOW,
    ProblemKind,
    describe_problem,
)
from api.security.headers import COMMON_HEADERS, DATA_HEADERS, NO_STORE

# A body that comes at this rate at least is never late, however large it is.
LEAST_BYTES_PER_SECOND = 10_000
PAUSE_SECONDS = 5.0
# Of an address and its headers, or of what stands between two parts of a body.
MAX_HEADER_BYTES = 65_536


class Connection(HttpToolsProtocol):
    """One connection: its headers and its bodies have to come in time, or it is closed.

    uvicorn waits for them without end, and keeps headers of any length. The time during which the
    service itself reads nothing, since it is busy with what it has, does not count.
    """

    header_seconds = 10.0
    body_seconds = 30.0
    max_connections = 1000
    count_problem: Callable[[str], None]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the headers of a first request; refuse one connection too many."""
        super().connection_made(transport)
        self._deadline: asyncio.TimerHandle | None = None
        self._allowed_until = 0.0
        self._in_body = False
        self._n_pending = 0
        if len(self.connections) > self.max_connections:
            self._refuse(BUSY, "Too many connections are open. Try again in a second.")
        else:
            self._wait(self.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; refuse headers that do not end."""
        self._n_pending += len(data)
        super().data_received(data)
        if self._n_pending > MAX_HEADER_BYTES and not self.transport.is_closing():
            self._refuse(
                HEADERS_TOO_LARGE, f"Send at most {MAX_HEADER_BYTES} bytes before the body."
            )

    def on_message_begin(self) -> None:
        """Wait for the headers of a request."""
        super().on_message_begin()
        self._wait(self.header_seconds)

    def on_headers_complete(self) -> None:
        """Wait for its body."""
        super().on_headers_complete()
        self._in_body, self._n_pending = True, 0
        self._wait(self.body_seconds)

    def on_body(self, body: bytes) -> None:
        """Give more time for each part of a body."""
        super().on_body(body)
        self._n_pending = 0
        self._allowed_until += len(body) / LEAST_BYTES_PER_SECOND

    def on_message_complete(self) -> None:
        """Take the time that answering takes."""
        super().on_message_complete()
        self._in_body, self._n_pending = False, 0
        self._stop_waiting()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what is not HTTP."""
        self._refuse(BAD_HTTP, "Send HTTP/1.1.")

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._allowed_until = time.monotonic() + seconds
        self._deadline = self.loop.call_later(seconds, self._look)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _look(self) -> None:
        """Close the connection if its time is over; otherwise look again later."""
        left = self._allowed_until - time.monotonic()
        if self.flow is not None and self.flow.read_paused:
            self._allowed_until += PAUSE_SECONDS
            left += PAUSE_SECONDS
        if left > 0:
            self._deadline = self.loop.call_later(left, self._look)
        elif not self.transport.is_closing():
            self._refuse(TOO_SLOW, "The request did not come in time. Send it again, faster.")

    def _refuse(self, kind: ProblemKind, detail: str) -> None:
        """Answer, unless the request that comes is being answered already, then close."""
        self._stop_waiting()
        cycle: Any = self.cycle
        answered = cycle is not None and cycle.response_started
        between_requests = not self._in_body and (cycle is None or cycle.response_complete)
        if between_requests or not answered:
            self.count_problem(kind.slug)
            self.transport.write(_problem_bytes(kind, detail))
        self.transport.close()


def _problem_bytes(kind: ProblemKind, detail: str) -> bytes:
    """Return a whole answer that tells a problem, for when there is no application to make it."""
    request_id = uuid4().hex
    content = orjson.dumps(describe_problem(kind, detail, request_id=request_id))
    headers = {
        "content-type": f"{MEDIA_TYPE}{JSON_CHARSET}",
        "content-length": str(len(content)),
        "x-request-id": request_id,
        "connection": "close",
        **COMMON_HEADERS,
        **DATA_HEADERS,
        **NO_STORE,
    }
    if kind.status == 503:
        headers["retry-after"] = "1"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[kind.status] + lines.encode("ascii") + b"\r\n" + content
