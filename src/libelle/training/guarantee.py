"""Guarantee: the lowest confidence coded automatically, with a proved bound on the errors above it.

Write R(t) for the probability that a text is wrong, given that its confidence is at least t. A rule
looks at certify texts, independent draws of the texts to come, and names a threshold t̂ such that
P(R(t̂) > target error) ≤ δ. Ties of confidence go in or out whole.

References
----------
Angelopoulos, Bates, Candès, Jordan and Lei (2021), Learn then Test: calibrating predictive
algorithms to achieve risk control.
Bates, Angelopoulos, Lei, Malik and Jordan (2021), Distribution-free, risk-controlling prediction
sets, Journal of the ACM 68(6).
Geifman and El-Yaniv (2017), Selective classification for deep neural networks, NeurIPS.
Marcus, Peritz and Gabriel (1976), On closed testing procedures with special reference to ordered
analysis of variance, Biometrika 63(3).
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from libelle.bounds import (
    check_delta,
    check_target_error,
    error_rate_bound,
    least_n_texts,
    p_value,
)
from libelle.classifiers.base import Floats
from libelle.decision import GuaranteeStatus
from libelle.errors import DataError, UsageError
from libelle.evaluation import Ints
from libelle.training.anchors import anchored_sequence
from libelle.training.plan import plan_start

Flags = NDArray[np.bool_]
Prior = tuple[Floats, Flags]

REACHABLE_STEP, MAX_REACHABLE_ERROR = 0.001, 0.5
WANTED_POWER = 0.8


@dataclass(frozen=True)
class CertifiedThreshold:
    """A threshold and what may be said of it; `to_dict` is what the manifest keeps.

    Attributes
    ----------
    target_error, delta : float
        Wanted share of errors among automatic answers, and the probability spent on this very
        statement.
    status : GuaranteeStatus
        Guaranteed, indicative, or none.
    threshold : float or None
        Lowest confidence coded automatically.
    rule : {"anchored", "planned", "out_of_fold"}
    n_texts : int
        Texts looked at, refused ones left out.
    n_automatic, n_errors : int
        Those at or above the threshold, and the wrong ones among them.
    bound : float or None
        What is proved: the target when the status is guaranteed.
    coverage : float
        Share of automatic texts among all, refused ones counted.
    data_digest : str
        Of the coded texts looked at.
    reachable_error : float or None
        Smallest target that would have passed on these texts, to the next tenth of a percent.
        Indicative: it is chosen after having looked.
    n_texts_needed : int or None
        About how many texts would be needed; None if it cannot be told.
    """

    target_error: float
    delta: float
    status: GuaranteeStatus
    threshold: float | None
    rule: str
    n_texts: int
    n_automatic: int
    n_errors: int
    bound: float | None
    coverage: float
    data_digest: str
    reachable_error: float | None = None
    n_texts_needed: int | None = None
    id: str = field(init=False, default="")

    def __post_init__(self) -> None:
        content = {name: value for name, value in asdict(self).items() if name != "id"}
        text = json.dumps(content, sort_keys=True)
        object.__setattr__(self, "id", hashlib.sha256(text.encode()).hexdigest()[:12])

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, one for each attribute."""
        return {**asdict(self), "status": str(self.status)}


@dataclass(frozen=True)
class _Steps:
    """Thresholds from the highest down, with the texts at or above each and the wrong ones."""

    thresholds: Floats
    n_texts: Ints
    n_errors: Ints


# Takes confidences, wrong, target error and delta; gives the steps and the place of the last one
# that is proved, -1 if none is.
Search = Callable[[Floats, Flags, float, float], tuple[_Steps, int]]


def certify_threshold(
    confidences: Floats,
    wrong: Flags,
    *,
    target_error: float,
    delta: float,
    n_refused: int = 0,
    data_digest: str = "",
    rule: str = "anchored",
    prior: Prior | None = None,
) -> CertifiedThreshold:
    """Name the lowest threshold above which the error is proved to be at most the target.

    Parameters
    ----------
    confidences : ndarray of float, shape (n_texts,)
        Rounded to 1e-6; one text for each `split_key`, refused texts left out.
    wrong : ndarray of bool, shape (n_texts,)
        Whether the likeliest code is not the true one.
    target_error, delta : float
        In (0, 1). With several statements on the same texts, `delta` is a share of the whole; see
        `share_delta`.
    n_refused : int
        Texts left out of `confidences` because they are never automatic.
    data_digest : str
    rule : {"anchored", "planned"}
        See `libelle.training.anchors` and `libelle.training.plan`, where each is proved.
    prior : (confidences, wrong) or None
        For the planned rule: out-of-fold scores, of texts that are not certify texts.

    Returns
    -------
    CertifiedThreshold
        Guaranteed, or of status none with what would have been possible.

    Raises
    ------
    UsageError
        If target, delta or rule is not one.
    DataError
        If there is no text, or a confidence is not a number.
    """
    search = _choose_rule(rule, prior)
    statement = _state(search, confidences, wrong, target_error, delta, n_refused)
    found = statement["threshold"] is not None
    return CertifiedThreshold(
        **statement,
        status=GuaranteeStatus.GUARANTEED if found else GuaranteeStatus.NONE,
        rule=rule,
        bound=target_error if found else None,
        data_digest=data_digest,
        **({} if found else _prospects(search, confidences, wrong, target_error, delta)),
    )


