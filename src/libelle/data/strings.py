"""Strings on disk: one UTF-8 blob and the offsets that cut it; no pickle."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

PackedStrings = tuple[NDArray[np.uint8], NDArray[np.int64]]


def pack_strings(strings: Sequence[str]) -> PackedStrings:
    """Return the bytes of all strings, end to end, and the offsets where each begins or ends."""
    encoded = [string.encode("utf-8", "surrogatepass") for string in strings]
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return np.frombuffer(b"".join(encoded), np.uint8), offsets


def unpack_strings(blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the strings that `pack_strings` packed."""
    content = blob.tobytes()
    bounds = pairwise(offsets.tolist())
    return tuple(content[start:end].decode("utf-8", "surrogatepass") for start, end in bounds)
