"""Trial: a piece of work done first in a process of its own, which may crash or never end."""

import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from libelle.errors import LibelleError, ModelError

MAX_MESSAGE_BYTES = 4096
REFUSED = 3


def try_apart(work: Callable[[], object], *, seconds: float, n_bytes: int, purpose: str) -> None:
    """Do a piece of work in a child process, bounded in time and memory, and forget its result.

    Parameters
    ----------
    work : callable
    seconds : float
    n_bytes : int
        Memory that it may ask for beside what this process has.
    purpose : str
        What is being done, as the message says it: "load the model".

    Raises
    ------
    ModelError
        If it raises, crashes, or takes too long or too much; the message of a `LibelleError` is
        kept.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _work_and_exit(work, writer, n_bytes)
    os.close(writer)
    ended = False  # A signal may end the wait.
    try:
        ended = _wait(reader, seconds)
        message = os.read(reader, MAX_MESSAGE_BYTES).decode("utf-8", "replace") if ended else ""
    finally:
        os.close(reader)
        if not ended:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    if not ended:
        raise ModelError(f"It took more than {seconds:g} seconds to {purpose}: given up.")
    code = os.waitstatus_to_exitcode(status)
    if message:
        raise ModelError(message)
    if code < 0:
        name = signal.Signals(-code).name
        raise ModelError(f"A process crashed when it tried to {purpose} ({name}): refused.")
    if code:
        raise ModelError(f"A process failed when it tried to {purpose} (exit {code}): refused.")


def _wait(reader: int, seconds: float) -> bool:
    """Tell whether the child said something, or ended, in time."""
    readable, _, _ = select.select([reader], [], [], seconds)
    return bool(readable)


def _work_and_exit(work: Callable[[], object], writer: int, n_bytes: int) -> None:
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _bound_memory(n_bytes)
        work()
        code = 0
    except LibelleError as error:
        code = REFUSED
        os.write(writer, str(error).encode("utf-8", "replace")[:MAX_MESSAGE_BYTES])
    except MemoryError:
        code = REFUSED
        os.write(writer, b"The model asks for more memory than LIBELLE_LOAD_MEMORY_BYTES: refused.")
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def _bound_memory(n_bytes: int) -> None:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        n_pages = int(file.read().split()[0])
    limit = n_pages * resource.getpagesize() + n_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
