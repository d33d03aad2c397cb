"""Identifiers: the same for a retry, unguessable without the key."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

_ID_BYTES = 16
_UUID_LENGTH = 36
_DIGIT_PLACES = [place for place in range(_UUID_LENGTH) if place not in (8, 13, 18, 23)]
_VERSION_PLACE, _VARIANT_PLACE = 14, 19
# A variant is one digit of four, whatever the digit was.
_VARIANTS = np.zeros(128, np.uint8)
_VARIANTS[list(b"0123456789abcdef")] = list(b"89ab" * 4)


def make_prediction_id(
    key: bytes, *, client: str, request_id: str, position: int, text: str, digest: str
) -> str:
    """Return the identifier of a prediction: the same for a retry, unguessable without the key.

    Parameters
    ----------
    key : bytes
        Secret: without it, an identifier tells nothing of the text.
    client : str
        Who asks; empty when access needs no key.
    request_id : str
        `X-Request-ID` of the request.
    position : int
        Of the text in its request, from 0.
    text : str
        As received.
    digest : str
        Of the model.

    Returns
    -------
    str
        In the form of a UUID of version 8, whose bits are the application's own (RFC 9562).

    References
    ----------
    Aumasson et al. (2013), BLAKE2: simpler, smaller, fast as MD5; its keyed mode is a MAC.
    """
    [prediction_id] = make_prediction_ids(
        key, client=client, request_id=request_id, texts=[(position, text)], digest=digest
    )
    return prediction_id


def make_prediction_ids(
    key: bytes, *, client: str, request_id: str, texts: Iterable[tuple[int, str]], digest: str
) -> list[str]:
    """Return the identifiers of the texts of one request, given with their positions."""
    keyed = blake2b(digest_size=_ID_BYTES, key=_request_key(key, client, request_id, digest))
    digests = []
    for position, text in texts:
        one = keyed.copy()
        one.update(f"{position}:{text}".encode("utf-8", "surrogatepass"))
        digests.append(one.digest())
    return _as_uuids(b"".join(digests))


def _request_key(key: bytes, *parts: str) -> bytes:
    """Derive the key of one request; lengths come first, so that no two lists of parts meet."""
    message = ":".join([*(str(len(part)) for part in parts), *parts])
    # BLAKE2b takes keys of at most 64 bytes; hashing brings any key to that length.
    return blake2b(message.encode("utf-8", "surrogatepass"), key=blake2b(key).digest()).digest()


def _as_uuids(digests: bytes) -> list[str]:
    """Write digests, one after the other, as UUIDs of version 8: all at once, as it costs less."""
    digits = np.frombuffer(digests.hex().encode(), np.uint8).reshape(-1, 2 * _ID_BYTES)
    written = np.full((len(digits), _UUID_LENGTH), ord("-"), np.uint8)
    written[:, _DIGIT_PLACES] = digits
    written[:, _VERSION_PLACE] = ord("8")
    written[:, _VARIANT_PLACE] = _VARIANTS[written[:, _VARIANT_PLACE]]
    everything = written.tobytes().decode()
    return [
        everything[start : start + _UUID_LENGTH]
        for start in range(0, len(everything), _UUID_LENGTH)
    ]
