"""Identifiers: the same for a retry, unguessable without the key."""

from collections.abc import Iterable
from hashlib import blake2b

_ID_BYTES = 16
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


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
    request_key = _request_key(key, client, request_id, digest)
    return [
        _as_uuid(
            blake2b(
                f"{position}:{text}".encode("utf-8", "surrogatepass"),
                digest_size=_ID_BYTES,
                key=request_key,
            ).hexdigest()
        )
        for position, text in texts
    ]


def _request_key(key: bytes, *parts: str) -> bytes:
    """Derive the key of one request; lengths come first, so that no two lists of parts meet."""
    message = ":".join([*(str(len(part)) for part in parts), *parts])
    # BLAKE2b takes keys of at most 64 bytes; hashing brings any key to that length.
    return blake2b(message.encode("utf-8", "surrogatepass"), key=blake2b(key).digest()).digest()


def _as_uuid(digits: str) -> str:
    return (
        f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}"
        f"-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"
    )
