"""Plan: where a sequence of tests starts, fixed beforehand from texts that are not certify texts.

The hypothesis H_t says that the error above the confidence t exceeds the target α. From a start t0
that does not depend on the certify texts, thresholds are taken from the highest down; H_t is
rejected when as few errors as those seen at or above t have a p-value of at most δ; the first one
that is not rejected ends the sequence, and the last one rejected is the threshold.

Proof. Let t1 be the highest threshold, from t0 down, whose error exceeds α: a fixed number. A wrong
threshold is at most t1, so H_t1 was rejected. Given how many certify texts stand at or above t1,
their errors are independent draws of a rate above α, whose p-value is at most δ with probability
at most δ. Nothing is supposed of the shape of the error curve, nor of the texts that gave the
start: if those are of another period, it costs coverage, never the guarantee.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from libelle.bounds import least_n_texts, p_value
from libelle.classifiers.base import Floats
from libelle.evaluation import Ints

STEP = 1.03
PRESUMED_FACTORS = (0.7, 1.0, 1.3)
N_SIMULATED = 200
NEARLY_BEST = 0.98
SEED = 0

Flags = NDArray[np.bool_]


def plan_start(
    confidences: Floats, wrong: Flags, *, n_texts: int, target_error: float, delta: float
) -> float | None:
    """Return the confidence to start at, so that simulated certify texts give the most coverage.

    Certify texts are simulated from the error curve seen, and from that curve with more and with
    fewer errors; the start is the middle of those that do nearly as well as the best.

    Parameters
    ----------
    confidences, wrong : ndarray, shape (n_prior,)
        Out-of-fold scores, or those of an earlier certification.
    n_texts : int
        How many certify texts there are.
    target_error, delta : float

    Returns
    -------
    float or None
        None if so few texts can prove nothing.
    """
    return _plan_start(confidences.tobytes(), wrong.tobytes(), n_texts, target_error, delta)


@lru_cache(maxsize=64)
def _plan_start(
    confidences: bytes, wrong: bytes, n_texts: int, target_error: float, delta: float
) -> float | None:
    least = least_n_texts(target_error=target_error, delta=delta)
    if least > n_texts:
        return None
    scores = np.frombuffer(confidences, dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    errors = np.frombuffer(wrong, dtype=np.bool_)[order].astype(np.float64)
    ends = _ends(scores[order], least / n_texts)
    coverage = _simulate(ends, isotonic_regression(errors).x, n_texts, target_error, delta)
    nearly_best = np.flatnonzero(coverage >= NEARLY_BEST * coverage.max())
    return float(scores[order][ends[nearly_best[len(nearly_best) // 2]] - 1])


def _ends(ranked: Floats, least_share: float) -> Ints:
    """Return ranks in geometric progression, each at the end of its ties."""
    n_steps = int(-np.log(least_share) / np.log(STEP)) + 1
    shares = np.minimum(1.0, least_share * STEP ** np.arange(n_steps + 1))
    ranks = np.maximum(1, np.ceil(shares * len(ranked))).astype(np.int64)
    ends: Ints = np.unique(np.searchsorted(-ranked, -ranked[ranks - 1], side="right"))
    return ends


def _simulate(ends: Ints, rates: Floats, n_texts: int, target_error: float, delta: float) -> Floats:
    """Return the mean coverage of a sequence that starts at each of the ends."""
    generator = np.random.default_rng(SEED)
    sizes = np.diff(ends, prepend=0)
    cell_rates = np.add.reduceat(rates, ends - sizes) / sizes
    coverage = np.zeros(len(ends))
    for factor in PRESUMED_FACTORS:
        counts = generator.multinomial(n_texts, sizes / ends[-1], size=N_SIMULATED)
        errors = generator.binomial(counts, np.minimum(1.0, factor * cell_rates))
        passed = _passed(errors.cumsum(axis=1), counts.cumsum(axis=1), target_error, delta)
        coverage += _mean_coverage(passed, ends / ends[-1])
    return coverage


def _passed(n_errors: Ints, n_texts: Ints, target_error: float, delta: float) -> Flags:
    values = p_value(n_errors, np.maximum(n_texts, 1), target_error=target_error)
    passed: Flags = (n_texts > 0) & (values <= delta)
    return passed


def _mean_coverage(passed: Flags, shares: Floats) -> Floats:
    reached = np.zeros(len(passed))
    means = np.zeros(len(shares))
    for place in range(len(shares))[::-1]:
        reached = np.where(passed[:, place], np.maximum(reached, shares[place]), 0.0)
        means[place] = reached.mean()
    return means
