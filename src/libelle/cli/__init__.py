"""Command line: one command per use case."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["main"]

INTERRUPTED = 130
FIRST_PROCESS = 1


def main() -> None:
    """Run a command; a user's mistake ends in one line and an exit code, never in a traceback."""
    _hear_sigterm()
    with _watching_for_interruption() as interruptions:
        try:
            # Imported here: Ctrl-C may come at any moment, most often while modules are read.
            from libelle.cli.app import run

            status = run()
        except KeyboardInterrupt:
            status = INTERRUPTED
        except Exception:
            if not interruptions:
                raise
            status = INTERRUPTED  # A compiled module turns Ctrl-C into an error of its own.
    if status == INTERRUPTED:
        sys.stderr.write(
            "Error: Interrupted. What was finished is kept: run the same command to go on.\n"
        )
    sys.exit(status)


def _hear_sigterm() -> None:
    """Let SIGTERM end us from the first moment, as it ends any other process.

    The first process of a container is not ended by a signal that it does not handle: it would be
    waited for, then killed. Commands that have more to do than to end take the signal in their turn.
    """
    if os.getpid() == FIRST_PROCESS:
        signal.signal(signal.SIGTERM, lambda number, _frame: os._exit(128 + number))


class _Interruption(KeyboardInterrupt):
    """Ctrl-C; for its own class, Python would end by a signal, without our exit code."""


@contextmanager
def _watching_for_interruption() -> Iterator[list[int]]:
    """Give the list of the interruptions received so far."""
    received: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise _Interruption

    usual = signal.signal(signal.SIGINT, interrupt)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, usual)
