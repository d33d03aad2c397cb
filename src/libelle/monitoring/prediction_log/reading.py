"""Reading: the rows of the log, each prediction once, whatever else lies in its folder."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from libelle.errors import DataError, StorageError, UsageError
from libelle.monitoring.prediction_log.backlog import read_segments, segments_of, writer_folders
from libelle.monitoring.prediction_log.files import complete, read_file, schema_of
from libelle.monitoring.prediction_log.schema import NAMES
from libelle.monitoring.prediction_log.store import LogStore
from libelle.monitoring.prediction_log.tables import build_sound_table
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

ATTEMPTS = 5
_AT_ONCE = 8  # Days, and files of each.
# What tells rows apart, and which one of a prediction comes first.
NEEDED = ("prediction_id", "received_at", "order")


class Problem(NamedTuple):
    """A file that was left out, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class LogContent:
    """What a log holds.

    Attributes
    ----------
    table : pyarrow.Table
        One row for each prediction, in no particular order.
    problems : list of Problem
        Files under the log that are no part of it, or that this libelle cannot read.
    """

    table: pa.Table
    problems: list[Problem]


def read_log(
    uri: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    columns: Sequence[str] | None = None,
    spool_path: Path | None = None,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> LogContent:
    """Read a log: each prediction once, the first row of those that have its identifier.

    Parameters
    ----------
    uri : str
        Folder of the log, local or remote; one that does not exist yet is an empty log.
    since, until : datetime or None
        Requests that came from the first, before the second; in UTC if they name no zone.
    columns : sequence of str or None
        All if None.
    spool_path : Path or None
        Spool whose rows are read too, uploaded or not.
    options : StorageOptions

    Raises
    ------
    StorageError
        If the log is out of reach.
    UsageError
        If a column is not one of the log's.
    """
    query = _Query.of(columns, since, until)
    # The spool first: what is uploaded meanwhile is then seen twice rather than never.
    waiting = [] if spool_path is None else [_waiting_rows(spool_path, query.needed)]
    store = LogStore(uri, options)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        days = filter(query.overlaps, store.days())
        read = list(pool.map(lambda day: _read_day(store, day, query.needed), days))
    tables = [table for one in read for table in one.tables] + waiting
    return LogContent(query.rows(tables), [problem for one in read for problem in one.problems])


def iter_days(
    uri: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    columns: Sequence[str] | None = None,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> Iterator[tuple[date, LogContent]]:
    """Read a log day by day, earliest first, in the memory of one; see `read_log`.

    A request that was retried the next day is there on both.
    """
    query = _Query.of(columns, since, until)
    store = LogStore(uri, options)
    for day in filter(query.overlaps, store.days()):
        read = _read_day(store, day, query.needed)
        yield day, LogContent(query.rows(read.tables), read.problems)


def read_spool(
    spool_path: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Read the rows that wait in a spool, uploaded or not; see `read_log`."""
    query = _Query.of(columns, since, until)
    return query.rows([_waiting_rows(spool_path, query.needed)])


@dataclass(frozen=True)
class _Query:
    """What is asked of a log; `needed` are the columns asked and those that tell rows apart."""

    columns: Sequence[str]
    needed: Sequence[str]
    since: datetime | None
    until: datetime | None

    @classmethod
    def of(
        cls, columns: Sequence[str] | None, since: datetime | None, until: datetime | None
    ) -> "_Query":
        asked = NAMES if columns is None else columns
        if unknown := sorted(set(asked) - set(NAMES)):
            raise UsageError(f"{unknown} are no columns of the log. Columns: {', '.join(NAMES)}.")
        needed = [name for name in NAMES if name in asked or name in NEEDED]
        return cls(asked, needed, _in_utc(since), _in_utc(until))

    def overlaps(self, day: date) -> bool:
        """Tell whether a UTC day may have rows of the time asked."""
        return (self.since is None or day >= self.since.date()) and (
            self.until is None or day <= self.until.date()
        )

    def rows(self, tables: Sequence[pa.Table]) -> pa.Table:
        """Return the rows of tables that are of the time asked, each prediction once."""
        table = pa.concat_tables([schema_of(self.needed).empty_table(), *tables])
        for compare, limit in ((pc.greater_equal, self.since), (pc.less, self.until)):
            if limit is not None:
                moment = pa.scalar(limit, table.schema.field("received_at").type)
                table = table.filter(compare(table["received_at"], moment))
        return keep_first(table).select(self.columns)


class _ReadDay(NamedTuple):
    tables: list[pa.Table]
    problems: list[Problem]


def _read_day(store: LogStore, day: date, columns: Sequence[str]) -> _ReadDay:
    """Read the files of a day; again if some were merged into another one meanwhile."""
    for _ in range(ATTEMPTS):
        try:
            return _read_files(store, store.files(day), columns)
        except FileNotFoundError:
            continue
    raise StorageError(
        f"{store.address('')} changes faster than it can be read. Is it being compacted? Try later."
    )


def _read_files(store: LogStore, names: Sequence[str], columns: Sequence[str]) -> _ReadDay:
    outcomes = read_files(store, names, columns)
    return _ReadDay(
        [one for one in outcomes if not isinstance(one, Problem)],
        [one for one in outcomes if isinstance(one, Problem)],
    )


def read_files(
    store: LogStore, names: Sequence[str], columns: Sequence[str] = NAMES
) -> list[pa.Table | Problem]:
    """Read files, several at a time; a problem stands for each that cannot be read.

    Raises
    ------
    FileNotFoundError
        If one is not there any more.
    StorageError
        If the log is out of reach.
    """

    def attempt(name: str) -> pa.Table | Problem:
        try:
            return read_file(store, name, columns)
        except DataError as error:
            return Problem(store.address(name), str(error))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(attempt, names))


def _waiting_rows(spool_path: Path, columns: Sequence[str]) -> pa.Table:
    """Read what no uploader took yet, from the segments being written too."""
    folders = writer_folders(spool_path)
    segments = [segment for folder in folders for segment in segments_of(folder)]
    table, _ = build_sound_table(read_segments(segments).records)
    return complete(table, columns)


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def keep_first(table: pa.Table) -> pa.Table:
    """Keep the first row of each prediction."""
    if len(pc.unique(table["prediction_id"])) == table.num_rows:
        return table
    places = pa.array(np.arange(table.num_rows))
    keys = table.select(NEEDED).append_column("place", places)
    keys = keys.sort_by([("received_at", "ascending"), ("order", "ascending")])
    first = keys.group_by("prediction_id", use_threads=False).aggregate([("place", "first")])
    is_first = np.zeros(table.num_rows, bool)
    is_first[first["place_first"].to_numpy()] = True
    return table.filter(pa.array(is_first))
