"""Process: one worker, from its first request to a signal, which loses none."""

import asyncio
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from fastapi import FastAPI
from uvicorn import Config, Server

from api.server.addresses import BACKLOG
from api.server.connections import Connection

logger = logging.getLogger(__name__)

# Longer than the ingress keeps idle connections (60 s): otherwise it reuses one that just closed.
KEEP_ALIVE_SECONDS = 75
RETIRE = signal.SIGUSR1
OBEY_TICKS = 10  # A second.
SPARE_DESCRIPTORS = 48  # Files, pipes, the listener: what is not a connection.


@dataclass(frozen=True)
class Deadlines:
    """How long a worker waits for its clients.

    Attributes
    ----------
    header_seconds, body_seconds : float
        For the headers of a request, then for its body.
    drain_seconds : float
        After a signal, time during which requests are still answered while the service says that it
        is not ready, so that no proxy sends it any more of them.
    shutdown_seconds : float
        Then, longest time that what is in flight may last.
    max_connections : int
    """

    header_seconds: float
    body_seconds: float
    drain_seconds: float
    shutdown_seconds: float
    max_connections: int


class AnsweringServer(Server):
    """The server of one worker.

    A first SIGTERM drains it: it is not ready any more, answers go on with `Connection: close`,
    then it ends. A second one ends it without draining. What is in flight is finished in both
    cases. SIGUSR1 retires it: other workers have taken the listener, it ends as soon as the
    connections that it has are left.

    Parameters
    ----------
    app : FastAPI
        Its `state.service` is told when draining begins.
    deadlines : Deadlines
    supervisor_pid : int
        Process whose end is this one's too; Ctrl-C is for that one.
    say_started : callable
        Called once requests are answered.
    """

    def __init__(
        self,
        app: FastAPI,
        deadlines: Deadlines,
        *,
        supervisor_pid: int,
        say_started: Callable[[], None],
    ) -> None:
        connection = type(
            "DeadlineConnection",
            (Connection,),
            {
                "header_seconds": deadlines.header_seconds,
                "body_seconds": deadlines.body_seconds,
                "max_connections": min(deadlines.max_connections, most_connections()),
                "count_problem": staticmethod(app.state.service.meter.count_problem),
            },
        )
        config = Config(
            app,
            http=connection,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, round(deadlines.shutdown_seconds)),
            backlog=BACKLOG,
        )
        super().__init__(config)
        self._service = app.state.service
        self._deadlines = deadlines
        self._supervisor_pid, self._say_started = supervisor_pid, say_started
        self._ends_at: float | None = None

    def answer(self, listener: socket.socket) -> None:
        """Answer on a socket until a signal asks to stop."""
        self.run(sockets=[listener])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to drain, or to end."""
        if sig == signal.SIGINT:
            return
        if sig == signal.SIGTERM and self._ends_at is None:
            self._ends_at = time.monotonic() + self._deadlines.drain_seconds
            self._service.drain()
        elif not self.should_exit:
            self._service.drain()
            self.should_exit = True
        else:
            self.force_exit = True

    def retire(self) -> None:
        """Leave the listener to the workers of another model; answer on the open connections."""
        self._service.retire()
        for server in self.servers:
            server.close()
        self._ends_at = time.monotonic() + self._deadlines.drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_signal_handler(RETIRE, self.retire)
        self._say_started()

    async def on_tick(self, counter: int) -> bool:
        """End once the time to drain is over, or when nobody supervises any more."""
        self._service.show()
        if counter % OBEY_TICKS == 0:
            self._service.obey()
        if os.getppid() != self._supervisor_pid:
            self._service.drain()
            self.should_exit = True
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)


def most_connections() -> int:
    """Return how many connections the descriptors of a process allow."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = soft == resource.RLIM_INFINITY
    return 1_000_000 if unlimited else max(1, soft - SPARE_DESCRIPTORS)
