"""Supervisor: forks the workers of a model, replaces those that die, and a model by another.

A worker is forked once everything is imported and the model is loaded: all of them share that
memory. It serves one model for its whole life. Another model means other workers: they listen on
the same socket, and when all of them do, those of the model before are drained. No request is lost,
and the memory of the model before goes with its processes.
"""

import gc
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Generic, TypeVar

from api.server.ledger import Ledger, Page
from api.server.process import RETIRE
from libelle.errors import ModelError

logger = logging.getLogger(__name__)

Served = TypeVar("Served")

STARTED = b"+"
TICK_SECONDS = 0.5
START_SECONDS = 60
# A worker that lived less than that did not really start.
SHORT_LIFE_SECONDS = 5
MAX_SHORT_LIVES = 5
SIGNAL_PAUSE_SECONDS = 0.2


@dataclass(eq=False)
class _Worker:
    pid: int
    ready: int
    born_at: float
    page: Page
    started: bool = False


@dataclass(eq=False)
class Workforce(Generic[Served]):
    """The workers of one model."""

    served: Served
    workers: list[_Worker] = field(default_factory=list)

    @property
    def started(self) -> bool:
        """Tell whether every worker answers."""
        return bool(self.workers) and all(worker.started for worker in self.workers)


class Supervisor(Generic[Served]):
    """Keeps `n_workers` processes that answer with what is served now.

    Parameters
    ----------
    work : callable
        Receives what is served, a page of the ledger and a callable to call once it answers;
        returns when its process is to end. Called in each worker.
    ledger : Ledger
        Where each worker counts.
    n_workers : int
    patience_seconds : float
        Longest time between a signal and the end of a worker; it is killed afterwards.
    """

    def __init__(
        self,
        work: Callable[[Served, Page, Callable[[], None]], None],
        ledger: Ledger,
        *,
        n_workers: int,
        patience_seconds: float,
    ) -> None:
        self._work, self._n_workers, self._patience = work, n_workers, patience_seconds
        self._ledger = ledger
        self._current: Workforce[Served] | None = None
        self._retired: list[tuple[_Worker, float]] = []
        self._former: list[Workforce[Served]] = []
        self._n_short_lives = 0
        self._signal: int | None = None
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)
        os.set_blocking(self._wake_reader, False)

    def handle_signals(self) -> None:
        """Take SIGTERM and Ctrl-C from now on."""
        signal.set_wakeup_fd(self._wake_writer)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_signal)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def serve(self, served: Served) -> None:
        """Fork workers for something else to serve; those of before go once these answer."""
        gc.collect()
        gc.freeze()  # The collector would touch, and so copy, the pages that are shared.
        if self._current is not None:
            self._former.append(self._current)
        self._current = Workforce(served)
        for _ in range(self._n_workers):
            self._current.workers.append(self._fork(served))

    def run(
        self,
        sources: Sequence[int] = (),
        on_source: Callable[[int], bool] | None = None,
        *,
        on_look: Callable[[], None] | None = None,
    ) -> None:
        """Watch the workers until a signal asks to stop, then stop them.

        Parameters
        ----------
        sources : sequence of int
            File descriptors to look at too.
        on_source : callable
            Called with one of them when it can be read; tells whether to look at it again.
        on_look : callable
            Called each time the workers are looked at, several times a second.

        Raises
        ------
        ModelError
            If workers die as soon as they are born.
        """
        watched = list(sources)
        try:
            while self._signal is None:
                for source in self._wait([*watched, self._wake_reader]):
                    if source in watched and on_source is not None and not on_source(source):
                        watched.remove(source)  # At its end, it would seem readable for ever.
                self._look_after()
                if on_look is not None:
                    on_look()
        finally:
            self._stop()

    @property
    def stopping(self) -> bool:
        """Tell whether a signal asked to stop."""
        return self._signal is not None

    def _wait(self, sources: list[int]) -> list[int]:
        ready = [worker.ready for worker in self._starting()]
        readable, _, _ = select.select([*sources, *ready], [], [], TICK_SECONDS)
        with suppress(BlockingIOError):
            os.read(self._wake_reader, 512)
        return [source for source in readable if source in sources]

    def _starting(self) -> list[_Worker]:
        workers = self._current.workers if self._current else []
        return [worker for worker in workers if not worker.started]

    def _look_after(self) -> None:
        for worker in self._starting():
            self._note_start(worker)
        self._reap()
        if self._current is not None and self._current.started:
            for workforce in self._former:
                self._dismiss(workforce.workers, RETIRE)
            self._former.clear()
        self._kill_late()

    def _note_start(self, worker: _Worker) -> None:
        readable, _, _ = select.select([worker.ready], [], [], 0)
        if readable and os.read(worker.ready, 1) == STARTED:
            worker.started = True
        elif readable or time.monotonic() - worker.born_at > START_SECONDS:
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)

    def _reap(self) -> None:
        """Take note of the workers that ended, and replace those that should not have."""
        for worker in [one for one, _ in self._retired]:
            if _has_ended(worker.pid) is not None:
                self._ledger.close_page(worker.page)
                self._retired = [pair for pair in self._retired if pair[0] is not worker]
        for workforce in [*self._former, *([self._current] if self._current else [])]:
            for place, worker in enumerate(workforce.workers):
                if (code := _has_ended(worker.pid)) is not None:
                    os.close(worker.ready)
                    self._ledger.close_page(worker.page)
                    self._ledger.note_replacement()
                    logger.error(
                        "Worker %d ended (%s): another one takes its place", worker.pid, code
                    )
                    self._refuse_short_lives(worker)
                    workforce.workers[place] = self._fork(workforce.served)

    def _refuse_short_lives(self, worker: _Worker) -> None:
        short = time.monotonic() - worker.born_at < SHORT_LIFE_SECONDS
        self._n_short_lives = self._n_short_lives + 1 if short else 0
        if self._n_short_lives > MAX_SHORT_LIVES:
            raise ModelError(
                f"{self._n_short_lives} workers in a row died within {SHORT_LIFE_SECONDS} seconds: "
                "given up. See the messages above."
            )
        if short:
            time.sleep(0.2 * self._n_short_lives)

    def _dismiss(self, workers: Sequence[_Worker], number: signal.Signals) -> None:
        limit = time.monotonic() + self._patience
        for worker in workers:
            os.close(worker.ready)
            with suppress(ProcessLookupError):
                os.kill(worker.pid, number)
            self._retired.append((worker, limit))

    def _kill_late(self) -> None:
        for worker, limit in self._retired:
            if time.monotonic() > limit:
                logger.error("Worker %d does not end: killed", worker.pid)
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)

    def _stop(self) -> None:
        """Stop every worker, and wait for them."""
        workforces = [*self._former, *([self._current] if self._current else [])]
        for workforce in workforces:
            self._dismiss(workforce.workers, signal.SIGTERM)
        if self._signal == signal.SIGINT:  # A second signal ends a worker without draining it.
            time.sleep(SIGNAL_PAUSE_SECONDS)
            for worker, _ in self._retired:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGTERM)
        self._former, self._current = [], None
        while self._retired:
            self._reap()
            self._kill_late()
            if self._retired:
                select.select([self._wake_reader], [], [], 0.05)

    def _fork(self, served: Served) -> _Worker:
        reader, writer = os.pipe()
        page = self._ledger.open_page()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            os.close(writer)
            return _Worker(pid, reader, time.monotonic(), page)
        code = 1
        try:
            os.close(reader)
            self._forget_parent()
            self._work(served, page, lambda: _say_started(writer))
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            logger.exception("A worker failed")
        finally:
            logging.shutdown()
            os._exit(code)

    def _forget_parent(self) -> None:
        """Leave to the supervising process what is its own: signals to the group among it."""
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def _note_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signal = self._signal or number


def _say_started(writer: int) -> None:
    with suppress(OSError):
        os.write(writer, STARTED)


def _has_ended(pid: int) -> int | None:
    """Return the exit code of a child that ended, None while it lives."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if ended else None
