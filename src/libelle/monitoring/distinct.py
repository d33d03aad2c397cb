"""Distinct: the rows of the prediction log that stand for distinct texts."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from libelle.errors import UsageError


def first_rows(rows: pa.Table, *, by: Sequence[str] = ()) -> pa.Table:
    """Return the first row of each text, whatever order the rows come in.

    Parameters
    ----------
    rows : Table
        Of the prediction log; items that failed have no text, and are left out.
    by : sequence of str
        Columns that come before the time in the order.
    """
    known = rows.filter(rows["text_hash"].is_valid())
    order = [*by, "received_at", "prediction_id"]
    ranked = known.sort_by([(name, "ascending") for name in order])
    hashes = ranked["text_hash"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(hashes, return_index=True)
    return ranked.take(pa.array(np.sort(first)))


def refuse_several(rows: pa.Table, column: str, what: str) -> None:
    """Refuse rows that are not all of one model, or of one threshold.

    Raises
    ------
    UsageError
    """
    n_values = len(pc.unique(rows[column]))
    if n_values > 1:
        raise UsageError(
            f"The rows are of {n_values} {what} (column {column!r}), and can be spoken of one at a "
            "time only. Give the rows of one of them."
        )
