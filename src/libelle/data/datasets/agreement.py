"""Agreement: how often texts that say the same thing have the same code, in bounded memory."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from typing import Self

import numpy as np
from numpy.typing import NDArray

_N_BUCKETS = 64
_BUCKET_BYTES_IN_MEMORY = 1 << 20
_ROW = np.dtype([("key", "<u8"), ("text", "<u8"), ("code", "<i4")])


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What repeated texts say about the codes.

    Attributes
    ----------
    n_rows, n_texts, n_keys : int
        Coded texts; different ones; different split keys.
    n_contradictory_keys, n_contradictory_rows : int
        Keys that have several codes, and their rows.
    accuracy_ceiling : float
        Share of the rows that have the most frequent code of their key, in (0, 1]: nothing that
        reads the text only can be right more often.
    self_agreement : float or None
        Probability that two rows of one key have the same code: the first is drawn among the rows
        of all keys that have two or more, the second among the other rows of its key. None without
        such a key.
    keys_of_code : ndarray of int64, shape (n_codes,)
        Different keys of each code.
    """

    n_rows: int
    n_texts: int
    n_keys: int
    n_contradictory_keys: int
    n_contradictory_rows: int
    accuracy_ceiling: float
    self_agreement: float | None
    keys_of_code: NDArray[np.int64]


class AgreementCounter:
    """Keep a short digest of each row, on disk beyond some megabytes; then count.

    Rows of one key share a bucket, so that buckets are counted one after the other. Digests have 64
    bits: among ten million different texts, two have the same with probability 3e-6.
    """

    def __init__(self) -> None:
        self._files = ExitStack()
        self._buckets = [self._files.enter_context(_open_bucket()) for _ in range(_N_BUCKETS)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._files.close()

    def add(self, texts: Sequence[str], keys: Sequence[str], codes: Sequence[int]) -> None:
        """Take rows in: their texts, their split keys, the numbers of their codes."""
        rows = np.empty(len(texts), _ROW)
        rows["text"], rows["key"], rows["code"] = _digests(texts), _digests(keys), codes
        bucket_of_row = rows["key"] % _N_BUCKETS
        rows = rows[np.argsort(bucket_of_row, kind="stable")]
        ends = np.cumsum(np.bincount(bucket_of_row.astype(np.int64), minlength=_N_BUCKETS))
        for bucket, some in zip(self._buckets, np.split(rows, ends[:-1]), strict=True):
            bucket.write(some.tobytes())

    def count(self, n_codes: int) -> Agreement:
        """Count what was taken in; `n_codes` is one more than the largest number of a code."""
        tallies = [_tally(rows, n_codes) for rows in self._read_buckets()]
        total = _Tally(*(sum(counts) for counts in zip(*map(astuple, tallies), strict=True)))
        return Agreement(
            n_rows=total.n_rows,
            n_texts=total.n_texts,
            n_keys=total.n_keys,
            n_contradictory_keys=total.n_contradictory_keys,
            n_contradictory_rows=total.n_contradictory_rows,
            accuracy_ceiling=total.n_majority_rows / max(1, total.n_rows),
            self_agreement=(
                total.agreeing / total.n_repeated_rows if total.n_repeated_rows else None
            ),
            keys_of_code=total.keys_of_code,
        )

    def _read_buckets(self) -> Iterator[NDArray[np.void]]:
        for bucket in self._buckets:
            bucket.seek(0)
            yield np.frombuffer(bucket.read(), _ROW)


def _open_bucket() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(max_size=_BUCKET_BYTES_IN_MEMORY)


@dataclass(frozen=True)
class _Tally:
    """Sums over keys; `agreeing` is the expected number of repeated rows that a draw confirms."""

    n_rows: int
    n_texts: int
    n_keys: int
    n_contradictory_keys: int
    n_contradictory_rows: int
    n_majority_rows: int
    n_repeated_rows: int
    agreeing: float
    keys_of_code: NDArray[np.int64]


def _tally(rows: NDArray[np.void], n_codes: int) -> _Tally:
    if not len(rows):
        return _Tally(0, 0, 0, 0, 0, 0, 0, 0.0, np.zeros(n_codes, dtype=np.int64))
    rows_of_pair, code_of_pair, first_pairs = _pairs(rows)
    n_of_key = np.add.reduceat(rows_of_pair, first_pairs)
    n_codes_of_key = np.diff(np.append(first_pairs, len(rows_of_pair)))
    same = np.add.reduceat(rows_of_pair * (rows_of_pair - 1), first_pairs)
    repeated = n_of_key > 1
    return _Tally(
        n_rows=len(rows),
        n_texts=len(np.unique(rows["text"])),
        n_keys=len(n_of_key),
        n_contradictory_keys=int((n_codes_of_key > 1).sum()),
        n_contradictory_rows=int(n_of_key[n_codes_of_key > 1].sum()),
        n_majority_rows=int(np.maximum.reduceat(rows_of_pair, first_pairs).sum()),
        n_repeated_rows=int(n_of_key[repeated].sum()),
        agreeing=float((same[repeated] / (n_of_key[repeated] - 1)).sum()),
        keys_of_code=np.bincount(code_of_pair, minlength=n_codes),
    )


def _pairs(
    rows: NDArray[np.void],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows and the code of each (key, code), and where each key's pairs begin."""
    order = np.lexsort((rows["code"], rows["key"]))
    keys, codes = rows["key"][order], rows["code"][order].astype(np.int64)
    new_key = np.append(True, keys[1:] != keys[:-1])
    first_rows = np.flatnonzero(new_key | np.append(True, codes[1:] != codes[:-1]))
    rows_of_pair = np.diff(np.append(first_rows, len(rows)))
    return rows_of_pair, codes[first_rows], np.flatnonzero(new_key[first_rows])


def _digests(values: Sequence[str]) -> NDArray[np.uint64]:
    encoded = (value.encode("utf-8", "surrogatepass") for value in values)
    return np.frombuffer(b"".join(blake2b(v, digest_size=8).digest() for v in encoded), "<u8")
