"""Joining: what coders say beside what the model said, one row for each prediction."""

from collections import defaultdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from libelle.monitoring.feedback.reading import read_feedback
from libelle.monitoring.prediction_log.files import schema_of
from libelle.monitoring.prediction_log.reading import iter_days
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

LOG_COLUMNS = (
    "received_at",
    "model_name",
    "model_digest",
    "decision",
    "code",
    "top_code",
    "confidence",
)
_VERDICT = pa.struct(
    [pa.field(name, pa.string()) for name in ("coder", "verdict", "code", "feedback_id")]
)
_SCHEMA = pa.schema(
    [
        pa.field("prediction_id", pa.string(), nullable=False),
        pa.field("verdicts", pa.list_(_VERDICT), nullable=False),
        pa.field("n_coders", pa.int64(), nullable=False),
        pa.field("agreed", pa.bool_()),
        pa.field("right_code", pa.string()),
    ]
)


def judge_predictions(verdicts: pa.Table, log: pa.Table) -> pa.Table:
    """Put together the verdicts on each prediction, and what the log knows of it.

    Parameters
    ----------
    verdicts : pyarrow.Table
        As `read_feedback` gives it.
    log : pyarrow.Table
        Rows of the log, each prediction once; of its columns, those of `LOG_COLUMNS` are taken.

    Returns
    -------
    pyarrow.Table
        One row for each prediction with a verdict that stands: `verdicts` (one for each coder),
        `n_coders`, `agreed` (whether coders say the same code, or the same reason for none; null
        when one coder alone spoke), `right_code` (the one on which all that spoke agree, null
        otherwise), `known` (whether the log has the prediction) and the columns of the log as
        `log_…`, null when it is not known.
    """
    judged = _gather(verdicts)
    found = log.filter(pc.is_in(log["prediction_id"], judged["prediction_id"].combine_chunks()))
    places = pc.index_in(judged["prediction_id"], found["prediction_id"].combine_chunks())
    judged = judged.append_column("known", pc.is_valid(places))
    for name in LOG_COLUMNS:
        if name in found.column_names:
            judged = judged.append_column(f"log_{name}", found[name].take(places))
    return judged


def read_judged_predictions(uri: str, *, options: StorageOptions = DEFAULT_OPTIONS) -> pa.Table:
    """Read the verdicts beside a log and join them to it, in the memory of one day of the log.

    A prediction that still waits in a spool is not known yet; see `judge_predictions`.

    Raises
    ------
    StorageError
        If the log is out of reach.
    """
    verdicts = read_feedback(uri, options=options).table
    judged = pc.unique(verdicts["prediction_id"])
    columns = ["prediction_id", *LOG_COLUMNS]
    found = [schema_of(columns).empty_table()]
    if len(judged):
        for _, content in iter_days(uri, columns=columns, options=options):
            is_judged = pc.is_in(content.table["prediction_id"], judged)
            found.append(content.table.filter(is_judged).select(columns))
    return judge_predictions(verdicts, _keep_first_day(pa.concat_tables(found)))


def _keep_first_day(table: pa.Table) -> pa.Table:
    """Keep the first row of a prediction: a request that was retried the next day has two."""
    first: dict[str, int] = {}
    for at, prediction_id in enumerate(table["prediction_id"].to_pylist()):
        first.setdefault(prediction_id, at)
    return table.take(pa.array(first.values(), pa.int64()))


def _gather(verdicts: pa.Table) -> pa.Table:
    of_predictions: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in verdicts.filter(verdicts["current"]).to_pylist():
        of_predictions[row["prediction_id"]].append(row)
    rows = [_summarise(prediction_id, rows) for prediction_id, rows in of_predictions.items()]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _summarise(prediction_id: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    # A code that one coder found among the candidates and another one elsewhere is the same code.
    said = {row["code"] if row["code"] is not None else (row["verdict"],) for row in rows}
    [code] = {row["code"] for row in rows} if len(said) == 1 else {None}
    return {
        "prediction_id": prediction_id,
        "verdicts": [{name: row[name] for name in _VERDICT.names} for row in rows],
        "n_coders": len(rows),
        "agreed": None if len(rows) == 1 else len(said) == 1,
        "right_code": code,
    }
