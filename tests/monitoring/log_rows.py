"""Rows of a prediction log, made up by the thousand, and the files that hold them."""

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from libelle.monitoring.prediction_log.files import write_file
from libelle.monitoring.prediction_log.schema import NAMES, arrow_schema
from libelle.monitoring.prediction_log.store import LogStore, folder_of

MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
REFUSALS = ("empty", "only_digits", "no_known_word", "too_short")


def make_row(**changes):
    """Return one row, an automatic answer unless told otherwise."""
    values = {
        "schema_version": 1,
        "prediction_id": str(uuid.uuid4()),
        "request_id": "r",
        "position": 0,
        "received_at": MONDAY,
        "order": 0,
        "duration_seconds": 0.01,
        "model_name": "naf",
        "model_version": "3",
        "model_digest": "d" * 64,
        "guarantee_status": "guaranteed",
        "target_error": 0.05,
        "threshold_id": "t1",
        "decision": "automatic",
        "reason": "above_threshold",
        "code": "0111",
        "top_code": "0111",
        "confidence": 0.9,
        "candidates": [],
        "n_characters": 20,
        "n_words": 3,
        "n_unknown_words": 1,
        "text_hash": "h",
        "text_probability": 0.0,
    }
    return {**values, **changes}


def make_table(rows):
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in NAMES} for row in rows], schema=arrow_schema()
    )


def put(folder, rows, *, stem="part"):
    """Write rows to the log in a folder, one file a day; return the names of the files."""
    store = LogStore(str(folder))
    days = sorted({row["received_at"].date() for row in rows})
    return [
        write_file(
            store,
            f"{folder_of(day)}/{stem}",
            make_table([row for row in rows if row["received_at"].date() == day]),
        )
        for day in days
    ]


def draw_day(day, n_rows, *, seed=0, n_codes=40, automatic=0.7, model="d" * 64, version="3"):
    """Return a table with a day of traffic: office hours, unequal codes, a few refusals."""
    rng = np.random.default_rng([seed, day.toordinal()])
    weights = 1 / np.arange(1, n_codes + 1)
    codes = np.array([f"{n:04d}" for n in range(100, 100 + n_codes)])
    top = rng.choice(codes, n_rows, p=weights / weights.sum())
    kind = rng.random(n_rows)
    decision = np.where(kind < automatic, "automatic", np.where(kind < 0.96, "review", "refused"))
    decision = np.where(kind > 0.998, "failed", decision)
    confidence = np.where(
        decision == "automatic", rng.beta(12, 1.2, n_rows), rng.beta(4, 3, n_rows)
    )
    hours = np.clip(rng.normal(13, 3, n_rows), 0, 23.99)
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1e6)
    reasons = {"automatic": "above_threshold", "review": "below_threshold"}
    reason = [reasons.get(one) or str(rng.choice(REFUSALS)) for one in decision]
    failed, refused = decision == "failed", decision == "refused"
    nothing = failed | refused

    def column(name, values, mask=None):
        return pa.array(values, arrow_schema().field(name).type, mask=mask)

    def same(name, value):
        return pa.repeat(pa.scalar(value, arrow_schema().field(name).type), n_rows)

    ids = rng.bytes(16 * n_rows).hex()
    numbers = np.arange(n_rows)
    columns = {
        "schema_version": same("schema_version", 1),
        "prediction_id": column("prediction_id", [ids[32 * n : 32 * n + 32] for n in numbers]),
        "request_id": column("request_id", [f"r{n // 4}" for n in numbers]),
        "position": column("position", numbers % 4),
        "received_at": column("received_at", start + (hours * 3.6e9).astype(np.int64)),
        "order": column("order", numbers),
        "duration_seconds": column("duration_seconds", rng.lognormal(-5, 0.8, n_rows)),
        "model_name": same("model_name", "demarches"),
        "model_version": same("model_version", version),
        "model_digest": same("model_digest", model),
        "guarantee_status": same("guarantee_status", "guaranteed"),
        "target_error": same("target_error", 0.05),
        "threshold_id": same("threshold_id", "t1"),
        "decision": column("decision", decision, failed),
        "reason": column("reason", reason, failed),
        "error": column("error", ["invalid_item"] * n_rows, ~failed),
        "code": column("code", top, decision != "automatic"),
        "top_code": column("top_code", top, nothing),
        "confidence": column("confidence", confidence.round(6), nothing),
        "candidates": column("candidates", [[] for _ in numbers]),
        "n_characters": column("n_characters", rng.poisson(30, n_rows), failed),
        "n_words": column("n_words", rng.poisson(5, n_rows), failed),
        "n_unknown_words": column("n_unknown_words", rng.poisson(0.4, n_rows), failed),
        "text_hash": column(
            "text_hash", [f"h{n}" for n in rng.integers(0, n_rows, n_rows)], failed
        ),
        "text_probability": same("text_probability", 0.0),
    }
    nulls = {name: pa.nulls(n_rows, arrow_schema().field(name).type) for name in NAMES}
    return pa.Table.from_arrays([(nulls | columns)[name] for name in NAMES], schema=arrow_schema())


def put_weeks(folder, *, now, n_days=84, per_day=400, change_at=21):
    """Write weeks of traffic until now; in the last days a new version codes less."""
    store = LogStore(str(folder))
    for ago in range(n_days - 1, -1, -1):
        day = now.date() - timedelta(days=ago)
        n_rows = per_day // 8 if day.weekday() >= 5 else per_day
        late = ago < change_at
        options = {"automatic": 0.62, "model": "e" * 64, "version": "4"} if late else {}
        table = draw_day(day, n_rows, **options)
        past = pc.less(table["received_at"], pa.scalar(now, table["received_at"].type))
        write_file(store, f"{folder_of(day)}/made", table.filter(past))
