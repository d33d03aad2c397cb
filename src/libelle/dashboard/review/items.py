"""Items: texts to review, with what chance says of each: its place, who sees what, how often."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

# Seeing the machine's answer draws a person to it: one text in ten shows how much, at little cost.
HIDDEN_SHARE: Final = 0.10
# One text in twenty: 50 pairs, which tell an agreement to 8 points, take a thousand texts.
TWICE_SHARE: Final = 0.05
_DRAW_BYTES = 8


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


class Lots:
    """Draws what chance decides of an item: the same at each start, unguessable without the key.

    Parameters
    ----------
    key : bytes
        That of the log.
    """

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key=blake2b(key).digest(), person=b"libelle review").digest()

    def draw(self, purpose: str, prediction_id: str) -> float:
        """Return a number in [0, 1)."""
        content = f"{purpose}:{prediction_id}".encode()
        drawn = blake2b(content, key=self._key, digest_size=_DRAW_BYTES).digest()
        return (int.from_bytes(drawn) >> 11) / (1 << 53)

    def make_item(
        self,
        prediction_id: str,
        text: str,
        *,
        text_key: str,
        candidates: tuple[Candidate, ...],
        is_audited: bool,
    ) -> Item:
        """Return an item; those of an audit never show their candidates before the answer."""
        hidden = is_audited or self.draw("hidden", prediction_id) < HIDDEN_SHARE
        twice = self.draw("twice", prediction_id) < TWICE_SHARE
        return Item(
            prediction_id=prediction_id,
            text=text,
            text_key=text_key,
            candidates=candidates,
            place=self.draw("place", prediction_id),
            is_hidden=hidden,
            n_coders=2 if twice else 1,
        )
