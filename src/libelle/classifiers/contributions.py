"""Contributions: what each word of a text brings to the score of a code over that of another."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """Parts of the difference between the scores of two codes, for one text.

    They are computed in double precision: where a classifier adds its scores in single precision,
    the sum of the parts differs from the difference of its scores by their rounding, and only so.

    Attributes
    ----------
    words : tuple of str
        As the classifier reads them, in the order of the text: a repeated word stands once for each
        of its occurrences.
    amounts : ndarray, shape (n_words,)
        What each word brings, that of its n-grams included: for the first code if positive, for the
        second if negative.
    baseline : float
        What no word brings: intercepts, biases, priors, the end of the line.
    """

    words: tuple[str, ...]
    amounts: Floats
    baseline: float

    @property
    def score_difference(self) -> float:
        """Return the sum of the parts: the score of the first code minus that of the second."""
        return math.fsum([*self.amounts.tolist(), self.baseline])


def share_equally(gains: Floats, *, ngrams: Places, holders: Places, n_words: int) -> Floats:
    """Share what n-grams bring among the words that hold them.

    Parameters
    ----------
    gains : ndarray, shape (n_ngrams,)
        What each n-gram brings, all its occurrences together; each one has a holder.
    ngrams, holders : ndarray of int, shape (n_holdings,)
        An n-gram, and the place in the text of a word that holds it: twice if the word holds it
        twice.
    n_words : int

    Returns
    -------
    ndarray, shape (n_words,)
        Of the same sum as `gains`.
    """
    shares = gains / np.bincount(ngrams, minlength=len(gains))
    amounts = np.bincount(holders, weights=shares[ngrams], minlength=n_words)
    return amounts.astype(np.float64)  # Without any holder, NumPy counts in whole numbers.
