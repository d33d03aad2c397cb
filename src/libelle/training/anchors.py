"""Anchors: a sequence of tests that may start at several ranks, when nothing is known beforehand.

Texts are ranked from the highest confidence. S_j is the number of errors among the first j, and the
hypothesis H_j says that the error above the (j+1)-th confidence exceeds the target α. Anchors are
ranks a fixed beforehand, each with a number of errors e_a. From the first anchor on, rank after
rank, H_j is rejected when S_j ≤ c_j, or S_a ≤ e_a at an anchor a > j; the first rank that is not
rejected ends the sequence, and the last one rejected is the threshold.

Proof. Suppose that, once the error above a confidence exceeds α, less sure texts are wrong α of the
time at least. If the threshold is wrong, then H_j was rejected, where j is the first rank of the
sequence whose H_j is true. Given that confidence, errors among the first j are independent draws of
a rate of at least α, and each later text errs at that rate at least: S at j and at later anchors is
never below that of a walk that errs with probability α at each text. c_j is the largest number for
which this walk has S_j ≤ c_j, or S_a ≤ e_a at an anchor a > j, with probability at most δ. A wrong
threshold has therefore a probability of at most δ. It is a closed test (Marcus, Peritz and Gabriel
1976) whose levels are exact, by dynamic programming.

Where the error curve crosses α several times, a wrong threshold lies in one of the stretches above
α, each of which may add δ. The planned rule (`libelle.training.plan`) supposes nothing.
"""

from functools import lru_cache

import numpy as np
from scipy.special import bdtr, gammaln, xlog1py, xlogy
from scipy.stats import binom

from libelle.bounds import least_n_texts
from libelle.classifiers.base import Floats
from libelle.evaluation import Ints

ERRORS_STEP = 1.5
PRESUMED_SHARE, WANTED_POWER = 0.6, 0.8
LATE_ERRORS_STEP, MAX_ANCHOR_ERRORS = 4, 500
N_HALVINGS = 24
LEVEL_STEP = 0.95
NOTHING = np.empty(0, dtype=np.int64)


