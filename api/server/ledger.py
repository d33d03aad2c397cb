"""Ledger: numbers that each worker writes on a page of its own, and that outlive it.

The memory is shared: it is made before the workers are forked. What a worker counted is added to
the total when it ends, whatever ended it, so that no sum ever goes down.
"""

import logging
import mmap
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]

MAX_LOOKS = 200
LOOK_PAUSE_SECONDS = 0.001
_CHANGES, _REPLACED, _N_FACTS = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Page:
    """Where one worker counts.

    Attributes
    ----------
    numbers : ndarray, shape (n_numbers,)
    place : int or None
        In the ledger; None when it was full, and what is counted here is lost.
    """

    numbers: Floats
    place: int | None


class Ledger:
    """A total, and as many pages; one process opens and closes them, any may read.

    Parameters
    ----------
    n_numbers : int
        Numbers of a page.
    n_lasting : int
        The first ones, which are added to the total when a page is closed; others are forgotten.
    n_pages : int
        Those that were never opened take no memory.
    """

    def __init__(self, n_numbers: int, n_lasting: int, *, n_pages: int) -> None:
        n_all = _N_FACTS + n_pages + n_numbers * (1 + n_pages)
        numbers = np.frombuffer(mmap.mmap(-1, 8 * n_all), np.float64)
        self._facts, rest = np.split(numbers, [_N_FACTS])
        self._open, rest = np.split(rest, [n_pages])
        self._total, *self._pages = rest.reshape(1 + n_pages, n_numbers)
        self._n_lasting = n_lasting

    @property
    def n_open(self) -> int:
        """Return how many pages are open."""
        return int(self._open.sum())

    @property
    def n_replaced(self) -> int:
        """Return how many workers were replaced."""
        return int(self._facts[_REPLACED])

    def open_page(self) -> Page:
        """Return a page of zeros."""
        free = np.flatnonzero(self._open == 0)
        if not free.size:
            logger.error("Too many workers end at the same time: the newest one is not counted")
            return Page(np.zeros(len(self._total)), None)
        place = int(free[0])
        self._open[place] = 1
        return Page(self._pages[place], place)

    def close_page(self, page: Page) -> None:
        """Add a page to the total; its process has ended."""
        if page.place is None:
            return
        self._facts[_CHANGES] += 1  # Odd: whoever reads waits.
        self._total[: self._n_lasting] += page.numbers[: self._n_lasting]
        page.numbers[:] = 0
        self._open[page.place] = 0
        self._facts[_CHANGES] += 1

    def note_replacement(self) -> None:
        """Count a worker that ended by itself."""
        self._facts[_REPLACED] += 1

    def sum(self) -> Floats:
        """Return the total and all open pages, added."""
        for _ in range(MAX_LOOKS):
            before = self._facts[_CHANGES]
            numbers = self._add_up()
            if before % 2 == 0 and before == self._facts[_CHANGES]:
                break
            time.sleep(LOOK_PAUSE_SECONDS)
        return numbers

    def _add_up(self) -> Floats:
        numbers = self._total.copy()
        for place in np.flatnonzero(self._open):
            numbers += self._pages[place]
        return numbers
