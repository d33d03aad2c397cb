"""Predictions that nobody made, and a log to put them in."""

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from libelle.decision import Decision, Guarantee, GuaranteeStatus, Reason
from libelle.features import Features
from libelle.monitoring.prediction_log import LogOptions, PredictionLog, make_prediction_ids
from libelle.monitoring.prediction_sink import FailedItem, PredictionRows
from libelle.predictor import Prediction
from libelle.predictor.answers import Candidate, RollUp
from libelle.storage import StorageOptions

KEY = b"a key of the tests"
SECRET = {"access_key_id": "key", "secret_access_key": "geheim", "region": "eu-west-3"}
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
GUARANTEE = Guarantee(GuaranteeStatus.GUARANTEED, 0.05, 0.05, 0.049, "t1", 0.7)
REASONS = {
    Decision.AUTOMATIC: Reason.ABOVE_THRESHOLD,
    Decision.REVIEW: Reason.BELOW_THRESHOLD,
    Decision.REFUSED: Reason.EMPTY,
}
_NUMBERS = count()


def make_prediction(decision=Decision.REVIEW, confidence=0.6, prediction_id=""):
    candidates = (Candidate(1, "0111", "Céréales", confidence), Candidate(2, "01", "Riz", 0.1))
    refused = decision is Decision.REFUSED
    roll_up = RollUp(1, "01", "Agriculture", 0.9, Decision.AUTOMATIC, "t1-level-1")
    return Prediction(
        prediction_id,
        decision,
        REASONS[decision],
        "0111" if decision is Decision.AUTOMATIC else None,
        "Céréales" if decision is Decision.AUTOMATIC else None,
        0.0 if refused else confidence,
        () if refused else candidates,
        roll_up=roll_up if decision is Decision.REVIEW else None,
    )


def make_rows(*texts, decisions=None, ids=None, failed=(), received_at=NOON, **changes):
    """Describe a request; without `request_id`, one that nobody else makes."""
    decisions = decisions or [Decision.REVIEW] * len(texts)
    n_texts = len(texts)
    values = {
        "request_id": f"request-{next(_NUMBERS)}",
        "client": "mairie",
        "received_at": received_at,
        "duration_seconds": 0.02,
        "model_name": "naf",
        "model_version": "3",
        "digest": "d" * 64,
        "guarantee": GUARANTEE,
        "positions": range(n_texts),
        "texts": list(texts),
        "ids": ids or [None] * n_texts,
        "features": Features([12] * n_texts, [2] * n_texts, [1] * n_texts),
        "failed": [
            FailedItem(len(texts) + n, one, f"failed-{one}") for n, one in enumerate(failed)
        ],
        **changes,
    }
    asked = {name: values[name] for name in ("client", "request_id", "digest")}
    names = make_prediction_ids(KEY, texts=enumerate(texts), **asked)
    values["predictions"] = [
        make_prediction(decision, prediction_id=name)
        for decision, name in zip(decisions, names, strict=True)
    ]
    return PredictionRows(**values)


def make_options(folder: Path, **changes) -> LogOptions:
    values = {"uri": str(folder / "log"), "spool_path": folder / "spool", "key": KEY, **changes}
    return LogOptions(**values)


def fill(options, *requests):
    """Write requests as a process that ends, and return the identifiers of their predictions."""
    log = PredictionLog(options)
    for rows in requests:
        log.append(rows)
    log.sync()
    log.close()
    return sorted(one for rows in requests for one in rows.prediction_ids)


def s3_options(port, **changes):
    values = {"endpoint_url": f"http://127.0.0.1:{port}", "deadline_seconds": 1.0, **SECRET}
    return StorageOptions(**{**values, **changes})


def contents(folder):
    """Return all bytes under a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
