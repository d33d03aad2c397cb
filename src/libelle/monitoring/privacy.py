"""Privacy: which texts are kept, and what stands for what is not."""

from enum import StrEnum
from hashlib import blake2b

from libelle.decision import Decision
from libelle.monitoring.redaction import redact

__all__ = ["Pseudonyms", "TextPolicy", "redact", "text_probability"]

_HASH_BYTES = 16
_DRAW_BYTES = 8


class TextPolicy(StrEnum):
    """Which texts the prediction log keeps.

    `NONE` keeps a keyed hash and features only. `REVIEW` keeps the texts of review items, and those
    of a random share of the automatic ones. `REDACTED` keeps all of them without what names a
    person; `FULL` keeps them as received.
    """

    NONE = "none"
    REVIEW = "review"
    REDACTED = "redacted"
    FULL = "full"


def text_probability(
    policy: TextPolicy, decision: Decision | None, *, review_share: float
) -> float:
    """Return how probably a text is kept, given what became of it; None if its item failed."""
    if decision is None or policy is TextPolicy.NONE:
        return 0.0  # The text of an item that failed is never there.
    if policy is not TextPolicy.REVIEW:
        return 1.0
    if decision is Decision.REVIEW:
        return 1.0
    return review_share if decision is Decision.AUTOMATIC else 0.0


class Pseudonyms:
    """Keyed hashes: the same for the same value, unguessable without the key.

    A text, a client, a coder and a caller's identifier that are spelled alike have unrelated
    hashes.

    Parameters
    ----------
    key : bytes
        Of any length.

    References
    ----------
    Aumasson et al. (2013), BLAKE2: simpler, smaller, fast as MD5; its keyed mode is a MAC.
    """

    def __init__(self, key: bytes) -> None:
        self._text = _keyed(key, b"libelle text", _HASH_BYTES)
        self._client = _keyed(key, b"libelle client", _HASH_BYTES)
        self._id = _keyed(key, b"libelle id", _HASH_BYTES)
        self._coder = _keyed(key, b"libelle coder", _HASH_BYTES)
        self._draw = _keyed(key, b"libelle draw", _DRAW_BYTES)

    def of_text(self, text: str) -> str:
        """Return what stands for a text, as received."""
        hashed = self._text.copy()
        hashed.update(text.encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()

    def of_client(self, client: str) -> str | None:
        """Return what stands for who asked; None when nobody in particular did."""
        return _digest(self._client, client) if client else None

    def of_id(self, identifier: str | None) -> str | None:
        """Return what stands for what the caller calls an item."""
        return None if identifier is None else _digest(self._id, identifier)

    def of_coder(self, coder: str) -> str:
        """Return what stands for who gave a verdict."""
        return _digest(self._coder, coder)

    def draw(self, prediction_id: str) -> float:
        """Return a number in [0, 1) as if drawn at random; a retry draws the same."""
        hashed = self._draw.copy()
        hashed.update(prediction_id.encode())
        # A float holds 53 bits: with one more, the largest numbers would round up to 1.
        return (int.from_bytes(hashed.digest()) >> 11) / (1 << 53)


def _digest(keyed: "blake2b", value: str) -> str:
    hashed = keyed.copy()
    hashed.update(value.encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()


def _keyed(key: bytes, purpose: bytes, n_bytes: int) -> "blake2b":
    """Return a hash under the sub-key of a purpose."""
    # BLAKE2b takes keys of at most 64 bytes; hashing brings any key to that length.
    sub_key = blake2b(key=blake2b(key).digest(), person=purpose).digest()
    return blake2b(key=sub_key, digest_size=n_bytes)
