"""Work: one thread that predicts, single texts first, large requests by small steps.

Prediction holds the interpreter, so a second thread would only slow the first. Texts that come one
by one are answered together as soon as the thread is free, without ever waiting for company; a
batch yields to them after each step.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Done = TypeVar("Done")

MAX_TOGETHER = 64
# While single texts come, a step of a batch is short; otherwise it is as long as pays.
SHORT_STEP_TEXTS, LONG_STEP_TEXTS = 32, 512
CALM_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


@dataclass(frozen=True, slots=True)
class _Single(Generic[Asked]):
    asked: Asked
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Workroom(Generic[Asked, Answer]):
    """A thread and what it has to do.

    Parameters
    ----------
    answer_together : callable
        Receives what several single requests ask, and returns as many answers in order. When it
        raises, each is asked alone: an error is for the one that makes it.
    """

    def __init__(self, answer_together: Callable[[Sequence[Asked]], Sequence[Answer]]) -> None:
        self._answer_together = answer_together
        self._singles: deque[_Single[Asked]] = deque()
        self._jobs: deque[_Job] = deque()
        self._something = threading.Condition()
        self._closing = False
        self._last_single_at = -CALM_SECONDS
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start the thread."""
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="libelle-work", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is there, then end the thread."""
        with self._something:
            self._closing = True
            self._something.notify()
        if self._thread is not None:
            self._thread.join()

    @property
    def step_texts(self) -> int:
        """Return how many texts of a batch make a step."""
        calm = time.monotonic() - self._last_single_at > CALM_SECONDS
        return LONG_STEP_TEXTS if calm else SHORT_STEP_TEXTS

    @property
    def n_waiting(self) -> int:
        """Return how many pieces of work wait."""
        return len(self._singles) + len(self._jobs)

    async def answer(self, asked: Asked) -> Answer:
        """Answer a single request, before any step of a batch."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._last_single_at = time.monotonic()
        with self._something:
            self._singles.append(_Single(asked, loop, future))
            self._something.notify()
        return await future

    async def do(self, work: Callable[[], Done]) -> Done:
        """Do a step, when no single request waits; steps are taken in the order they were asked."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Done] = loop.create_future()
        with self._something:
            self._jobs.append(_Job(work, loop, future))
            self._something.notify()
        return await future

    def _work(self) -> None:
        while True:
            with self._something:
                while not (self._singles or self._jobs or self._closing):
                    self._something.wait()
                singles = [
                    self._singles.popleft() for _ in range(min(len(self._singles), MAX_TOGETHER))
                ]
                job = self._jobs.popleft() if self._jobs and not singles else None
                if not singles and job is None:
                    return
            if singles:
                self._answer_singles([one for one in singles if not one.future.cancelled()])
            elif job is not None and not job.future.cancelled():
                _do(job)

    def _answer_singles(self, singles: list[_Single[Asked]]) -> None:
        if not singles:
            return
        try:
            answers = self._answer_together([single.asked for single in singles])
        except Exception as error:
            if len(singles) == 1:
                _give(singles[0].loop, singles[0].future, error=error)
                return
            for single in singles:
                self._answer_singles([single])
        else:
            for single, answer in zip(singles, answers, strict=True):
                _give(single.loop, single.future, answer=answer)


def _do(job: _Job) -> None:
    try:
        answer = job.work()
    except Exception as error:
        _give(job.loop, job.future, error=error)
    else:
        _give(job.loop, job.future, answer=answer)


def _give(
    loop: asyncio.AbstractEventLoop,
    future: "asyncio.Future[Any]",
    *,
    answer: Any = None,
    error: Exception | None = None,
) -> None:
    def settle() -> None:
        if future.done():  # The client left.
            return
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(error)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:  # The loop is closed: nobody waits any more.
        return
