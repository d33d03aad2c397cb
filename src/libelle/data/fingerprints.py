"""Fingerprints: which texts a model has seen, told without keeping any of them."""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from libelle.data.text import SPLIT_KEY_VERSION
from libelle.errors import DataError

SECRET_BYTES, PRINT_BYTES = 32, 16
_HEADER = b"libelle-fingerprints-2:"
_COMPLETE, _INCOMPLETE = b"+", b"-"


@dataclass(frozen=True)
class Fingerprints:
    """Keyed digests of split keys.

    The secret is random and travels with the digests: whoever has the file may ask whether a text
    that they know was seen, and cannot list the texts.

    Attributes
    ----------
    secret : bytes
    prints : frozenset of bytes
    complete : bool
        False when others may have been seen: someone vouched for texts that nothing could check.
    """

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(SECRET_BYTES))
    prints: frozenset[bytes] = frozenset()
    complete: bool = True

    def adding(self, keys: Iterable[str]) -> Self:
        """Return these and those of more split keys, under the same secret."""
        prints = self.prints | {self._print(key) for key in keys}
        return replace(self, prints=prints)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._print(key) in self.prints

    def to_bytes(self) -> bytes:
        """Return the content of a file."""
        version = SPLIT_KEY_VERSION.to_bytes(2, "big")
        complete = _COMPLETE if self.complete else _INCOMPLETE
        return _HEADER + version + complete + self.secret + b"".join(sorted(self.prints))

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read the content of a file.

        Raises
        ------
        DataError
            If it is not one of ours, or of another version of the split keys.
        """
        complete, rest = content[len(_HEADER) + 2 :][:1], content[len(_HEADER) + 3 :]
        secret, body = rest[:SECRET_BYTES], rest[SECRET_BYTES:]
        known = content.startswith(_HEADER) and complete in (_COMPLETE, _INCOMPLETE)
        if not known or len(secret) < SECRET_BYTES or len(body) % PRINT_BYTES:
            raise DataError("The fingerprints of the texts seen by the model are damaged.")
        version = int.from_bytes(content[len(_HEADER) :][:2], "big")
        if version != SPLIT_KEY_VERSION:
            raise DataError(
                f"The model was made with split keys of version {version}, this libelle has "
                f"{SPLIT_KEY_VERSION}: its texts cannot be recognised. Train the model again."
            )
        starts = range(0, len(body), PRINT_BYTES)
        prints = frozenset(body[start : start + PRINT_BYTES] for start in starts)
        return cls(secret, prints, complete == _COMPLETE)

    def _print(self, key: str) -> bytes:
        encoded = key.encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, encoded, "sha256")[:PRINT_BYTES]
