"""Prediction sets: a short list of codes for each text, as long as the text is doubtful.

The score of a code for a text is the probability of the codes likelier than it, plus a small
penalty for each of them past the first few; the likeliest code has the score 0. A list holds the
codes whose score is at most a quantile found at certification
(`libelle.training.prediction_sets`): it is never empty, and the larger the doubt the longer the
list.

References
----------
Romano, Sesia and Candès (2020), Classification with valid and adaptive coverage, NeurIPS.
Angelopoulos, Bates, Malik and Jordan (2021), Uncertainty sets for image classifiers using conformal
prediction, ICLR.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats

SCORE_VERSION = 1
SCORE_DIGITS = 6
N_FREE_RANKS = 5
RANK_PENALTY = 0.005
FULL_SORT_FACTOR = 8  # Under as many codes a rank, sorting all of them is as fast.
MARGINAL, PER_CODE = "marginal", "per_code"
COVERAGES = (MARGINAL, PER_CODE)

Columns = NDArray[np.int64]


def prediction_sets(
    probabilities: Floats, rule: Mapping[str, Any], *, ranked: Columns | None = None
) -> list[Columns]:
    """Return the list of each text, likeliest code first.

    Parameters
    ----------
    probabilities : ndarray, shape (n_texts, n_codes)
        Each list depends on its own row only.
    rule : mapping
        What `fit_prediction_sets` found. Its `coverage` is `marginal` (texts of all codes together
        are held as often as promised) or `per_code` (those of each code, where enough had it).
    ranked : ndarray, shape (n_texts, n_ranks), optional
        What `rank_codes` says: marginal lists are then cut after `n_ranks` codes, and the other
        codes are never looked at.

    Returns
    -------
    list of ndarray of int
        Columns of `probabilities`; the first column on a tie.
    """
    if ranked is None or rule["coverage"] == PER_CODE:  # Such a list may skip likely codes.
        ranked = rank_codes(probabilities, probabilities.shape[1])
    scores = score_ranks(probabilities, ranked)
    inside = scores <= _quantiles(rule, probabilities.shape[1])[ranked]
    return [columns[kept] for columns, kept in zip(ranked, inside, strict=True)]


def prediction_set_sizes(probabilities: Floats, rule: Mapping[str, Any]) -> Columns:
    """Return the length of each text's list; parameters are those of `prediction_sets`."""
    sets = prediction_sets(probabilities, rule)
    return np.fromiter(map(len, sets), np.int64, len(sets))


def rank_codes(probabilities: Floats, n_ranks: int) -> Columns:
    """Return the columns of each row's largest probabilities, the first column on a tie."""
    n_codes = probabilities.shape[1]
    if n_ranks == 1:
        best: Columns = np.argmax(probabilities, axis=1)[:, None]
        return best
    if n_ranks * FULL_SORT_FACTOR >= n_codes:
        every: Columns = np.argsort(-probabilities, axis=1, kind="stable")[:, :n_ranks]
        return every
    columns = np.argpartition(-probabilities, n_ranks - 1, axis=1)[:, :n_ranks]
    columns.sort(axis=1)
    largest = np.take_along_axis(probabilities, columns, axis=1)
    order = np.argsort(-largest, axis=1, kind="stable")
    ranked: Columns = np.take_along_axis(columns, order, axis=1)
    # Where the last rank is a tie, a partition takes any of the columns.
    tied = (probabilities >= largest.min(axis=1, keepdims=True)).sum(axis=1) > n_ranks
    if tied.any():
        ranked[tied] = np.argsort(-probabilities[tied], axis=1, kind="stable")[:, :n_ranks]
    return ranked


def score_ranks(probabilities: Floats, ranked: Columns) -> Floats:
    """Return the score of each ranked code, shape `(n_texts, n_ranks)`, rounded to 1e-6."""
    sorted_probabilities = np.take_along_axis(probabilities, ranked, axis=1)
    before = np.cumsum(sorted_probabilities, axis=1) - sorted_probabilities
    n_before = np.arange(ranked.shape[1])
    penalties = RANK_PENALTY * np.maximum(0, n_before + 1 - N_FREE_RANKS)
    # A subtraction of nearly equal sums may go below 0, and down from one rank to the next.
    scores: Floats = np.maximum.accumulate(np.maximum(before, 0.0) + penalties, axis=1)
    return scores.round(SCORE_DIGITS)


def _quantiles(rule: Mapping[str, Any], n_codes: int) -> Floats:
    """Return the highest score that each code may have."""
    if rule["coverage"] == MARGINAL:
        return np.full(n_codes, _or_infinite(rule["quantile"]))
    quantiles = np.full(n_codes, _or_infinite(rule["others_quantile"]))
    for column, quantile in rule["quantile_by_column"].items():
        quantiles[int(column)] = _or_infinite(quantile)
    return quantiles


def _or_infinite(quantile: float | None) -> float:
    return np.inf if quantile is None else float(quantile)
