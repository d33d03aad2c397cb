"""Watching: what is far or slow is read in a thread, and pages show the last answer."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from libelle.errors import LibelleError

logger = logging.getLogger(__name__)

Value = TypeVar("Value")
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Look(Generic[Value]):
    """What is known of something far.

    Attributes
    ----------
    value : object or None
        The last one that was read; None as long as there is none.
    read_at : datetime or None
    failure : LibelleError or None
        Why the last attempt failed; None when it did not.
    """

    value: Value | None = None
    read_at: datetime | None = None
    failure: LibelleError | None = None


class Watched(Generic[Value]):
    """Something that is read again in a thread, when somebody looks and it is no longer fresh.

    Parameters
    ----------
    read : callable
        Takes as long as it takes; may raise a `LibelleError`.
    every_seconds : float
        Age above which it is read again.
    patience_seconds : float
        How long a look waits for the first value, or for one to replace a value that is old.
    clock : callable
    """

    def __init__(
        self,
        read: Callable[[], Value],
        *,
        every_seconds: float,
        patience_seconds: float = 1.0,
        clock: Clock = utc_now,
    ) -> None:
        self._read, self._clock = read, clock
        self._every_seconds, self._patience_seconds = every_seconds, patience_seconds
        self._look: Look[Value] = Look()
        self._tried_at: datetime | None = None
        self._starting = Lock()
        self._done = Event()
        self._done.set()

    def look(self) -> Look[Value]:
        """Return what is known; read again in the background if it is not fresh."""
        age = self._age()
        if age is None or age > self._every_seconds:
            self.refresh()
        if age is None or age > 4 * self._every_seconds:
            self._done.wait(self._patience_seconds)
        return self._look

    def refresh(self) -> None:
        """Begin to read, unless it is being done."""
        with self._starting:
            if not self._done.is_set():
                return
            self._done.clear()
        Thread(target=self._work, name="libelle-watch", daemon=True).start()

    def wait(self, seconds: float) -> Look[Value]:
        """Return what is known once what is being read is there, or the time is over."""
        self._done.wait(seconds)
        return self._look

    def _age(self) -> float | None:
        if self._tried_at is None:
            return None
        return (self._clock() - self._tried_at).total_seconds()

    def _work(self) -> None:
        try:
            self._look = Look(self._read(), self._clock())
        except LibelleError as error:
            self._fail(error)
            logger.warning("%s", error)
        except Exception as error:  # A door: pages say that something failed, and go on.
            self._fail(LibelleError("An unforeseen error: see the log of the dashboard."))
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error("Reading failed: %s\n%s", type(error).__name__, frames)
        finally:
            self._tried_at = self._clock()
            self._done.set()

    def _fail(self, error: LibelleError) -> None:
        self._look = Look(self._look.value, self._look.read_at, error)
