"""Refreshing: the roll-ups follow the log; a day whose files are the same is never read again."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from libelle.errors import StorageError
from libelle.monitoring.prediction_log.reading import ATTEMPTS, Problem
from libelle.monitoring.prediction_log.store import LogStore
from libelle.monitoring.rollups.apart import count_apart
from libelle.monitoring.rollups.cache import DayCache
from libelle.monitoring.rollups.counts import Counts
from libelle.monitoring.rollups.days import DayRollUp, roll_up_day
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

# Rows of yesterday may still wait in a spool: its files are read one by one, as those of today.
OPEN_DAYS = timedelta(days=1)
_LISTED_AT_ONCE = 16

Progress = Callable[[int, int], None]
OnDay = Callable[[date, int, int], None]


@dataclass(frozen=True)
class Snapshot:
    """The log as it was counted last.

    Attributes
    ----------
    days : tuple of DayRollUp
        Earliest first; those without any file are absent.
    read_at : datetime
    version : int
        Grows whenever a day changed.
    """

    days: tuple[DayRollUp, ...]
    read_at: datetime
    version: int = 0
    _totals: dict[tuple[date, date], Counts] = field(default_factory=dict, repr=False)

    @property
    def n_rows(self) -> int:
        """Return how many predictions there are."""
        return sum(one.counts.n_rows for one in self.days)

    @property
    def problems(self) -> list[Problem]:
        """Return the files that were left out."""
        return [problem for one in self.days for problem in one.problems]

    @property
    def last_at(self) -> datetime | None:
        """Return when the latest prediction was asked for; None without any."""
        moments = [one.counts.last_at for one in self.days if one.counts.last_at is not None]
        return datetime.fromtimestamp(max(moments) / 1e6, UTC) if moments else None

    def total(self, first: date, last: date) -> Counts:
        """Return the counts of the days from the first to the last, both included."""
        if (first, last) not in self._totals:
            chosen = (one.counts for one in self.days if first <= one.day <= last)
            self._totals[first, last] = Counts.total(chosen)
        return self._totals[first, last]


class RollUps:
    """The roll-ups of a log; used by one thread at a time.

    Parameters
    ----------
    uri : str
        Of the log.
    folder : Path
        Local folder where days are kept; several processes may share it.
    n_days : int
        Days before today that are counted; older ones are left alone.
    options : StorageOptions
    """

    def __init__(
        self,
        uri: str,
        folder: Path,
        *,
        n_days: int,
        options: StorageOptions = DEFAULT_OPTIONS,
    ) -> None:
        self._uri, self._folder, self._options = uri, folder, options
        self._n_days = n_days
        self._cache = DayCache(folder, uri)
        self._days: dict[date, DayRollUp] | None = None
        self._version = 0
        self._last: Snapshot | None = None

    def refresh(
        self,
        *,
        now: datetime,
        progress: Progress = lambda _done, _all: None,
        on_day: OnDay = lambda _day, _done, _all: None,
        most_bytes: int | None = None,
    ) -> Snapshot:
        """Count what changed since the last time; what was counted is kept, even if this fails.

        Parameters
        ----------
        now : datetime
        progress : callable
            Told how many days are counted, and how many there are to count.
        on_day : callable
            Told the same once a day is kept, and which one.
        most_bytes : int or None
            If there is more to read, another process does it: its memory goes with it.

        Raises
        ------
        StorageError
            If the log is out of reach, or the folder cannot be written.
        """
        store = LogStore(self._uri, self._options)
        if self._days is None:
            self._cache.clean()
            self._days = self._cache.read()
        today = now.astimezone(UTC).date()
        listed = self._list(store, oldest=today - timedelta(days=self._n_days))
        if most_bytes is not None and self._bytes_to_read(listed) > most_bytes:
            self._count_apart(now, progress)
        self._forget(self._days.keys() - listed.keys())
        changed = [day for day, files in listed.items() if not self._is_known(day, files)]
        # The latest first: it is the one that people look at.
        for n_done, day in enumerate(sorted(changed, reverse=True)):
            progress(n_done, len(changed))
            self._count(store, day, listed[day], is_open=day >= today - OPEN_DAYS)
            on_day(day, n_done + 1, len(changed))
        days = tuple(self._days[day] for day in sorted(self._days) if self._days[day].files)
        kept = self._last._totals if self._last and self._last.version == self._version else {}
        self._last = Snapshot(days, now, self._version, kept)
        return self._last

    def counted(self, *, now: datetime) -> Snapshot:
        """Return what is counted so far, without a look at the log."""
        days = self._days or {}
        return Snapshot(tuple(days[day] for day in sorted(days)), now, self._version)

    def _list(self, store: LogStore, *, oldest: date) -> dict[date, Mapping[str, int]]:
        days = [day for day in store.days() if day >= oldest]
        with ThreadPoolExecutor(_LISTED_AT_ONCE) as pool:
            return dict(zip(days, pool.map(store.sizes, days), strict=True))

    def _bytes_to_read(self, listed: Mapping[date, Mapping[str, int]]) -> int:
        known = {day: one.files for day, one in (self._days or {}).items()}
        return sum(
            size
            for day, files in listed.items()
            for name, size in files.items()
            if name not in known.get(day, ())
        )

    def _count_apart(self, now: datetime, progress: Progress) -> None:
        asked = count_apart(
            self._uri, self._folder, n_days=self._n_days, now=now, options=self._options
        )
        for step in asked:
            if (rolled_up := self._cache.read_day(step.day)) is not None:
                self._days = {**(self._days or {}), step.day: rolled_up}
                self._version += 1
            progress(step.n_done, step.n_days)

    def _is_known(self, day: date, files: Mapping[str, int]) -> bool:
        known = (self._days or {}).get(day)
        return known is not None and known.files == files

    def _count(
        self, store: LogStore, day: date, files: Mapping[str, int], *, is_open: bool
    ) -> None:
        days = self._days or {}
        for _ in range(ATTEMPTS):
            try:
                rolled_up = roll_up_day(store, day, files, known=days.get(day), is_open=is_open)
            except FileNotFoundError:  # Merged into another one, or erased, meanwhile.
                files = store.sizes(day)
                continue
            # Copied, not changed: another thread may be going through it.
            self._days = {**days, day: rolled_up}
            self._version += 1
            self._cache.write(rolled_up)
            # Arrow would keep what a day took for the next one: with threads, twice as much.
            pa.default_memory_pool().release_unused()
            return
        raise StorageError(
            f"{store.address('')} changes faster than it can be read. Is it being compacted? "
            "Try later."
        )

    def _forget(self, gone: Iterable[date]) -> None:
        for day in gone:
            self._days = {one: kept for one, kept in (self._days or {}).items() if one != day}
            self._version += 1
            self._cache.forget(day)
