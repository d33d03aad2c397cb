"""Sampling: rows of a period drawn at random, the same each time, in the memory of one day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from libelle.monitoring.prediction_log.files import schema_of
from libelle.monitoring.prediction_log.reading import (
    NEEDED,
    LogContent,
    Problem,
    iter_days,
    keep_first,
    read_spool,
)
from libelle.storage import DEFAULT_OPTIONS, StorageOptions


@dataclass(frozen=True)
class LogSample:
    """Rows of a log.

    Attributes
    ----------
    table : pyarrow.Table
        One row for each prediction drawn, in no particular order.
    n_rows : int
        Rows among which they were drawn.
    problems : list of Problem
        As in `LogContent`.
    """

    table: pa.Table
    n_rows: int
    problems: list[Problem]


def sample_log(
    uri: str,
    *,
    most: int,
    since: datetime | None = None,
    until: datetime | None = None,
    columns: Sequence[str],
    spool_path: Path | None = None,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> LogSample:
    """Draw rows of a log at random, each with the same chance; all of them when they are few.

    Identifiers are keyed hashes: the first ones in their order are a random draw.

    Parameters
    ----------
    uri : str
        Folder of the log, as for `read_log`.
    most : int
        Rows to draw at most.
    since, until, columns, spool_path, options
        As for `read_log`.

    Raises
    ------
    StorageError
        If the log is out of reach.
    """
    needed = list(dict.fromkeys([*columns, *NEEDED]))
    period: dict[str, Any] = {"since": since, "until": until, "columns": needed}

    def contents() -> Iterator[LogContent]:
        # The spool first: what is uploaded meanwhile is then seen twice rather than never.
        if spool_path is not None:
            yield LogContent(read_spool(spool_path, **period), [])
        for _, content in iter_days(uri, **period, options=options):
            yield content

    drawn, n_rows = schema_of(needed).empty_table(), 0
    problems: list[Problem] = []
    for content in contents():
        n_rows += len(content.table)
        problems += content.problems
        drawn = _draw(drawn, content.table, most)
        # Arrow keeps what it freed: without this, days would pile up.
        pa.default_memory_pool().release_unused()
    return LogSample(drawn.select(columns), n_rows, problems)


def _draw(drawn: pa.Table, rows: pa.Table, most: int) -> pa.Table:
    """Draw again, among what was drawn and more rows."""
    if len(drawn) == most:  # Of the others, few come before the last one that was drawn.
        last = pc.max(drawn["prediction_id"])
        rows = rows.filter(pc.less_equal(rows["prediction_id"], last))
    both = keep_first(pa.concat_tables([drawn, rows]))
    if len(both) <= most:
        return both
    first = pc.select_k_unstable(both, most, sort_keys=[("prediction_id", "ascending")])
    return both.take(first)
