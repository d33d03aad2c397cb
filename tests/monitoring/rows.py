"""Rows of a prediction log, made up column by column."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from libelle.decision import Decision, Reason
from libelle.monitoring.prediction_log.files import write_file
from libelle.monitoring.prediction_log.schema import arrow_schema
from libelle.monitoring.prediction_log.store import LogStore, folder_of
from libelle.predictor import Predictor

THRESHOLD = 0.8
FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)  # A Monday.
CODES = np.array(["0101", "0102", "0201", "0202", "0301", "0302"])
SHARES = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])


def make_log(
    n_rows: int,
    generator: np.random.Generator,
    *,
    shares: np.ndarray = SHARES,
    doubt: float = 1.0,
    first_day: datetime = FIRST_DAY,
    n_days: int = 7,
    refused: float = 0.03,
    unknown: float = 0.1,
    **columns: Any,
) -> pa.Table:
    """Return rows whose texts follow one law; `columns` replace what is made up."""
    confidences = np.round(1 - 0.5 * generator.beta(0.7, 2.0, n_rows) * doubt, 6)
    automatic = confidences >= THRESHOLD
    n_words = 1 + generator.poisson(7, n_rows)
    refusals = generator.random(n_rows) < refused
    decisions = np.where(automatic, Decision.AUTOMATIC.value, Decision.REVIEW.value)
    reasons = np.where(automatic, Reason.ABOVE_THRESHOLD.value, Reason.BELOW_THRESHOLD.value)
    codes = generator.choice(CODES[: len(shares)], n_rows, p=shares / shares.sum())
    seconds = np.sort(generator.random(n_rows)) * n_days * 86_400
    start = int(generator.integers(2**40))
    names = [f"00000000-0000-8000-8000-{start + row:012x}" for row in range(n_rows)]
    made: dict[str, Any] = {
        "schema_version": [1] * n_rows,
        "prediction_id": names,
        "request_id": names,
        "position": [0] * n_rows,
        "id": [f"id {name}" for name in names],
        "client": [None] * n_rows,
        "received_at": [first_day + timedelta(seconds=second) for second in seconds.tolist()],
        "order": list(range(n_rows)),
        "duration_seconds": [0.001] * n_rows,
        "model_name": ["demo"] * n_rows,
        "model_version": [None] * n_rows,
        "model_digest": ["d" * 64] * n_rows,
        "guarantee_status": ["guaranteed"] * n_rows,
        "target_error": [0.05] * n_rows,
        "threshold_id": ["0123456789ab"] * n_rows,
        "decision": np.where(refusals, Decision.REFUSED.value, decisions).tolist(),
        "reason": np.where(refusals, Reason.NO_KNOWN_WORD.value, reasons).tolist(),
        "error": [None] * n_rows,
        "code": _where(automatic & ~refusals, codes),
        "top_code": _where(~refusals, codes),
        "confidence": np.where(refusals, 0.0, confidences).tolist(),
        "candidates": [[]] * n_rows,
        "roll_up_code": [None] * n_rows,
        "roll_up_level": [None] * n_rows,
        "n_characters": (n_words * 6 + generator.integers(0, 6, n_rows)).tolist(),
        "n_words": n_words.tolist(),
        "n_unknown_words": generator.binomial(n_words, unknown).tolist(),
        "text_hash": names,
        "text": make_texts(n_words, generator),
        "text_kind": ["original"] * n_rows,
        "text_probability": [1.0] * n_rows,
    }
    return pa.table(made | columns, schema=arrow_schema())


def make_texts(n_words: np.ndarray, generator: np.random.Generator) -> list[str]:
    """Return texts of made-up words, some of them frequent (Zipf)."""
    drawn = np.minimum(generator.zipf(1.6, n_words.sum()), 400)
    spelled = [f"mot{chr(97 + word // 26)}{chr(97 + word % 26)}" for word in drawn.tolist()]
    ends = n_words.cumsum().tolist()
    starts = [0, *ends][: len(ends)]
    return [" ".join(spelled[start:end]) for start, end in zip(starts, ends, strict=True)]


def with_column(rows: pa.Table, name: str, values: Any) -> pa.Table:
    """Return rows with another column of the same name."""
    place = rows.schema.get_field_index(name)
    return rows.set_column(
        place, rows.schema.field(name), pa.array(values, rows.schema.types[place])
    )


def _where(kept: np.ndarray, values: np.ndarray) -> list[str | None]:
    pairs = zip(kept.tolist(), values.tolist(), strict=True)
    return [value if stands else None for stands, value in pairs]


def log_of(
    predictor: Predictor, texts: list[str], generator: np.random.Generator, *, days: list[str]
) -> pa.Table:
    """Return the rows of a log where a model answered texts, each on its day."""
    answers = predictor.answer(texts, top_k=1)
    predictions, features = answers.predictions, answers.features
    rows = make_log(len(texts), generator)
    guarantee = predictor.guarantee
    columns = {
        "received_at": [datetime.fromisoformat(f"{day}T12:00:00+00:00") for day in days],
        "threshold_id": [guarantee.threshold_id] * len(texts),
        "decision": [one.decision.value for one in predictions],
        "reason": [one.reason.value for one in predictions],
        "code": [one.code for one in predictions],
        "top_code": [one.candidates[0].code if one.candidates else None for one in predictions],
        "confidence": [one.confidence for one in predictions],
        "n_characters": features.n_characters,
        "n_words": features.n_words,
        "n_unknown_words": features.n_unknown_words,
        "text_hash": texts,
        "text": texts,
    }
    for name, values in columns.items():
        rows = with_column(rows, name, values)
    return rows


def write_log(rows: pa.Table, uri: str) -> None:
    """Write rows where a log stands, each in the folder of its day."""
    store = LogStore(uri)
    days = np.array([moment.date() for moment in rows["received_at"].to_pylist()])
    for day in np.unique(days):
        write_file(store, f"{folder_of(day)}/made-up", rows.filter(pa.array(days == day)))
