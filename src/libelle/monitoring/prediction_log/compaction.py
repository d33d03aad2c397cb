"""Compaction: the many small files of a day that is over become one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pyarrow as pa

from libelle.errors import StorageError
from libelle.monitoring.prediction_log.files import read_file, write_file
from libelle.monitoring.prediction_log.reading import Problem, keep_first, read_files
from libelle.monitoring.prediction_log.store import LogStore, folder_of
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

_REPLACES_KEY = b"libelle_replaces"


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
    uri: str, *, now: datetime, options: StorageOptions = DEFAULT_OPTIONS
) -> CompactionSummary:
    """Merge the files of each day before today (UTC) into one.

    The new file is there, and was read again, before those that it replaces go; their names stand
    in it. Cut in between, rows stand twice in the log and once for its readers. To be run by one
    process at a time, and not while another one erases.

    Raises
    ------
    StorageError
        If the log is out of reach, or a new file does not hold what it should.
    """
    store = LogStore(uri, options)
    summary = CompactionSummary()
    for day in store.days():
        if day < now.date():
            _compact_day(store, day, summary)
    return summary


def _compact_day(store: LogStore, day: date, summary: CompactionSummary) -> None:
    tables = {}
    names = store.files(day)
    for name, outcome in zip(names, read_files(store, names), strict=True):
        if isinstance(outcome, Problem):
            summary.problems.append(outcome)
        else:
            tables[name] = outcome
    if len(tables) < 2:
        return
    table = keep_first(pa.concat_tables(tables.values()))
    _replace(store, day, table, list(tables))
    summary.n_days += 1
    summary.n_files_before += len(tables)
    summary.n_files_after += 1
    summary.n_rows += table.num_rows


def _replace(store: LogStore, day: date, table: pa.Table, replaced: Sequence[str]) -> None:
    table = table.sort_by([("received_at", "ascending"), ("order", "ascending")])
    named = table.replace_schema_metadata({_REPLACES_KEY: json.dumps(replaced)})
    name = write_file(store, f"{folder_of(day)}/compacted", named)
    if not read_file(store, name).equals(table):
        raise StorageError(
            f"{store.address(name)} does not hold what was written. Nothing was deleted: "
            "check the place of the log, then delete this file."
        )
    store.delete(one for one in replaced if one != name)
