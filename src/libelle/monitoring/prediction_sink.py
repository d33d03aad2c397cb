"""Prediction sink: where predictions go once they are made; here, nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from libelle.decision import Guarantee
from libelle.features import Features
from libelle.predictor import Prediction


class FailedItem(NamedTuple):
    """An item of a request that got an error instead of a prediction.

    Attributes
    ----------
    position : int
        In the request, from 0.
    id : str or None
        What the caller calls it, unless that is what is wrong.
    prediction_id : str
    """

    position: int
    id: str | None
    prediction_id: str


# Not frozen: making one would take four times as long, and each single text makes one.
@dataclass(slots=True, eq=False)
class PredictionRows:
    """Predictions that one request got together: a row for each text, column by column.

    Attributes
    ----------
    request_id, client : str
        Who asked; `client` is empty when access needs no key.
    received_at : datetime
        UTC.
    duration_seconds : float
        Between the request and its predictions.
    model_name, digest : str
    model_version : str or None
    guarantee : Guarantee
        The promise under which they were made.
    positions : sequence of int, shape (n_texts,)
        Of the texts in the request, from 0.
    texts : sequence of str, shape (n_texts,)
        As received.
    ids : sequence of str or None, shape (n_texts,)
        What the caller calls each.
    predictions : sequence of Prediction, shape (n_texts,)
    features : Features
        Of the texts.
    failed : sequence of FailedItem
        Items that have no prediction.
    """

    request_id: str
    client: str
    received_at: datetime
    duration_seconds: float
    model_name: str
    model_version: str | None
    digest: str
    guarantee: Guarantee
    positions: Sequence[int]
    texts: Sequence[str]
    ids: Sequence[str | None]
    predictions: Sequence[Prediction]
    features: Features
    failed: Sequence[FailedItem] = ()

    @property
    def prediction_ids(self) -> list[str]:
        """Return what the predictions are called."""
        return [one.prediction_id for one in self.predictions]


class PredictionSink(Protocol):
    """What keeps predictions, or says how many it lost."""

    @property
    def n_dropped(self) -> int:
        """Return how many predictions were lost since the start; read from any thread."""

    @property
    def is_dropping(self) -> bool:
        """Tell whether the last predictions were lost; read from any thread."""

    def append(self, rows: PredictionRows) -> None:
        """Take predictions, in the order they are made, from one thread.

        Raises
        ------
        StorageError
            If no answer may leave without its trace, and there can be none: the request then gets
            a problem, and is not counted.
        """

    def sync(self) -> None:
        """Bring to safety what was taken so far; no answer is sent before. Called by any thread.

        Raises
        ------
        StorageError
            As `append` does.
        """

    def close(self) -> None:
        """Bring everything to safety; called once, when nothing is in flight any more."""


class NullSink:
    """Keeps nothing, and loses nothing that was to be kept."""

    n_dropped = 0
    is_dropping = False

    def append(self, rows: PredictionRows) -> None:
        """Forget them."""

    def sync(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
