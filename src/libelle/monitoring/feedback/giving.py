"""Giving: one verdict of a coder stands on a prediction; another one has to name it."""

from collections.abc import Sequence
from typing import NamedTuple

from libelle.errors import ConflictError, DataError, StorageError
from libelle.monitoring.feedback.rows import Feedback, NewFeedback
from libelle.monitoring.feedback.store import FeedbackStore, Place

_ATTEMPTS = 10


class FeedbackConflictError(ConflictError):
    """A verdict that does not name the one that stands.

    Attributes
    ----------
    feedback_id : str or None
        Of the verdict that stands, if there is one.
    """

    def __init__(self, feedback_id: str | None) -> None:
        super().__init__(
            "No verdict of this coder stands on this prediction: give it without `replaces`."
            if feedback_id is None
            else f"Another verdict of this coder stands on this prediction: {feedback_id}. To take "
            "its place, name it in `replaces`."
        )
        self.feedback_id = feedback_id


class Given(NamedTuple):
    """A verdict that stands, and whether it was not there before."""

    feedback: Feedback
    is_new: bool


def give_feedback(store: FeedbackStore, new: NewFeedback) -> Given:
    """Keep a verdict; the same one again changes nothing.

    Whatever other processes do at the same time, one of them wins, and the others hear of it.

    Parameters
    ----------
    store : FeedbackStore
    new : NewFeedback
        If another verdict of its coder stands on its prediction, it has to name it.

    Raises
    ------
    FeedbackConflictError
        If it does not, or names one that does not stand.
    StorageError
        If the place of the log is out of reach: the verdict may be there, or not; give it again.
    """
    for _ in range(_ATTEMPTS):
        places = sorted(
            place for place in store.places_of(new.prediction_id) if place.coder == new.coder
        )
        current = _read_last(store, places)
        if current is not None and current.says_as(new):
            return Given(current, is_new=False)
        if new.replaces != (None if current is None else current.feedback_id):
            raise FeedbackConflictError(None if current is None else current.feedback_id)
        row = new.to_row(places[-1].n + 1 if places else 0)
        if store.add(row):
            return Given(row, is_new=True)
    raise StorageError("Verdicts change faster than another one can be kept. Try again.")


def _read_last(store: FeedbackStore, places: Sequence[Place]) -> Feedback | None:
    """Return the last verdict that can be read."""
    for place in reversed(places):
        try:
            return store.read(place)
        except (DataError, FileNotFoundError):
            continue
    return None
