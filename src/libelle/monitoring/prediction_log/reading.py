"""Reading: the rows of the log, each prediction once, whatever else lies in its folder."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

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
_NEEDED = ("prediction_id", "received_at", "order")


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
    wanted = _known_columns(columns)
    since, until = _in_utc(since), _in_utc(until)
    # The spool first: what is uploaded meanwhile is then seen twice rather than never.
    waiting = [] if spool_path is None else [_waiting_rows(spool_path, wanted)]
    store = LogStore(uri, options)
    days = [day for day in store.days() if _overlaps(day, since, until)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        read = list(pool.map(lambda day: _read_day(store, day, wanted), days))
    tables = [table for one in read for table in one.tables] + waiting
    whole = pa.concat_tables([_empty(wanted), *tables])
    table = keep_first(_between(whole, since, until)).select(columns or NAMES)
    return LogContent(table, [problem for one in read for problem in one.problems])


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
    wanted = _known_columns(columns)
    since, until = _in_utc(since), _in_utc(until)
    store = LogStore(uri, options)
    for day in store.days():
        if _overlaps(day, since, until):
            read = _read_day(store, day, wanted)
            whole = pa.concat_tables([_empty(wanted), *read.tables])
            table = keep_first(_between(whole, since, until)).select(columns or NAMES)
            yield day, LogContent(table, read.problems)


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
    def attempt(name: str) -> pa.Table | Problem:
        try:
            return read_file(store, name, columns)
        except DataError as error:
            return Problem(store.address(name), str(error))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(attempt, names))
    return _ReadDay(
        [one for one in outcomes if not isinstance(one, Problem)],
        [one for one in outcomes if isinstance(one, Problem)],
    )


def _waiting_rows(spool_path: Path, columns: Sequence[str]) -> pa.Table:
    """Read what no uploader took yet, from the segments being written too."""
    folders = writer_folders(spool_path)
    segments = [segment for folder in folders for segment in segments_of(folder)]
    table, _ = build_sound_table(read_segments(segments).records)
    return complete(table, columns)


def _known_columns(columns: Sequence[str] | None) -> list[str]:
    """Return the columns to read: those asked, and those that tell rows apart."""
    if columns is None:
        return list(NAMES)
    if unknown := sorted(set(columns) - set(NAMES)):
        raise UsageError(f"{unknown} are no columns of the log. Columns: {', '.join(NAMES)}.")
    return [name for name in NAMES if name in columns or name in _NEEDED]


def _empty(columns: Iterable[str]) -> pa.Table:
    return schema_of(columns).empty_table()


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _overlaps(day: date, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or day >= since.date()) and (until is None or day <= until.date())


def _between(table: pa.Table, since: datetime | None, until: datetime | None) -> pa.Table:
    limits: list[tuple[Callable[..., Any], datetime | None]] = [
        (pc.greater_equal, since),
        (pc.less, until),
    ]
    for compare, limit in limits:
        if limit is not None:
            moment = pa.scalar(limit, table.schema.field("received_at").type)
            table = table.filter(compare(table["received_at"], moment))
    return table


def keep_first(table: pa.Table) -> pa.Table:
    """Keep the first row of each prediction."""
    if len(pc.unique(table["prediction_id"])) == table.num_rows:
        return table
    places = pa.array(np.arange(table.num_rows))
    keys = table.select(_NEEDED).append_column("place", places)
    keys = keys.sort_by([("received_at", "ascending"), ("order", "ascending")])
    first = keys.group_by("prediction_id", use_threads=False).aggregate([("place", "first")])
    is_first = np.zeros(table.num_rows, bool)
    is_first[first["place_first"].to_numpy()] = True
    return table.filter(pa.array(is_first))
