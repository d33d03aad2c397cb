"""Erasure: verdicts on some predictions, or too old, leave the log, and it is seen that they did.

They leave what was compacted first: cut in between, the objects are there and are read.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from libelle.errors import DataError, UsageError
from libelle.monitoring.feedback.compaction import write_compacted
from libelle.monitoring.feedback.reading import SCHEMA, StoredRows, read_compacted_file, without
from libelle.monitoring.feedback.rows import is_prediction_id
from libelle.monitoring.feedback.store import FeedbackStore, Place
from libelle.monitoring.prediction_log.reading import Problem
from libelle.storage import DEFAULT_OPTIONS, StorageOptions


@dataclass
class FeedbackErasure:
    """What was erased, and what is left.

    Attributes
    ----------
    n_verdicts : int
        Erased.
    n_left : int
        Found when it was looked again: 0, or the erasure is to be done again.
    problems : list of Problem
        What could not be looked at.
    """

    n_verdicts: int = 0
    n_left: int = 0
    problems: list[Problem] = field(default_factory=list)


def erase_feedback(
    uri: str, prediction_ids: Collection[str], *, options: StorageOptions = DEFAULT_OPTIONS
) -> FeedbackErasure:
    """Erase all verdicts on some predictions, those that were replaced and half written too.

    To be run by one process at a time, and not while another one compacts.

    Raises
    ------
    StorageError
        If the log is out of reach: what was erased stays so, run it again.
    """
    store, erasure = FeedbackStore(uri, options), FeedbackErasure()
    erased = sorted({one for one in prediction_ids if is_prediction_id(one)})
    _erase_compacted(store, erased, erasure)
    for prediction_id in erased:
        erasure.n_verdicts += len(store.places_of(prediction_id))
        store.forget_predictions([prediction_id])
        erasure.n_left += len(store.places_of(prediction_id))
    for name in store.compacted_names():
        erasure.n_left += _count_compacted(store, name, erased)
    return erasure


def purge_feedback(
    uri: str,
    *,
    older_than_days: int,
    now: datetime,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> FeedbackErasure:
    """Erase the verdicts that were given on days that are over since more than some days.

    Raises
    ------
    StorageError
        If the log is out of reach: what was erased stays so, run it again.
    UsageError
        If it is asked to keep less than today.
    """
    if older_than_days < 1:
        raise UsageError(f"{older_than_days} days cannot be kept: today is always. Give 1 or more.")
    store = FeedbackStore(uri, options)
    stored = StoredRows(store)
    oldest = now.replace(hour=0, minute=0, second=0, microsecond=0)
    limit = pa.scalar(oldest - timedelta(days=older_than_days), pa.timestamp("us", tz="UTC"))
    is_old = pc.less(stored.table["given_at"], limit)
    old = stored.table.filter(is_old)
    if old.num_rows:
        if store.compacted_names():
            write_compacted(store, stored.table.filter(pc.invert(is_old)))
        columns = (old[name].to_pylist() for name in Place._fields)
        store.forget(map(Place._make, zip(*columns, strict=True)))
    return FeedbackErasure(old.num_rows, problems=stored.problems)


def _erase_compacted(store: FeedbackStore, erased: list[str], erasure: FeedbackErasure) -> None:
    """Write what was compacted again without verdicts to erase, and nothing else."""
    tables, is_touched = [], False
    for name in store.compacted_names():
        try:
            table = read_compacted_file(store, name)
        except DataError as error:  # It is not known what is in it: objects have it all.
            erasure.problems.append(Problem(store.address(name), f"{error}; it was deleted"))
            is_touched = True
            continue
        kept = without(table, erased)
        is_touched = is_touched or kept.num_rows < table.num_rows
        tables.append(kept)
    if is_touched:
        write_compacted(store, pa.concat_tables([SCHEMA.empty_table(), *tables]))


def _count_compacted(store: FeedbackStore, name: str, erased: list[str]) -> int:
    table = read_compacted_file(store, name)
    n_left: int = table.num_rows - without(table, erased).num_rows
    return n_left
