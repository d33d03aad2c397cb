"""Retention: days that are too old leave the log, and texts leave it before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa

from libelle.errors import DataError, UsageError
from libelle.monitoring.prediction_log.files import read_file, replace_file
from libelle.monitoring.prediction_log.store import LogStore
from libelle.storage import DEFAULT_OPTIONS, StorageOptions


@dataclass
class RetentionSummary:
    """What left the log: days and the files in them, or texts and the files that held them."""

    n_days: int = 0
    n_files: int = 0
    n_texts: int = 0


def purge(
    uri: str,
    *,
    older_than_days: int,
    now: datetime,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> RetentionSummary:
    """Delete the days that are over since more than some days, whatever lies in their folders.

    Raises
    ------
    StorageError
        If the log is out of reach.
    UsageError
        If it is asked to keep less than today.
    """
    store = LogStore(uri, options)
    summary = RetentionSummary()
    for day in list(_old_days(store, older_than_days, now)):
        summary.n_files += store.delete_day(day)
        summary.n_days += 1
    return summary


def forget_texts(
    uri: str,
    *,
    older_than_days: int,
    now: datetime,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> RetentionSummary:
    """Take the texts out of the days that are over since more than some days; rows stay.

    Files that are none of libelle's are left as they are: `read_log` names them.

    Raises
    ------
    StorageError
        If the log is out of reach.
    UsageError
        If it is asked to keep less than today.
    """
    store = LogStore(uri, options)
    summary = RetentionSummary()
    for day in _old_days(store, older_than_days, now):
        n_texts = sum(_forget(store, name) for name in store.files(day))
        summary.n_days += n_texts > 0
        summary.n_texts += n_texts
    return summary


def _forget(store: LogStore, name: str) -> int:
    """Take the texts out of a file, and return how many there were."""
    try:
        texts = read_file(store, name, ["text"])["text"]
        n_texts: int = len(texts) - texts.null_count
        if n_texts:
            replace_file(store, name, _without_texts(read_file(store, name)))
    except DataError:
        return 0
    return n_texts


def _without_texts(table: pa.Table) -> pa.Table:
    for column in ("text", "text_kind"):
        place = table.schema.get_field_index(column)
        table = table.set_column(place, column, pa.nulls(table.num_rows, pa.string()))
    return table


def _old_days(store: LogStore, older_than_days: int, now: datetime) -> Iterator[date]:
    if older_than_days < 1:
        raise UsageError(f"{older_than_days} days cannot be kept: today is always. Give 1 or more.")
    oldest = now.date() - timedelta(days=older_than_days)
    return (day for day in store.days() if day < oldest)
