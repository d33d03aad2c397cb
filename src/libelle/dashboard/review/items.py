"""Items: texts to review, with what chance says of each: its place, who sees what, how often."""

from dataclasses import dataclass
from typing import Final

from libelle.monitoring.feedback.lots import Lots

# Seeing the machine's answer draws a person to it: one text in ten shows how much, at little cost.
HIDDEN_SHARE: Final = 0.10


@dataclass(frozen=True)
class Candidate:
    """A code that the model proposes."""

    code: str
    probability: float


@dataclass(frozen=True)
class Item:
    """A text to review.

    Attributes
    ----------
    prediction_id : str
    text : str
    text_key : str
        The same for the same text.
    candidates : tuple of Candidate
        The likeliest first.
    place : float
        In the queue, drawn at random, so that texts of an audit stand anywhere.
    is_hidden : bool
        Whether candidates are shown only once it is answered.
    n_coders : int
        How many people judge it.
    """

    prediction_id: str
    text: str
    text_key: str
    candidates: tuple[Candidate, ...]
    place: float
    is_hidden: bool
    n_coders: int

    def proposes(self, code: str) -> bool:
        """Tell whether a code is a candidate."""
        return any(one.code == code for one in self.candidates)


def make_item(
    lots: Lots,
    prediction_id: str,
    text: str,
    *,
    text_key: str,
    candidates: tuple[Candidate, ...],
    is_audited: bool,
) -> Item:
    """Return an item; those of an audit never show their candidates before the answer."""
    return Item(
        prediction_id=prediction_id,
        text=text,
        text_key=text_key,
        candidates=candidates,
        place=lots.draw("place", prediction_id),
        is_hidden=is_audited or lots.draw("hidden", prediction_id) < HIDDEN_SHARE,
        n_coders=lots.n_coders(prediction_id),
    )
