"""N-grams: from normalised texts to counts of words, pairs of words, and pieces of words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NgramCounts:
    """How often each n-gram stands in each text: and the n-gram behind each column.

    Attributes
    ----------
    counts : csr_array of float32, shape (n_texts, n_ngrams)
        Whole numbers; indices of a row are sorted.
    ngrams : ndarray of str, shape (n_ngrams,)
        A piece of a word bears the blanks that stand around the word.
    orders : ndarray of int8, shape (n_ngrams,)
        Number of words, or of characters, of each n-gram.
    """

    counts: csr_array
    ngrams: NDArray[np.object_]
    orders: NDArray[np.int8]

    def __len__(self) -> int:
        return int(self.counts.shape[0])

    def take_rows(self, rows: Ints) -> Self:
        """Return the same block for some texts only."""
        return type(self)(self.counts[rows], self.ngrams, self.orders)

    def take_columns(self, columns: Ints) -> Self:
        """Return the same block for some n-grams only."""
        return type(self)(self.counts[:, columns], self.ngrams[columns], self.orders[columns])

    def columns_within(self, *, orders: tuple[int, int], min_texts: int) -> Ints:
        """Return the columns of n-grams of these orders (both ends in) that several texts have."""
        n_texts = np.bincount(self.counts.indices, minlength=len(self.ngrams))
        smallest, largest = orders
        wanted = (self.orders >= smallest) & (self.orders <= largest) & (n_texts >= min_texts)
        return np.flatnonzero(wanted)


@dataclass(frozen=True, eq=False)
class TextCounts:
    """Both blocks of the same texts: words and pairs of words, pieces of words."""

    words: NgramCounts
    pieces: NgramCounts

    def __len__(self) -> int:
        return len(self.words)

    def take_rows(self, rows: Ints) -> Self:
        """Return the same counts for some texts only."""
        return type(self)(self.words.take_rows(rows), self.pieces.take_rows(rows))


def count_ngrams(
    texts: Sequence[str], *, max_words: int = 2, piece_sizes: tuple[int, int] = (2, 5)
) -> TextCounts:
    """Count the n-grams of normalised texts.

    Parameters
    ----------
    texts : sequence of str
        Words separated by blanks.
    max_words : int
        Longest run of words that counts as one n-gram: 1 or 2.
    piece_sizes : (int, int)
        Shortest and longest piece of a word, in characters, the blanks around the word included.
    """
    words_of_texts = [text.split() for text in texts]
    lengths = np.fromiter(map(len, words_of_texts), np.int64, len(texts))
    vocabulary, flat = _index(chain.from_iterable(words_of_texts), int(lengths.sum()))
    rows = np.repeat(np.arange(len(texts)), lengths)
    unigrams = _counts(rows, flat, shape=(len(texts), len(vocabulary)))
    pieces, pieces_of_words = _count_pieces(vocabulary, piece_sizes)
    piece_block = NgramCounts(
        _sorted(unigrams @ pieces_of_words),
        pieces,
        np.fromiter(map(len, pieces), np.int8, len(pieces)),
    )
    word_block = NgramCounts(unigrams, vocabulary, np.ones(len(vocabulary), np.int8))
    if max_words == 2:
        word_block = _beside(word_block, _count_pairs(rows, flat, vocabulary, len(texts)))
    return TextCounts(word_block, piece_block)


def pieces_of(word: str, sizes: tuple[int, int]) -> list[str]:
    """Return the pieces of one word between two blanks, repeated ones too; a short word is one."""
    padded = f" {word} "
    smallest, largest = sizes
    if len(padded) <= smallest:
        return [padded]
    longest = min(largest, len(padded))
    return [
        padded[start : start + size]
        for size in range(smallest, longest + 1)
        for start in range(len(padded) - size + 1)
    ]


def _index(strings: "chain[str]", n_strings: int) -> tuple[NDArray[np.object_], Ints]:
    """Return distinct strings in order of appearance, and the number of each string."""
    number: dict[str, int] = {}
    numbers = (number.setdefault(string, len(number)) for string in strings)
    flat = np.fromiter(numbers, np.int64, n_strings)
    return np.array(list(number), dtype=object), flat


def _counts(rows: Ints, columns: Ints, *, shape: tuple[int, int]) -> csr_array:
    ones = np.ones(len(rows), np.float32)
    indices = (rows.astype(np.int32), columns.astype(np.int32))
    return _sorted(csr_array((ones, indices), shape=shape))


def _sorted(counts: csr_array) -> csr_array:
    counts.sum_duplicates()
    return counts


def _count_pieces(
    vocabulary: NDArray[np.object_], sizes: tuple[int, int]
) -> tuple[NDArray[np.object_], csr_array]:
    """Return the distinct pieces and how often each stands in each word of the vocabulary."""
    pieces_of_words = [pieces_of(word, sizes) for word in vocabulary]
    lengths = np.fromiter(map(len, pieces_of_words), np.int64, len(vocabulary))
    pieces, flat = _index(chain.from_iterable(pieces_of_words), int(lengths.sum()))
    rows = np.repeat(np.arange(len(vocabulary)), lengths)
    return pieces, _counts(rows, flat, shape=(len(vocabulary), len(pieces)))


def _count_pairs(
    rows: Ints, flat: Ints, vocabulary: NDArray[np.object_], n_texts: int
) -> NgramCounts:
    inside = rows[1:] == rows[:-1]
    keys = flat[:-1][inside] * len(vocabulary) + flat[1:][inside]
    distinct, numbers = np.unique(keys, return_inverse=True)
    firsts, seconds = np.divmod(distinct, max(len(vocabulary), 1))
    pairs = vocabulary[firsts] + " " + vocabulary[seconds]
    counts = _counts(rows[1:][inside], numbers, shape=(n_texts, len(distinct)))
    return NgramCounts(counts, pairs, np.full(len(distinct), 2, np.int8))


def _beside(left: NgramCounts, right: NgramCounts) -> NgramCounts:
    return NgramCounts(
        hstack([left.counts, right.counts], format="csr"),
        np.concatenate([left.ngrams, right.ngrams]),
        np.concatenate([left.orders, right.orders]),
    )
