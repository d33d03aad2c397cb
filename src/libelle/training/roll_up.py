"""Roll-up: what may be promised of the codes above, among the texts whose own code is in doubt.

These texts are the hard ones: a threshold proved over all texts says nothing of them. They are
certified as what they are, by one statement for all levels: the text gets the deepest code above
whose confidence reaches the threshold.

A text may be rolled up when its own confidence is under a *cut*, which is fixed beforehand and is
at most the threshold of the codes. For each threshold τ, H_τ says that the error among the texts
rolled up exceeds the target. From a *start*, thresholds of a fixed ladder are taken from the
highest down; H_τ is rejected when as few errors as those seen have a p-value of at most δ; the
first one that is not rejected ends the sequence, the last one rejected is the threshold. Several
pairs of a cut and a start share δ; of those whose cut is at most the threshold of the codes, the
one that rolls up most texts is kept.

Proof. Cuts, starts and the ladder do not depend on the certify texts. Given how many of these are
rolled up at τ, their errors are independent draws of the error at τ. Let τ1 be the first threshold
of a sequence whose H is true: a wrong threshold of that sequence lies at τ1 or under, so H_τ1 was
rejected, which has a probability of at most the share of δ of that pair. All pairs hold together
with probability 1 - δ at least, so that one may be chosen afterwards. A cut above the threshold of
the codes is never kept, since it would hold texts that are coded automatically. Nothing is supposed
of the shape of the error curve.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from libelle.bounds import p_value
from libelle.classifiers.base import Floats
from libelle.decision import GuaranteeStatus
from libelle.training.guarantee import CertifiedThreshold

Flags = NDArray[np.bool_]

# From 0.9995 down to 0.2, closer and closer to one another near the top.
LADDER: Floats = np.round(1 - np.geomspace(0.0005, 0.8, 160), 6)
EVERY_TEXT = 2.0  # A cut that no confidence reaches.
# The threshold of the codes will stand between the loosest one out of fold and a safer one.
CUT_FACTORS = (1.0, 0.7)
N_SIMULATED, SEED = 200, 0
PRESUMED_MORE_ERRORS = (0.0, 0.5, 1.0)  # Certify texts may be harder than those of out of fold.
LEAST_PRIOR_TEXTS = 50


@dataclass(frozen=True, eq=False)
class Above:
    """What stands above the likeliest codes of texts.

    Attributes
    ----------
    codes_confidences : ndarray, shape (n_texts,)
        Confidence in the code itself.
    confidences : ndarray, shape (n_texts, n_levels)
        Confidence in the likeliest code of each level, the deepest first.
    wrong : ndarray of bool, shape (n_texts, n_levels)
    """

    codes_confidences: Floats
    confidences: Floats
    wrong: Flags

    def rolled_up(self, cut: float, threshold: float) -> tuple[Flags, Flags]:
        """Return which texts are rolled up, and which of them wrongly."""
        sure = self.confidences >= threshold
        rolled = (self.codes_confidences < cut) & sure.any(axis=1)
        deepest = sure.argmax(axis=1)
        wrong: Flags = rolled & self.wrong[np.arange(len(deepest)), deepest]
        return rolled, wrong


@dataclass(frozen=True)
class RollUpPlan:
    """What is fixed before any certify text is looked at.

    Attributes
    ----------
    pairs : tuple of (float, float)
        A cut, under which a text's own confidence must be for it to be rolled up, and the threshold
        of the ladder at which its tests start.
    """

    pairs: tuple[tuple[float, float], ...]

    @classmethod
    def from_out_of_fold(
        cls, above: Above, wrong: Flags, *, n_texts: int, target_error: float, delta: float
    ) -> "RollUpPlan | None":
        """Make a plan from out-of-fold answers; None if they let nothing be hoped.

        Parameters
        ----------
        above : Above
        wrong : ndarray of bool, shape (n_prior,)
            Whether the likeliest code itself is wrong.
        n_texts : int
            How many certify texts there are.
        target_error, delta : float
        """
        cuts = {
            _loosest(above.codes_confidences, wrong, factor * target_error)
            for factor in CUT_FACTORS
        }
        pairs = []
        for cut in sorted(cuts):
            start = _best_start(above, cut, n_texts, target_error, delta / len(cuts))
            if start is not None:
                pairs.append((cut, start))
        return cls(tuple(pairs)) if pairs else None

    @classmethod
    def from_list(cls, pairs: Sequence[Sequence[float]]) -> Self:
        """Read a plan from a manifest."""
        return cls(tuple((float(cut), float(start)) for cut, start in pairs))


def certify_roll_up(
    above: Above,
    plan: RollUpPlan,
    *,
    codes_threshold: float | None,
    target_error: float,
    delta: float,
    n_refused: int = 0,
    data_digest: str = "",
) -> dict[str, Any]:
    """Name the lowest threshold at which texts in doubt may be rolled up.

    Parameters
    ----------
    above : Above
        Of certify texts, one for each `split_key`, refused texts left out.
    plan : RollUpPlan
    codes_threshold : float or None
        The threshold of the codes for the same target; None if nothing is automatic.
    target_error, delta : float
    n_refused : int
    data_digest : str

    Returns
    -------
    dict
        The threshold as the manifest keeps it, its `cut`, and the `plan`; `coverage` is the share
        of the texts rolled up among all.
    """
    part = delta / len(plan.pairs)
    usable = [
        (cut, threshold)
        for cut, start in plan.pairs
        if codes_threshold is None or cut <= codes_threshold
        if (threshold := _find(above, cut, start, target_error, part)) is not None
    ]
    cut, threshold = max(
        usable, key=lambda pair: int(above.rolled_up(*pair)[0].sum()), default=(0.0, None)
    )
    rolled, wrong = above.rolled_up(cut, EVERY_TEXT if threshold is None else threshold)
    found = CertifiedThreshold(
        target_error=target_error,
        delta=delta,
        status=GuaranteeStatus.NONE if threshold is None else GuaranteeStatus.GUARANTEED,
        threshold=threshold,
        rule="roll_up",
        n_texts=len(rolled),
        n_automatic=int(rolled.sum()),
        n_errors=int(wrong.sum()),
        bound=None if threshold is None else target_error,
        coverage=int(rolled.sum()) / (len(rolled) + n_refused),
        data_digest=data_digest,
    )
    return {**found.to_dict(), "cut": cut, "plan": [list(pair) for pair in plan.pairs]}


def _find(
    above: Above, cut: float, start: float, target_error: float, delta: float
) -> float | None:
    """Return the lowest threshold that one sequence proves."""
    last = None
    for threshold in LADDER[LADDER <= start].tolist():
        rolled, wrong = above.rolled_up(cut, threshold)
        n_texts, n_errors = int(rolled.sum()), int(wrong.sum())
        if n_texts == 0 or p_value(n_errors, n_texts, target_error=target_error) > delta:
            break
        last = threshold
    return last


def _loosest(confidences: Floats, wrong: Flags, target_error: float) -> float:
    """Return the lowest confidence above which the error seen is at most the target."""
    order = np.argsort(-confidences, kind="stable")
    rates = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    within = np.flatnonzero(rates <= target_error)
    return float(confidences[order][within[-1]]) if len(within) else EVERY_TEXT


def _best_start(
    above: Above, cut: float, n_texts: int, target_error: float, delta: float
) -> float | None:
    """Return the start from which simulated certify texts are rolled up most."""
    if (above.codes_confidences < cut).sum() < LEAST_PRIOR_TEXTS:
        return None
    steps = [above.rolled_up(cut, threshold) for threshold in LADDER.tolist()]
    rolled, wrong = (np.array(flags, dtype=np.float64) for flags in zip(*steps, strict=True))
    n_prior = rolled.shape[1]
    draws = np.random.default_rng(SEED).multinomial(
        n_texts, np.full(n_prior, 1 / n_prior), size=N_SIMULATED
    )
    counts, errors = (np.rint(draws @ flags.T).astype(np.int64) for flags in (rolled, wrong))
    means = np.zeros(len(LADDER))
    for more in PRESUMED_MORE_ERRORS:
        values = p_value(
            np.minimum(counts, np.rint(errors * (1 + more)).astype(np.int64)),
            np.maximum(counts, 1),
            target_error=target_error,
        )
        means += _mean_reached((counts > 0) & (values <= delta), counts)
    best = int(means.argmax())
    return float(LADDER[best]) if means[best] > 0 else None


def _mean_reached(passed: Flags, counts: NDArray[np.int64]) -> Floats:
    """Return how many texts are rolled up on average by a sequence that starts at each step."""
    reached, means = np.zeros(len(passed)), np.zeros(passed.shape[1])
    for place in range(passed.shape[1])[::-1]:
        reached = np.where(passed[:, place], np.maximum(reached, counts[:, place]), 0.0)
        means[place] = reached.mean()
    return means
