"""Reading: all verdicts as one table, whatever else lies in their folder."""

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from libelle.errors import DataError, StorageError
from libelle.monitoring.feedback.rows import SCHEMA_VERSION, Feedback
from libelle.monitoring.feedback.store import AT_ONCE, FeedbackStore, Place
from libelle.monitoring.prediction_log.reading import Problem
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

VERSION_KEY = b"libelle_feedback_version"
FOREIGN = "it is no verdict of libelle"
SCHEMA = pa.schema(
    [
        pa.field("feedback_id", pa.string(), nullable=False),
        pa.field("prediction_id", pa.string(), nullable=False),
        pa.field("coder", pa.string(), nullable=False),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("code", pa.string()),
        pa.field("given_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("replaces", pa.string()),
        pa.field("source", pa.string(), nullable=False),
    ]
)
TABLE_SCHEMA = SCHEMA.append(pa.field("current", pa.bool_(), nullable=False))


@dataclass(frozen=True)
class FeedbackTable:
    """All verdicts.

    Attributes
    ----------
    table : pyarrow.Table
        One row for each verdict ever given, by prediction, coder and order; `current` tells those
        that stand.
    problems : list of Problem
        What lies among verdicts and is none, or cannot be read.
    """

    table: pa.Table
    problems: list[Problem]

    def current(self) -> pa.Table:
        """Return the verdicts that stand, one for each prediction and coder."""
        return self.table.filter(self.table["current"])


class StoredRows:
    """Rows that stand in the objects, read from what was compacted where they are there too.

    Parameters
    ----------
    store : FeedbackStore

    Attributes
    ----------
    table : pyarrow.Table
        One row for each object that can be read, in no particular order.
    problems : list of Problem
    n_read : int
        Objects that had to be read one by one.
    """

    def __init__(self, store: FeedbackStore) -> None:
        # What was compacted first: what is written meanwhile is then read one by one.
        compacted, self.problems = _read_compacted(store)
        listing = store.list_all()
        known = _places_of(compacted)
        standing = set(listing.places)
        kept = compacted.filter(pa.array([place in standing for place in known], pa.bool_()))
        fresh = sorted(standing.difference(known))
        rows, problems = _read_objects(store, fresh)
        self.table = pa.concat_tables([kept, build_table(rows)])
        self.n_read = len(fresh)
        self.problems += problems
        self.problems += [Problem(store.address(name), FOREIGN) for name in listing.foreign]


def read_feedback(uri: str, *, options: StorageOptions = DEFAULT_OPTIONS) -> FeedbackTable:
    """Read all verdicts that lie beside a log; what cannot be read is told and left out.

    Parameters
    ----------
    uri : str
        Folder of the log, local or remote; there are no verdicts in one that does not exist.
    options : StorageOptions

    Raises
    ------
    StorageError
        If the log is out of reach.
    """
    stored = StoredRows(FeedbackStore(uri, options))
    return FeedbackTable(mark_current(stored.table), stored.problems)


def build_table(rows: Iterable[Feedback]) -> pa.Table:
    """Return verdicts as a table, without telling which ones stand."""
    values = [
        {name: getattr(row, name) for name in SCHEMA.names}
        | {"verdict": row.verdict.value, "source": row.source.value}
        for row in rows
    ]
    return pa.Table.from_pylist(values, schema=SCHEMA)


def mark_current(table: pa.Table) -> pa.Table:
    """Sort verdicts, and say which ones stand: the last one of each coder on each prediction."""
    table = table.sort_by([(name, "ascending") for name in ("prediction_id", "coder", "n")])
    if table.num_rows == 0:
        return TABLE_SCHEMA.empty_table()
    table = table.combine_chunks()
    is_last = pa.array([True], pa.bool_())
    if table.num_rows > 1:
        differs = pc.or_(
            *(
                pc.not_equal(table[name][:-1].combine_chunks(), table[name][1:].combine_chunks())
                for name in ("prediction_id", "coder")
            )
        )
        is_last = pa.concat_arrays([differs, is_last])
    return pa.Table.from_arrays([*table.columns, is_last], schema=TABLE_SCHEMA)


def keep_one_each(table: pa.Table) -> pa.Table:
    """Keep one row of each verdict."""
    last = {place: at for at, place in enumerate(_places_of(table))}
    if len(last) == table.num_rows:
        return table
    return table.take(pa.array(sorted(last.values()), pa.int64()))


def _read_objects(
    store: FeedbackStore, places: Sequence[Place]
) -> tuple[list[Feedback], list[Problem]]:
    def attempt(place: Place) -> Feedback | Problem | None:
        try:
            return store.read(place)
        except FileNotFoundError:  # Erased meanwhile.
            return None
        except DataError as error:
            return Problem(store.address(place.name), str(error))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(attempt, places))
    return (
        [one for one in outcomes if isinstance(one, Feedback)],
        [one for one in outcomes if isinstance(one, Problem)],
    )


def _read_compacted(store: FeedbackStore) -> tuple[pa.Table, list[Problem]]:
    """Read what was compacted; what cannot be read costs time alone, the objects are there."""
    tables, problems = [SCHEMA.empty_table()], []
    for name in store.compacted_names():
        try:
            tables.append(read_compacted_file(store, name))
        except FileNotFoundError:  # Compacted again meanwhile.
            continue
        except DataError as error:
            problems.append(Problem(store.address(name), str(error)))
    # A compaction may have been cut before it deleted the file of the one before.
    return keep_one_each(pa.concat_tables(tables)), problems


def read_compacted_file(store: FeedbackStore, name: str) -> pa.Table:
    """Read one of the files that spare reading each verdict.

    Raises
    ------
    DataError
        If it is none, or of another version.
    FileNotFoundError
        If it is not there any more.
    StorageError
        If the log is out of reach.
    """
    with store.open(name) as stream:
        try:
            file = pq.ParquetFile(stream)
            version = (file.schema_arrow.metadata or {}).get(VERSION_KEY)
            if version != str(SCHEMA_VERSION).encode():
                raise DataError("it is no file of libelle, or of another version: verdicts go on")
            return file.read(SCHEMA.names).cast(SCHEMA)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, ValueError, KeyError) as error:
            raise DataError("it is damaged: verdicts are read one by one") from error
        except OSError as error:
            raise StorageError(f"{store.address(name)} cannot be read.") from error


def _places_of(table: pa.Table) -> list[Place]:
    columns = (table[name].to_pylist() for name in Place._fields)
    return list(map(Place._make, zip(*columns, strict=True)))


def without(table: pa.Table, prediction_ids: Collection[str]) -> pa.Table:
    """Return the verdicts on other predictions."""
    values = pa.array(sorted(prediction_ids), pa.string())
    return table.filter(pc.invert(pc.is_in(table["prediction_id"], values)))
