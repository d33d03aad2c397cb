"""Addresses: a socket that listens, or a sentence that says why it cannot."""

import errno
import socket

from libelle.errors import UsageError

BACKLOG = 2048


def refuse_busy_port(host: str, port: int) -> None:
    """Check that an address can be listened on.

    Raises
    ------
    UsageError
        If it cannot; the message says what to change.
    """
    listen(host, port).close()


def listen(
    host: str,
    port: int,
    *,
    set_host: str = "LIBELLE_HOST or --host",
    set_port: str = "LIBELLE_PORT or --port",
) -> socket.socket:
    """Return a socket that listens; connections wait there until the service answers.

    Parameters
    ----------
    host : str
    port : int
    set_host, set_port : str
        How to choose others, for the message.

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
        raise UsageError(_explain(host, port, error, set_host, set_port)) from error
    return listener


def _explain(host: str, port: int, error: OSError, set_host: str, set_port: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use by another program: "
            f"choose another one with {set_port}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved: choose one above 1023 with {set_port}."
    return f"{host}:{port} cannot be listened on ({error.strerror}): check {set_host}."
