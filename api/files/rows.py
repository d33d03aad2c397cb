"""Rows: what a record of a file asks, and what the others' formats share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from libelle.predictor import Prediction, Predictor

FIELDS = (
    "prediction_id",
    "code",
    "title",
    "confidence",
    "decision",
    "reason",
    "top_code",
    "model_digest",
    "guarantee",
    "threshold_id",
    "candidates",
    "prediction_set",
    "prediction_set_complete",
    "roll_up",
    "error",
)
# How a record that cannot be read is refused: sentences that hold nothing of it.
TOO_LONG = "The record is longer than the service reads."
NOT_UTF8 = "The record is not UTF-8."


@dataclass(frozen=True, slots=True)
class Row:
    """A record of a file.

    Attributes
    ----------
    kept : Any
        What its format writes again before the answer.
    item : Any
        As an item of a batch: `text`, and `id` if asked for.
    complaint : str or None
        Why the record could not be read; there is no item then.
    """

    kept: Any
    item: Any = None
    complaint: str | None = None


class FileFormat(Protocol):
    """How the records of a file are read, and written again with their answers."""

    media_type: str

    def read(self, records: Sequence[bytes | None]) -> list[Row]:
        """Return what the records ask, in order; None stands for one that is too long."""

    def write(self, rows: Sequence[Row], answers: Sequence[Mapping[str, Any]]) -> bytes:
        """Return the rows, each with its answer: `FIELDS`, in their order."""

    def head(self) -> bytes:
        """Return what stands before the first row."""

    def end(self, n_rows: int, n_errors: int) -> bytes:
        """Return the last record of a file that was answered whole."""

    def cut(self, problem: Mapping[str, Any]) -> bytes:
        """Return the last record of a file whose answer stops before its end."""


def promise_of(predictor: Predictor) -> dict[str, Any]:
    """Return the fields that all rows answered together share."""
    return {
        "model_digest": predictor.digest,
        "guarantee": predictor.guarantee.status,
        "threshold_id": predictor.guarantee.threshold_id,
    }


def answer_of(prediction: Prediction, promise: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a prediction adds to a row."""
    candidates = prediction.candidates
    return {
        "prediction_id": prediction.prediction_id,
        "code": prediction.code,
        "title": prediction.title,
        "confidence": prediction.confidence,
        "decision": prediction.decision,
        "reason": prediction.reason,
        "top_code": candidates[0].code if candidates else None,
        **promise,
        "candidates": candidates,
        "prediction_set": prediction.prediction_set,
        "prediction_set_complete": prediction.prediction_set_complete,
        "roll_up": prediction.roll_up,
        "error": None,
    }


def refusal_of(error: Mapping[str, Any] | None, promise: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that an error adds to a row."""
    return {**dict.fromkeys(FIELDS), **promise, "error": error}


def as_json(value: Any) -> str:
    """Return a value as JSON text."""
    return msgspec.json.encode(value).decode()
