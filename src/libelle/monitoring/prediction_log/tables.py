"""Tables: records of a spool become columns of a Parquet file."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa

from libelle.errors import DataError
from libelle.monitoring.prediction_log.rows import EPOCH, Record
from libelle.monitoring.prediction_log.schema import NAMES, arrow_schema

_DERIVED = ("top_code", "text_kind", "candidates")


def build_table(records: Sequence[Record]) -> pa.Table:
    """Return the rows of records, in their order.

    Raises
    ------
    DataError
        If a record lacks a column, or has a value of another kind.
    """
    try:
        columns = _gather(records)
        candidates = _candidates(columns.pop("candidates"))
        schema = arrow_schema()
        arrays = [
            candidates if name == "candidates" else pa.array(columns[name], schema.field(name).type)
            for name in NAMES
        ]
        return pa.Table.from_arrays(arrays, schema=schema)
    except (pa.ArrowException, KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError("A record of the spool does not have the columns of the log.") from error


def build_sound_table(records: Sequence[Record]) -> tuple[pa.Table, int]:
    """Return the rows of the records that make some, and how many records do not."""
    try:
        return build_table(records), 0
    except DataError:
        sound = [record for record in records if _is_sound(record)]
        return build_table(sound), len(records) - len(sound)


def group_by_day(records: Sequence[Record]) -> tuple[dict[date, list[Record]], int]:
    """Return the records of each UTC day, earliest first, and how many records have no day."""
    of_days: defaultdict[date, list[Record]] = defaultdict(list)
    n_undated = 0
    for record in records:
        try:
            received_at = EPOCH + timedelta(microseconds=record.shared["received_at"])
        except (KeyError, TypeError, OverflowError):
            n_undated += 1
        else:
            of_days[received_at.date()].append(record)
    return dict(sorted(of_days.items())), n_undated


def _is_sound(record: Record) -> bool:
    try:
        build_table([record])
    except DataError:
        return False
    return True


def _gather(records: Sequence[Record]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in NAMES}
    for record in records:
        n_rows, rows, shared = record.n_rows, record.rows, record.shared
        for name in NAMES:
            if name not in _DERIVED:
                columns[name] += rows[name] if name in rows else [shared[name]] * n_rows
        columns["candidates"] += rows["candidates"]
        columns["top_code"] += [codes[0] if codes else None for codes, _ in rows["candidates"]]
        kind = shared["text_kind"]
        columns["text_kind"] += [None if text is None else kind for text in rows["text"]]
    return columns


def _candidates(of_rows: list[tuple[list[str], list[float]]]) -> pa.Array:
    kind = arrow_schema().field("candidates").type
    codes = pa.array(chain.from_iterable(codes for codes, _ in of_rows), pa.string())
    probabilities = pa.array(chain.from_iterable(shares for _, shares in of_rows), pa.float64())
    offsets = pa.array([0, *accumulate(len(codes) for codes, _ in of_rows)], pa.int32())
    pairs = pa.StructArray.from_arrays([codes, probabilities], fields=list(kind.value_type))
    return pa.ListArray.from_arrays(offsets, pairs, type=kind)
