"""Compaction: a Parquet file that spares reading each verdict again; the verdicts stay."""

import io
from dataclasses import dataclass, field
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from libelle.errors import DataError, StorageError
from libelle.monitoring.feedback.reading import (
    VERSION_KEY,
    StoredRows,
    mark_current,
    read_compacted_file,
)
from libelle.monitoring.feedback.rows import SCHEMA_VERSION
from libelle.monitoring.feedback.store import COMPACTED, FOLDER, FeedbackStore
from libelle.monitoring.prediction_log.reading import Problem
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

_NAME_DIGITS = 16


@dataclass(frozen=True)
class FeedbackCompaction:
    """What was compacted.

    Attributes
    ----------
    n_rows : int
        Verdicts that need not be read one by one any more.
    n_added : int
        Those that had to be until then.
    problems : list of Problem
    """

    n_rows: int
    n_added: int
    problems: list[Problem] = field(default_factory=list)


def compact_feedback(uri: str, *, options: StorageOptions = DEFAULT_OPTIONS) -> FeedbackCompaction:
    """Write all verdicts to one file, which readers take instead of the objects.

    The objects stay, and say alone which verdicts there are: cut at any moment, nothing is lost.
    To be run by one process at a time, and not while another one erases.

    Raises
    ------
    StorageError
        If the log is out of reach, or the file does not hold what it should.
    """
    store = FeedbackStore(uri, options)
    stored = StoredRows(store)
    write_compacted(store, stored.table)
    return FeedbackCompaction(stored.table.num_rows, stored.n_read, stored.problems)


def write_compacted(store: FeedbackStore, table: pa.Table) -> None:
    """Put a file with these verdicts in the place of those that spare reading them.

    Raises
    ------
    StorageError
        If it cannot be, or does not hold what it should.
    """
    replaced, kept = store.compacted_names(), ""
    if table.num_rows:
        kept = _write(store, mark_current(table).drop_columns(["current"]))
    store.delete(name for name in replaced if name != kept)


def _write(store: FeedbackStore, table: pa.Table) -> str:
    content = _to_parquet(table)
    name = f"{FOLDER}/{COMPACTED}/{sha256(content).hexdigest()[:_NAME_DIGITS]}.parquet"
    for _ in range(2):
        store.put_once(name, content)
        if _holds(store, name, table):
            return name
        store.delete([name])  # One of that name was there, and damaged.
    raise StorageError(f"{store.address(name)} does not hold what was written. Try again.")


def _holds(store: FeedbackStore, name: str, table: pa.Table) -> bool:
    try:
        return bool(read_compacted_file(store, name).equals(table))
    except DataError:
        return False


def _to_parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    named = table.replace_schema_metadata({VERSION_KEY: str(SCHEMA_VERSION)})
    pq.write_table(named, stream, compression="zstd")
    return stream.getvalue()
