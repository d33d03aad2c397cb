"""Hashes: eight bytes for each string of a column, fast, to tell strings apart."""

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

NO_HASH: Hashes = np.empty(0, np.uint64)
_MULTIPLIER = 0x9E3779B97F4A7C15
_MIXERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def hashes_of(column: Any) -> Hashes:
    """Return a hash of each string of a column that is not null, in their order.

    Two strings may have one hash: whoever finds the same twice has to compare the strings.
    """
    strings = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    strings = strings.drop_null().cast(pa.large_string())
    if not len(strings):
        return NO_HASH
    _, offset_bytes, content = strings.buffers()
    offsets = np.frombuffer(offset_bytes, np.int64)[strings.offset :][: len(strings) + 1]
    first, last = offsets[0], offsets[-1]
    letters = np.frombuffer(content or b"", np.uint8)[first:last].astype(np.uint64)
    starts, lengths = offsets[:-1] - first, np.diff(offsets)
    places = np.arange(len(letters)) - np.repeat(starts, lengths)
    letters = (letters + np.uint64(1)) * _powers(int(lengths.max(initial=0)))[places]
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(letters, dtype=np.uint64)))
    return _mix(sums[offsets[1:] - first] - sums[starts])


def repeated_in(hashes: Hashes) -> Hashes:
    """Return the hashes that stand there more than once, sorted."""
    found, counts = np.unique(hashes, return_counts=True)
    repeated: Hashes = found[counts > 1]
    return repeated


@cache
def _powers(n_powers: int) -> Hashes:
    factors = np.full(n_powers + 1, _MULTIPLIER, np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


def _mix(hashes: Hashes) -> Hashes:
    """Spread each bit over all of them: the last letters would otherwise move the first bits only.

    References
    ----------
    Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.
    """
    for shift, mixer in zip((30, 27), _MIXERS, strict=True):
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(mixer)
    return hashes ^ (hashes >> np.uint64(31))
