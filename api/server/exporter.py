"""Exporter: what answers `GET /metrics`, and nothing else, in a process of its own.

A worker knows only what it counted itself.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence

from api.server.companion import Companion

PATH = b"/metrics"
MAX_HEAD_BYTES = 8_192
MAX_CONNECTIONS = 32
ANSWER_SECONDS = 5.0
LOOK_SECONDS = 0.5


class Exporter:
    """The process that shows the metrics, and another one when it ends.

    Parameters
    ----------
    listener : socket
        Of the metrics.
    render : callable
        Returns them. Called in that process.
    content_type : str
    leave : sequence of socket
        Those that are not for it.
    """

    def __init__(
        self,
        listener: socket.socket,
        render: Callable[[], bytes],
        *,
        content_type: str,
        leave: Sequence[socket.socket] = (),
    ) -> None:
        self._listener, self._render = listener, render
        self._content_type = content_type
        self._companion = Companion("shows the metrics", self._show, leave=leave)

    def look_after(self) -> None:
        """Start the process, unless it runs."""
        self._companion.look_after()

    def stop(self) -> None:
        """End the process."""
        self._companion.stop()

    def leave(self) -> None:
        """Forget it, in another process."""
        self._listener.close()

    def _show(self) -> None:
        asyncio.run(self._answer_until_left(os.getppid()))

    async def _answer_until_left(self, parent: int) -> None:
        """Answer as long as the supervising process lives."""
        self._n_connections = 0
        await asyncio.start_server(self._answer, sock=self._listener, limit=MAX_HEAD_BYTES)
        while os.getppid() == parent:
            await asyncio.sleep(LOOK_SECONDS)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection, in time, then close it."""
        self._n_connections += 1
        try:
            if self._n_connections <= MAX_CONNECTIONS:
                async with asyncio.timeout(ANSWER_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer_to(head))
                    writer.close()
                    await writer.wait_closed()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # It did not ask, or did not listen.
        finally:
            writer.transport.abort()
            self._n_connections -= 1

    def _answer_to(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        if rest.partition(b" ")[0].partition(b"?")[0] != PATH:
            return _respond("404 Not Found", b"See /metrics.\n")
        if method != b"GET":
            return _respond("405 Method Not Allowed", b"GET only.\n", "Allow: GET\r\n")
        return _respond("200 OK", self._render(), content_type=self._content_type)


def _respond(
    status: str, content: bytes, headers: str = "", *, content_type: str = "text/plain"
) -> bytes:
    lines = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n"
        f"Cache-Control: no-store\r\nConnection: close\r\n{headers}\r\n"
    )
    return lines.encode("ascii") + content