def find_threshold(
    confidences: Floats,
    wrong: Flags,
    *,
    target_error: float,
    delta: float,
    rule: str = "anchored",
    prior: Prior | None = None,
) -> float | None:
    """Return the threshold of `certify_threshold` alone, and None where there is none."""
    search = _choose_rule(rule, prior)
    threshold: float | None = _state(search, confidences, wrong, target_error, delta, 0)[
        "threshold"
    ]
    return threshold


def indicative_threshold(
    confidences: Floats,
    wrong: Flags,
    *,
    target_error: float,
    delta: float,
    n_refused: int = 0,
    data_digest: str = "",
) -> CertifiedThreshold:
    """Name a threshold from out-of-fold scores: likely to keep the target, proved by nothing.

    The model that serves is not the ones that gave these scores, and its calibration saw them.
    Parameters and errors are those of `certify_threshold`, the rule is the anchored one.
    """
    statement = _state(_anchored, confidences, wrong, target_error, delta, n_refused)
    found = statement["threshold"] is not None
    return CertifiedThreshold(
        **statement,
        status=GuaranteeStatus.INDICATIVE if found else GuaranteeStatus.NONE,
        rule="out_of_fold",
        bound=None,
        data_digest=data_digest,
        **_prospects(_anchored, confidences, wrong, target_error, delta),
    )


def share_delta(delta: float, n_statements: int) -> float:
    """Return the part of δ that each of several statements on the same texts may spend."""
    check_delta(delta)
    if n_statements < 1:
        raise UsageError(f"{n_statements} statements cannot share delta: declare at least one.")
    return delta / n_statements


def _state(
    search: Search,
    confidences: Floats,
    wrong: Flags,
    target_error: float,
    delta: float,
    n_refused: int,
) -> dict[str, Any]:
    """Return what a search finds, for the attributes of the same names."""
    check_target_error(target_error)
    check_delta(delta)
    _check_scores(confidences, wrong)
    steps, place = search(confidences, wrong, target_error, delta)
    found = place >= 0
    n_automatic = int(steps.n_texts[place]) if found else 0
    return {
        "target_error": target_error,
        "delta": delta,
        "threshold": float(steps.thresholds[place]) if found else None,
        "n_texts": len(confidences),
        "n_automatic": n_automatic,
        "n_errors": int(steps.n_errors[place]) if found else 0,
        "coverage": n_automatic / (len(confidences) + n_refused),
    }


def _prospects(
    search: Search, confidences: Floats, wrong: Flags, target_error: float, delta: float
) -> dict[str, Any]:
    """Return what would have been possible, for the attributes of the same names."""
    return {
        "reachable_error": _reachable_error(search, confidences, wrong, delta),
        "n_texts_needed": _n_texts_needed(confidences, wrong, target_error, delta),
    }


def _choose_rule(rule: str, prior: Prior | None) -> Search:
    if rule == "anchored":
        return _anchored
    if rule != "planned":
        raise UsageError(f"{rule!r} is no rule of certification. Choose anchored or planned.")
    if prior is None:
        raise UsageError("The planned rule needs out-of-fold scores. Use the anchored rule.")
    return _make_planned(*prior)


def _make_planned(prior_confidences: Floats, prior_wrong: Flags) -> Search:
    _check_scores(prior_confidences, prior_wrong)

    def planned(
        confidences: Floats, wrong: Flags, target_error: float, delta: float
    ) -> tuple[_Steps, int]:
        start = plan_start(
            np.asarray(prior_confidences, dtype=np.float64),
            np.asarray(prior_wrong, dtype=np.bool_),
            n_texts=len(confidences),
            target_error=target_error,
            delta=delta,
        )
        below = np.unique(confidences)[::-1]
        thresholds = [] if start is None else [start, *below[below < start]]
        steps = _count_above(confidences, wrong, np.array(thresholds))
        return steps, _last_of_first_run(_p_values(steps, target_error) <= delta)

    return planned


