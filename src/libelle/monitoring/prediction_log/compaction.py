"""Compaction: the many small files of a day that is over become few."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime

import pyarrow as pa

from libelle.errors import DataError, StorageError
from libelle.monitoring.prediction_log.files import Footer, read_file, read_footer, write_file
from libelle.monitoring.prediction_log.reading import Problem, keep_first, read_files
from libelle.monitoring.prediction_log.store import LogStore, folder_of
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

MOST_ROWS = 50_000
_REPLACES_KEY = b"libelle_replaces"
_STEM = "compacted"
_AT_ONCE = 8


@dataclass
class CompactionSummary:
    """What became of the files of a log.

    Attributes
    ----------
    n_days : int
        Days whose files were merged.
    n_files_before, n_files_after : int
        Of these days.
    n_rows : int
        In the new files.
    problems : list of Problem
        Files left as they are.
    """

    n_days: int = 0
    n_files_before: int = 0
    n_files_after: int = 0
    n_rows: int = 0
    problems: list[Problem] = field(default_factory=list)


def compact(
    uri: str,
    *,
    now: datetime,
    options: StorageOptions = DEFAULT_OPTIONS,
    most_rows: int = MOST_ROWS,
) -> CompactionSummary:
    """Merge the small files of each day before today (UTC), in the memory of one large file.

    A new file is there, and was read again, before those that it replaces go; their names stand in
    it. Cut in between, rows stand twice in the log and once for its readers, until the next run. To
    be run by one process at a time, and not while another one erases.

    Parameters
    ----------
    uri : str
    now : datetime
    options : StorageOptions
    most_rows : int
        Of a new file; one that has half of it is not small.

    Raises
    ------
    StorageError
        If the log is out of reach, or a new file does not hold what it should.
    """
    store = LogStore(uri, options)
    summary = CompactionSummary()
    for day in store.days():
        if day < now.date():
            _compact_day(store, day, summary, most_rows)
    return summary


def _compact_day(store: LogStore, day: date, summary: CompactionSummary, most_rows: int) -> None:
    names = store.files(day)
    if len(names) < 2 or all(map(_is_compacted, names)):
        return
    footers = _read_footers(store, names, summary)
    _finish(store, footers)
    small = {name: one.n_rows for name, one in footers.items() if one.n_rows < most_rows / 2}
    groups = [group for group in _group(small, most_rows) if len(group) > 1]
    for group in groups:
        _merge(store, day, group, summary)
    summary.n_days += bool(groups)


def _is_compacted(name: str) -> bool:
    return name.rpartition("/")[2].startswith(f"{_STEM}-")


def _read_footers(
    store: LogStore, names: Sequence[str], summary: CompactionSummary
) -> dict[str, Footer]:
    def attempt(name: str) -> Footer | Problem:
        try:
            return read_footer(store, name)
        except DataError as error:
            return Problem(store.address(name), str(error))

    footers = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for name, outcome in zip(names, pool.map(attempt, names), strict=True):
            if isinstance(outcome, Problem):
                summary.problems.append(outcome)
            else:
                footers[name] = outcome
    return footers


def _finish(store: LogStore, footers: dict[str, Footer]) -> None:
    """Delete what a compaction that was cut had replaced, once its file was read."""
    for name, footer in list(footers.items()):
        left = footers.keys() & json.loads(footer.metadata.get(_REPLACES_KEY, b"[]"))
        if left - {name} and not isinstance(read_files(store, [name])[0], Problem):
            store.delete(sorted(left - {name}))
            for one in left - {name}:
                del footers[one]


def _group(n_rows: Mapping[str, int], most_rows: int) -> Iterator[list[str]]:
    """Give files whose rows go together in one, in their order."""
    group: list[str] = []
    n_grouped = 0
    for name, n_own in n_rows.items():
        if group and n_grouped + n_own > most_rows:
            yield group
            group, n_grouped = [], 0
        group.append(name)
        n_grouped += n_own
    yield group


def _merge(store: LogStore, day: date, names: Sequence[str], summary: CompactionSummary) -> None:
    tables = {}
    for name, outcome in zip(names, read_files(store, names), strict=True):
        if isinstance(outcome, Problem):
            summary.problems.append(outcome)
        else:
            tables[name] = outcome
    if len(tables) < 2:
        return
    table = keep_first(pa.concat_tables(tables.values()))
    _replace(store, day, table, list(tables))
    summary.n_files_before += len(tables)
    summary.n_files_after += 1
    summary.n_rows += table.num_rows


def _replace(store: LogStore, day: date, table: pa.Table, replaced: Sequence[str]) -> None:
    table = table.sort_by([("received_at", "ascending"), ("order", "ascending")])
    named = table.replace_schema_metadata({_REPLACES_KEY: json.dumps(replaced)})
    name = write_file(store, f"{folder_of(day)}/{_STEM}", named)
    if not read_file(store, name).equals(table):
        raise StorageError(
            f"{store.address(name)} does not hold what was written. Nothing was deleted: "
            "check the place of the log, then delete this file."
        )
    store.delete(one for one in replaced if one != name)
