"""Command line: one command per use case."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["main"]

INTERRUPTED = 130


def main() -> None:
    """Run a command; a user's mistake ends in one line and an exit code, never in a traceback."""
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
