"""Rows: what is kept of the predictions of a request, as one record of bytes.

A record holds what all its rows share, then its rows column by column. It is made on the path of
the request: what the privacy options forbid is not in it, so it never reaches a disk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from libelle.decision import Decision, Reason
from libelle.errors import DataError
from libelle.monitoring.prediction_log.options import LogOptions
from libelle.monitoring.prediction_log.schema import INVALID_ITEM, SCHEMA_VERSION
from libelle.monitoring.prediction_sink import FailedItem, PredictionRows
from libelle.monitoring.privacy import Pseudonyms, TextPolicy, redact, text_probability
from libelle.predictor import Prediction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# An Enum's hash and value are Python calls; the names of a few members are looked up by identity.
_VALUES = {id(member): member.value for member in (*Decision, *Reason)}
_NOTHING: tuple[tuple[str, float], ...] = ()

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Record:
    """Rows that were appended together.

    Attributes
    ----------
    shared : dict
        Columns that have the same value in all rows; `received_at` in microseconds since 1970.
    rows : dict of str to list
        The other columns; `candidates` as a list of codes and a list of probabilities.
    """

    shared: dict[str, Any]
    rows: Columns

    @property
    def n_rows(self) -> int:
        """Return the number of rows."""
        return len(self.rows["prediction_id"])

    def keep(self, wanted: Sequence[bool]) -> "Record":
        """Return the rows that are wanted."""
        rows = {
            name: [value for value, kept in zip(values, wanted, strict=True) if kept]
            for name, values in self.rows.items()
        }
        return Record(self.shared, rows)

    def to_bytes(self) -> bytes:
        """Return the record as it stands in a spool."""
        return _to_bytes({"shared": self.shared, "rows": self.rows})


def read_record(content: bytes) -> Record:
    """Read a record of a spool.

    Raises
    ------
    DataError
        If it is none, or of a later version than this code knows.
    """
    try:
        values = orjson.loads(content)
        record = Record(values["shared"], values["rows"])
        version = int(record.shared["schema_version"])
        lengths = {len(column) for column in record.rows.values()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError("A record of the spool is not one of libelle's.") from error
    if version > SCHEMA_VERSION:
        raise DataError(
            f"A record of the spool has version {version}, this libelle reads {SCHEMA_VERSION}. "
            "Upgrade it."
        )
    if lengths != {record.n_rows}:
        raise DataError("A record of the spool has columns of different lengths.")
    return record


class RowWriter:
    """What turns predictions into records, under the privacy options.

    Parameters
    ----------
    options : LogOptions
    """

    def __init__(self, options: LogOptions) -> None:
        self._pseudonyms = Pseudonyms(options.key)
        self._hash_ids = options.hash_ids
        self._text_kind = "redacted" if options.text_policy is TextPolicy.REDACTED else "original"
        self._keep_texts = _text_keeper(options, self._pseudonyms)
        self._probabilities = {
            id(decision): text_probability(
                options.text_policy, decision, review_share=options.review_share
            )
            for decision in Decision
        }

    def write(self, rows: PredictionRows, *, order: int) -> bytes:
        """Return the record of predictions, whose first row is the writer's `order`-th."""
        columns = self._columns(rows)
        if rows.failed:
            self._add_failed(columns, rows.failed)
        columns["order"] = list(range(order, order + len(columns["prediction_id"])))
        return _to_bytes({"shared": self._shared(rows), "rows": columns})

    def _shared(self, rows: PredictionRows) -> dict[str, Any]:
        guarantee = rows.guarantee
        return {
            "schema_version": SCHEMA_VERSION,
            "request_id": rows.request_id,
            "client": self._pseudonyms.of_client(rows.client),
            "received_at": (rows.received_at - EPOCH) // _MICROSECOND,
            "duration_seconds": rows.duration_seconds,
            "model_name": rows.model_name,
            "model_version": rows.model_version,
            "model_digest": rows.digest,
            "guarantee_status": guarantee.status.value,
            "target_error": guarantee.target_error,
            "threshold_id": guarantee.threshold_id,
            "text_kind": self._text_kind,
        }

    def _columns(self, rows: PredictionRows) -> Columns:
        predictions, of_text = rows.predictions, self._pseudonyms.of_text
        decisions = [id(one.decision) for one in predictions]
        features = rows.features
        return {
            "position": list(rows.positions),
            "id": self._ids(rows.ids),
            "prediction_id": rows.prediction_ids,
            "decision": [_VALUES[decision] for decision in decisions],
            "reason": [_VALUES[id(one.reason)] for one in predictions],
            "error": [None] * len(predictions),
            "code": [one.code for one in predictions],
            "confidence": [one.confidence for one in predictions],
            "candidates": [_candidates(one) for one in predictions],
            "roll_up_code": [one.roll_up and one.roll_up.code for one in predictions],
            "roll_up_level": [one.roll_up and one.roll_up.level for one in predictions],
            "n_characters": list(features.n_characters),
            "n_words": list(features.n_words),
            "n_unknown_words": list(features.n_unknown_words),
            "text_hash": list(map(of_text, rows.texts)),
            "text": self._keep_texts(rows),
            "text_probability": [self._probabilities[decision] for decision in decisions],
        }

    def _ids(self, ids: Sequence[str | None]) -> list[str | None]:
        return [self._pseudonyms.of_id(one) for one in ids] if self._hash_ids else list(ids)

    def _add_failed(self, columns: Columns, failed: Sequence[FailedItem]) -> None:
        known: dict[str, list[Any]] = {
            "position": [item.position for item in failed],
            "id": self._ids([item.id for item in failed]),
            "prediction_id": [item.prediction_id for item in failed],
            "error": [INVALID_ITEM] * len(failed),
            "candidates": [_NO_CANDIDATES] * len(failed),
            "text_probability": [0.0] * len(failed),
        }
        for name, column in columns.items():
            column.extend(known.get(name) or [None] * len(failed))


