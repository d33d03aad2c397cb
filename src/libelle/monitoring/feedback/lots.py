"""Lots: what chance decides of a prediction that people judge."""

from hashlib import blake2b
from typing import Final

# One text in twenty: 50 pairs, which tell an agreement to 8 points, take a thousand texts.
TWICE_SHARE: Final = 0.05
_DRAW_BYTES = 8


class Lots:
    """Draws what chance decides of a prediction: always the same, unguessable without the key.

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

    def n_coders(self, prediction_id: str) -> int:
        """Return how many people judge a prediction."""
        return 2 if self.draw("twice", prediction_id) < TWICE_SHARE else 1
