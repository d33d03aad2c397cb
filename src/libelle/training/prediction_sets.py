"""Prediction sets, fitted: how long the lists must be to hold the right code as often as promised.

Split conformal prediction: of n texts that played no part in the fit, take the score of the true
code; its ⌈(n + 1)(1 - δ)⌉-th smallest value is the quantile. The true code of one more text, drawn
like them, has a score of at most that with probability 1 - δ at least: the rank of its score among
the n + 1 is uniform, ties apart, which only help. The probability is over the certify texts and the
new one, refused texts left out; it says nothing of the texts of one confidence band.

The same holds among the texts of one code (its own quantile, where enough texts have it), and among
all texts of the other codes together: knowing how many texts each code has changes nothing to the
argument, so that the choice of the codes that get a quantile costs nothing.

References
----------
Vovk, Gammerman and Shafer (2005), Algorithmic learning in a random world, Springer.
Romano, Sesia and Candès (2020), Classification with valid and adaptive coverage, NeurIPS.
"""

import math
from typing import Any

import numpy as np

from libelle.bounds import check_delta
from libelle.classifiers.base import Floats
from libelle.errors import DataError
from libelle.evaluation import Ints
from libelle.prediction_sets import MARGINAL, SCORE_DIGITS, SCORE_VERSION, rank_codes, score_ranks

MIN_PER_CODE = 100


def fit_prediction_sets(
    probabilities: Floats,
    targets: Ints,
    *,
    delta: float = 0.05,
    coverage: str = MARGINAL,
    min_per_code: int = MIN_PER_CODE,
) -> dict[str, Any] | None:
    """Find the quantiles whose lists hold the true code with probability 1 - δ at least.

    Parameters
    ----------
    probabilities : ndarray, shape (n_texts, n_codes)
        Of certify texts, one for each `split_key`.
    targets : ndarray of int, shape (n_texts,)
        Column of the true code; a negative one (a code unknown to the model) is in no list, and
        counts.
    delta : float
    coverage : {"marginal", "per_code"}
        Which of the two statements the lists keep.
    min_per_code : int
        Fewest texts of a code that has its own quantile.

    Returns
    -------
    dict or None
        JSON values for `libelle.prediction_sets.prediction_sets`: `quantile`, over all texts;
        `quantile_by_column`, for the codes that have enough texts, and `others_quantile`, for the
        others together; null where all such codes have to be listed. None if no list can hold
        the true code so often: too few texts, or too many of unknown codes.

    Raises
    ------
    UsageError
        If `delta` is not between 0 and 1.
    DataError
        If there is no text.
    """
    check_delta(delta)
    if len(targets) == 0:
        raise DataError("No text was looked at: lists cannot be promised. Give coded texts.")
    scores = _scores_of_truth(probabilities, targets)
    quantile = _quantile(scores, delta)
    if quantile is None:
        return None
    counts = np.bincount(targets[targets >= 0], minlength=probabilities.shape[1])
    frequent = np.flatnonzero(counts >= min_per_code)
    others = ~np.isin(targets, frequent)
    return {
        "version": SCORE_VERSION,
        "delta": delta,
        "coverage": coverage,
        "n_texts": len(targets),
        "n_unknown_codes": int((targets < 0).sum()),
        "quantile": quantile,
        "min_per_code": min_per_code,
        "quantile_by_column": {
            str(column): _quantile(scores[targets == column], delta) for column in frequent.tolist()
        },
        "others_quantile": _quantile(scores[others], delta),
    }


def _scores_of_truth(probabilities: Floats, targets: Ints) -> Floats:
    ranked = rank_codes(probabilities, probabilities.shape[1])
    scores = score_ranks(probabilities, ranked)
    of_truth = np.where(ranked == targets[:, None], scores, np.inf)
    smallest: Floats = of_truth.min(axis=1)
    return smallest


def _quantile(scores: Floats, delta: float) -> float | None:
    """Return the ⌈(n + 1)(1 - δ)⌉-th smallest score; None past the last finite one."""
    place = math.ceil(round((len(scores) + 1) * (1 - delta), 9))
    if place > len(scores):
        return None
    value = float(np.partition(scores, place - 1)[place - 1])
    return round(value, SCORE_DIGITS) if math.isfinite(value) else None