_NO_CANDIDATES: tuple[list[str], list[float]] = ([], [])


def _candidates(prediction: Prediction) -> tuple[list[str], list[float]]:
    candidates = prediction.candidates
    return [one.code for one in candidates], [one.probability for one in candidates]


TextKeeper = Callable[[PredictionRows], list[str | None]]


def _text_keeper(options: LogOptions, pseudonyms: Pseudonyms) -> TextKeeper:
    """Return what gives, for each text, what is kept of it."""
    match options.text_policy:
        case TextPolicy.NONE:
            return lambda rows: [None] * len(rows.texts)
        case TextPolicy.FULL:
            return lambda rows: list(rows.texts)
        case TextPolicy.REDACTED:
            return lambda rows: list(map(redact, rows.texts))
    return lambda rows: _reviewable_texts(rows, pseudonyms, options.review_share)


def _reviewable_texts(
    rows: PredictionRows, pseudonyms: Pseudonyms, share: float
) -> list[str | None]:
    """Keep the texts of review items, and those of the automatic ones that are drawn."""

    def is_kept(prediction: Prediction) -> bool:
        if prediction.decision is Decision.AUTOMATIC:
            return pseudonyms.draw(prediction.prediction_id) < share
        return prediction.decision is Decision.REVIEW

    return [
        text if is_kept(prediction) else None
        for text, prediction in zip(rows.texts, rows.predictions, strict=True)
    ]


def _to_bytes(values: Any) -> bytes:
    try:
        return orjson.dumps(values)
    except orjson.JSONEncodeError:
        return orjson.dumps(_without_halves(values))


def _without_halves(value: Any) -> Any:
    """Replace halves of surrogate pairs, which are characters of no text: UTF-8 has none."""
    match value:
        case str():
            return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        case dict():
            return {name: _without_halves(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_without_halves(inner) for inner in value]
    return value
