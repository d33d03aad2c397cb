"""Server: a port that is free, processes that answer on it, and a clean end."""

import errno
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from fastapi import FastAPI
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from libelle.errors import ModelError, UsageError

__all__ = ["STARTUP_FAILURE", "exit_cleanly", "listen", "refuse_busy_port", "run_server"]

logger = logging.getLogger(__name__)

BACKLOG = 2048
# Longer than the ingress keeps idle connections (60 s): otherwise it reuses one that just closed.
KEEP_ALIVE_SECONDS = 75
# What is in flight may last that long after a signal.
GRACE_SECONDS = 20


class _UtcFormatter(logging.Formatter):
    def converter(self, seconds: float | None) -> time.struct_time:
        return time.gmtime(seconds)


_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": _UtcFormatter,
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
            "datefmt": "%Y-%m-%dT%H:%M:%SZ",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}


def refuse_busy_port(host: str, port: int) -> None:
    """Check that an address can be listened on.

    Raises
    ------
    UsageError
        If it cannot; the message says what to change.
    """
    listen(host, port).close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; connections wait there until the service answers.

    Raises
    ------
    UsageError
        If the address cannot be listened on.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(_explain(host, port, error)) from error
    return listener


def exit_cleanly() -> None:
    """End with status 0 on SIGTERM and Ctrl-C, before and after the server handles them itself."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)


def run_server(
    make_app: Callable[[], FastAPI], listener: socket.socket, *, n_workers: int = 1
) -> None:
    """Answer on a socket until a signal asks to stop.

    Parameters
    ----------
    make_app : callable that returns FastAPI
        Called once in each process; picklable when there are several.
    listener : socket
    n_workers : int

    Raises
    ------
    ModelError
        If a worker could not start.
    """
    config = Config(
        make_app,
        factory=True,
        workers=n_workers,
        log_config=_LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=BACKLOG,
    )
    host, port = listener.getsockname()[:2]
    logger.info("Listening on http://%s:%d: see /docs", host, port)
    if n_workers == 1:
        Server(config).run(sockets=[listener])
        return
    supervisor = Multiprocess(config, sockets=[listener])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ModelError("A worker could not load the model: see its message above.")


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _explain(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use by another program: "
            "choose another one with LIBELLE_PORT or --port."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved: choose one above 1023 with LIBELLE_PORT or --port."
    return f"{host}:{port} cannot be listened on ({error.strerror}): check LIBELLE_HOST or --host."