def anchored_sequence(
    ends: Ints, *, target_error: float, delta: float
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the ranks to test and the anchors, each with the most errors that it allows.

    Parameters
    ----------
    ends : ndarray of int, shape (n_groups,)
        Ranks at which the next text is less sure, increasing; the last one is the number of texts.
    target_error, delta : float

    Returns
    -------
    ranks, n_allowed : ndarray of int, shape (n_ranks,)
        Those of `ends` from the first anchor on, and c_j; -1 where no number of errors is allowed.
    anchors, n_allowed_at : ndarray of int, shape (n_anchors,)
        And e_a.
    """
    anchors, n_allowed_at = _anchors_among(ends, target_error, delta)
    if len(anchors) == 0:
        return NOTHING, NOTHING, NOTHING, NOTHING
    ranks = ends[ends >= anchors[0]]
    arguments = (tuple(array.tolist()) for array in (ranks, anchors, n_allowed_at))
    return ranks, _allowed_errors(*arguments, target_error, delta), anchors, n_allowed_at


def pass_probability(anchors: Ints, n_allowed_at: Ints, target_error: float) -> float:
    """Return how likely a walk that errs at the target passes at one anchor at least."""
    states = np.arange(int(n_allowed_at.max()) + 1)
    law = (states == 0).astype(np.float64)
    passed, before = 0.0, 0
    for anchor, n_allowed in zip(anchors.tolist(), n_allowed_at.tolist(), strict=True):
        law = np.convolve(law, binom.pmf(states, anchor - before, target_error))[: len(states)]
        passed += float(law[: n_allowed + 1].sum())
        law[: n_allowed + 1] = 0.0
        before = anchor
    return passed


def _anchors_among(ends: Ints, target_error: float, delta: float) -> tuple[Ints, Ints]:
    """Return the anchors moved to the end of the ties before them, their errors lowered to suit."""
    n_texts = int(ends[-1])
    wanted, n_allowed_at, level = _wanted_anchors(n_texts, target_error, delta)
    if len(ends) == n_texts or len(wanted) == 0:
        return wanted, n_allowed_at
    places = np.searchsorted(ends, wanted, side="right") - 1
    anchors = np.unique(ends[places[places >= 0]])
    while len(anchors):
        allowed = _most_errors(anchors, level, target_error)
        anchors, allowed = anchors[allowed >= 0], allowed[allowed >= 0]
        if len(anchors) and pass_probability(anchors, allowed, target_error) <= delta:
            return anchors, allowed
        level *= LEVEL_STEP
    return NOTHING, NOTHING


@lru_cache(maxsize=256)
def _wanted_anchors(n_texts: int, target_error: float, delta: float) -> tuple[Ints, Ints, float]:
    """Return the anchors, their errors, and the level at which they use δ up."""
    if least_n_texts(target_error=target_error, delta=delta) > n_texts:
        return NOTHING, NOTHING, 0.0
    errors = _anchor_errors(n_texts, target_error, delta)
    low, high = delta / (len(errors) + 1), delta
    for _ in range(N_HALVINGS):
        middle = (low + high) / 2
        anchors = _first_ranks(errors, middle, target_error)
        kept = anchors <= n_texts
        probability = (
            pass_probability(anchors[kept], errors[kept], target_error) if kept.any() else 0.0
        )
        low, high = (middle, high) if probability <= delta else (low, middle)
    anchors = _first_ranks(errors, low, target_error)
    return anchors[anchors <= n_texts], errors[anchors <= n_texts], low


def _anchor_errors(n_texts: int, target_error: float, delta: float) -> Ints:
    """Return the errors allowed at the anchors.

    They go up to the rank at which an error clearly below the target would be proved four times in
    five; a few more, far apart, are for curves that start badly.
    """
    errors = [0]
    while _power(errors[-1], n_texts, target_error, delta) < WANTED_POWER:
        errors.append(max(errors[-1] + 1, int(errors[-1] * ERRORS_STEP)))
    late = max(1, errors[-1]) * LATE_ERRORS_STEP
    while late < min(target_error * n_texts, MAX_ANCHOR_ERRORS):
        errors.append(late)
        late *= LATE_ERRORS_STEP
    return np.array(errors)


def _power(n_errors: int, n_texts: int, target_error: float, delta: float) -> float:
    """Return how often an error clearly below the target passes; 1 past the last text."""
    rank = _first_rank(n_errors, delta, target_error)
    if rank > n_texts:
        return 1.0
    return float(bdtr(float(n_errors), rank, PRESUMED_SHARE * target_error))


def _first_ranks(n_errors: Ints, level: float, target_error: float) -> Ints:
    return np.array([_first_rank(number, level, target_error) for number in n_errors.tolist()])


def _first_rank(n_errors: int, level: float, target_error: float) -> int:
    """Return the first rank at which so few errors have a p-value of at most the level."""
    low, high = n_errors, n_errors + 1
    while bdtr(float(n_errors), high, target_error) > level:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if bdtr(float(n_errors), middle, target_error) > level:
            low = middle
        else:
            high = middle
    return high


def _most_errors(ranks: Ints, level: float, target_error: float) -> Ints:
    """Return the most errors whose p-value is at most the level, at each rank; -1 if none."""
    guess = binom.ppf(level, ranks, target_error)
    allowed: Ints = np.where(bdtr(guess, ranks, target_error) <= level, guess, guess - 1)
    return allowed.astype(np.int64)


@lru_cache(maxsize=64)
def _allowed_errors(
    ranks: tuple[int, ...],
    anchors: tuple[int, ...],
    n_allowed_at: tuple[int, ...],
    target_error: float,
    delta: float,
) -> Ints:
    """Return c_j at each rank; the walk is followed backwards from the last anchor."""
    last = anchors[-1]
    allowed = _most_errors(np.array(ranks), delta, target_error)
    allowed_at = dict(zip(anchors, n_allowed_at, strict=True))
    place_of = {rank: place for place, rank in enumerate(ranks) if rank < last}
    most = int(_most_errors(np.array([last]), delta, target_error)[0])
    states = np.arange(max(most, *n_allowed_at) + 2)
    # Chance that an anchor passes from here on, for each number of errors.
    passing = np.where(states <= allowed_at[last], 1.0, 0.0)
    for rank in range(last - 1, ranks[0] - 1, -1):
        passing = (1 - target_error) * passing + target_error * np.append(passing[1:], 0.0)
        if rank in place_of:
            law = _binomial_law(states, rank, target_error)
            passed = law @ passing + np.cumsum(law * (1 - passing))
            allowed[place_of[rank]] = int((passed <= delta).sum()) - 1
        if rank in allowed_at:
            passing = np.where(states <= allowed_at[rank], 1.0, passing)
    return allowed


def _binomial_law(states: Ints, n_texts: int, target_error: float) -> Floats:
    """Return the binomial probabilities, faster than `binom.pmf` on one number of texts."""
    possible = np.minimum(states, n_texts)
    ways = gammaln(n_texts + 1) - gammaln(possible + 1) - gammaln(n_texts - possible + 1)
    rates = xlogy(possible, target_error) + xlog1py(n_texts - possible, -target_error)
    law: Floats = np.where(states <= n_texts, np.exp(ways + rates), 0.0)
    return law