def _anchored(
    confidences: Floats, wrong: Flags, target_error: float, delta: float
) -> tuple[_Steps, int]:
    ends = _group_ends(confidences)
    ranks, n_allowed, anchors, n_allowed_at = anchored_sequence(
        ends, target_error=target_error, delta=delta
    )
    steps = _count_above(confidences, wrong, np.sort(confidences)[::-1][ranks - 1])
    passed = steps.n_errors <= n_allowed
    at_anchors = np.searchsorted(ranks, anchors)
    passing = at_anchors[steps.n_errors[at_anchors] <= n_allowed_at]
    passed[: passing.max(initial=-1) + 1] = True
    return steps, _last_of_first_run(passed)


def _count_above(confidences: Floats, wrong: Flags, thresholds: Floats) -> _Steps:
    order = np.argsort(confidences, kind="stable")
    n_below = np.searchsorted(confidences[order], thresholds, side="left")
    errors_below = np.concatenate([[0], np.cumsum(wrong[order])])
    n_texts = len(confidences) - n_below
    return _Steps(thresholds, n_texts, errors_below[-1] - errors_below[n_below])


def _p_values(steps: _Steps, target_error: float) -> Floats:
    """Return the p-value of each step; 1 where no text stands."""
    values: Floats = np.ones(len(steps.n_texts))
    some = steps.n_texts > 0
    if some.any():
        values[some] = p_value(steps.n_errors[some], steps.n_texts[some], target_error=target_error)
    return values


def _last_of_first_run(passed: Flags) -> int:
    """Return the last place before the first failure, -1 if the first place fails."""
    failed = np.flatnonzero(~passed)
    return int(failed[0]) - 1 if len(failed) else len(passed) - 1


def _group_ends(confidences: Floats) -> Ints:
    """Return the ranks, from the highest confidence, at which the next text is less sure."""
    _, counts = np.unique(-confidences, return_counts=True)
    ends: Ints = np.cumsum(counts)
    return ends


def _reachable_error(
    search: Search, confidences: Floats, wrong: Flags, delta: float
) -> float | None:
    """Return the smallest target, in tenths of a percent, that finds a threshold."""
    ends, n_errors = _errors_by_rank(confidences, wrong)
    # No rule does better than the best rank, chosen after having looked.
    low = int(error_rate_bound(n_errors, ends, delta=delta).min() / REACHABLE_STEP)
    high = round(MAX_REACHABLE_ERROR / REACHABLE_STEP)
    if low >= high or search(confidences, wrong, high * REACHABLE_STEP, delta)[1] < 0:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if search(confidences, wrong, middle * REACHABLE_STEP, delta)[1] >= 0:
            high = middle
        else:
            low = middle
    return round(high * REACHABLE_STEP, 6)


def _n_texts_needed(
    confidences: Floats, wrong: Flags, target_error: float, delta: float
) -> int | None:
    """Return how many texts would prove, four times in five, the most provable rate seen here."""
    ends, n_errors = _errors_by_rank(confidences, wrong)
    # Half an error in one more text: a handful of right answers is no rate of zero.
    rates = (n_errors + 0.5) / (ends + 1)
    better = rates < target_error
    least = least_n_texts(target_error=target_error, delta=delta)
    if not better.any():
        return least if len(confidences) < least else None
    rates, shares = rates[better], ends[better] / len(confidences)
    spread = ndtri(1 - delta) * math.sqrt(target_error * (1 - target_error))
    spread = spread + ndtri(WANTED_POWER) * np.sqrt(rates * (1 - rates))
    automatic = np.maximum(least, (spread / (target_error - rates)) ** 2)
    # When so many texts were not enough, a quarter more is the least to hope from.
    needed = max(float((automatic / shares).min()), 1.25 * len(confidences))
    unit = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return int(math.ceil(needed / unit) * unit)


def _errors_by_rank(confidences: Floats, wrong: Flags) -> tuple[Ints, Ints]:
    """Return the ranks that end a group of ties, and the errors up to each."""
    ends = _group_ends(confidences)
    ranked = wrong[np.argsort(-confidences, kind="stable")].astype(np.int64)
    n_errors: Ints = ranked.cumsum()[ends - 1]
    return ends, n_errors


def _check_scores(confidences: Floats, wrong: Flags) -> None:
    if len(confidences) != len(wrong):
        raise DataError(
            f"{len(confidences)} confidences for {len(wrong)} answers: give one for each text."
        )
    if len(confidences) == 0:
        raise DataError("No text was looked at: nothing can be certified. Give coded texts.")
    if not np.isfinite(confidences).all():
        raise DataError("A confidence is not a number: score the texts again.")
