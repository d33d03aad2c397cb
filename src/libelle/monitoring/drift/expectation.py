"""Expectation: how often the model is right today, foreseen without the truth; or not foreseen.

The reference knows, of each band of confidence, how many of its texts had the right code. If texts
of one confidence are right as often today as then, the accuracy of today is that of the bands,
weighed by the confidences of today. Nothing in the log can prove this; some things refute it, and
the figure is then marked as not valid. So is the mean confidence, all that is left to expect where
no reference knows the truth: confidences were calibrated once, and nothing tells what they are
worth today.

References
----------
Guo et al. (2017), On calibration of modern neural networks, ICML. Garg et al. (2022), Leveraging
unlabeled data to predict out-of-distribution performance, ICLR: no estimate can hold under every
change.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from libelle.monitoring.audit import AuditEstimate
from libelle.monitoring.drift.domain import Domain
from libelle.profile import Floats, Profile

LEAST_TEXTS = 100
LEAST_OF_BAND = 20
MOST_OUTSIDE = 0.05
MOST_AUC = 0.65
DELTA = 0.05
SURE = 0.01  # A refutation is looked for among several: each must be a sure one.


@dataclass(frozen=True)
class ExpectedAccuracy:
    """How often likeliest codes are expected to be right, among texts that are not refused.

    Attributes
    ----------
    accuracy, low, high : float or None
        With an interval at 95 % that holds if the method does.
    reference_accuracy : float or None
        As measured when the model was made.
    valid : bool
        Whether nothing refutes the method.
    why_not : tuple of str
        What does, or what is missing: `no_truth` (the reference holds none: confidences are taken
        at their word), `too_few_texts` (nothing is expected), `outside_support` (confidences that
        the reference hardly has), `other_texts` (texts of today are told apart from those of
        before), `contradicted` (audited texts say otherwise).
    """

    accuracy: float | None
    low: float | None
    high: float | None
    reference_accuracy: float | None
    valid: bool
    why_not: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the expectation as JSON values."""
        return {**asdict(self), "why_not": list(self.why_not)}


def expect_accuracy(
    reference: Profile,
    current: Profile,
    *,
    domain: Domain | None,
    audit: AuditEstimate | None,
) -> ExpectedAccuracy:
    """Foresee the accuracy of today, and say whether that may be believed.

    Parameters
    ----------
    reference : Profile
        With its truth, which that of a model has; an earlier period of the log has none.
    current : Profile
    domain : Domain or None
    audit : AuditEstimate or None
        Of the same model, on texts of the period.
    """
    if min(reference.n_answered, current.n_answered) < LEAST_TEXTS:
        return ExpectedAccuracy(None, None, None, None, False, ("too_few_texts",))
    missing: tuple[str, ...]
    if reference.right is None:
        accuracy, variance = _weigh_confidences(current.confidences)
        measured, missing = None, ("no_truth",)
    else:
        accuracy, variance = _weigh_bands(
            reference.confidences, reference.right, current.confidences
        )
        measured, missing = sum(reference.right) / reference.n_answered, ()
    margin = float(norm.isf(DELTA / 2) * np.sqrt(variance))
    low, high = max(0.0, accuracy - margin), min(1.0, accuracy + margin)
    why_not = missing + _refute(reference, current, low, high, domain, audit)
    return ExpectedAccuracy(accuracy, low, high, measured, not why_not, why_not)


def _weigh_confidences(today: Sequence[int]) -> tuple[float, float]:
    """Return the mean confidence, and the variance of the share that is right if it says true."""
    counts = np.array(today, dtype=np.float64)
    rates = (np.arange(len(counts)) + 0.5) / len(counts)
    n_texts = counts.sum()
    return float(counts @ rates / n_texts), float(counts @ (rates * (1 - rates)) / n_texts**2)


def _weigh_bands(
    before: Sequence[int], right_before: Sequence[int], today: Sequence[int]
) -> tuple[float, float]:
    """Return the accuracy of bands of the reference, as often as they come today; its variance."""
    counts, right, n_texts = _bands(before, right_before, today)
    shares = n_texts / n_texts.sum()
    accuracy = float(shares @ (right / counts))
    # Half a text more in each band: a band that is all right has not a variance of zero.
    smooth = (right + 0.5) / (counts + 1)
    of_reference = float((shares**2 * smooth * (1 - smooth) / counts).sum())
    return accuracy, of_reference + float(accuracy * (1 - accuracy) / n_texts.sum())


def _refute(
    reference: Profile,
    current: Profile,
    low: float,
    high: float,
    domain: Domain | None,
    audit: AuditEstimate | None,
) -> tuple[str, ...]:
    reasons = {
        "outside_support": _share_outside(reference, current) > MOST_OUTSIDE,
        "other_texts": domain is not None and domain.auc >= MOST_AUC and domain.p_value < SURE,
        "contradicted": audit is not None and _contradicts(audit, low, high),
    }
    return tuple(reason for reason, stands in reasons.items() if stands)


def _share_outside(reference: Profile, current: Profile) -> float:
    """Return the share of texts whose confidence hardly a text of the reference has."""
    before, today = (
        np.array(profile.confidences).reshape(-1, 10).sum(axis=1)
        for profile in (reference, current)
    )
    return float(today[before < LEAST_OF_BAND // 4].sum() / today.sum())


def _contradicts(audit: AuditEstimate, low: float, high: float) -> bool:
    """Tell whether the accuracy that audited texts allow lies all outside of what is expected."""
    arms = [arm for arm in (audit.automatic, audit.review) if arm.n_population]
    n_texts = sum(arm.n_population for arm in arms)
    if not n_texts or any(arm.error_rate.hajek is None for arm in arms):
        return False
    worst = sum(arm.n_population * arm.high for arm in arms) / n_texts
    best = sum(arm.n_population * arm.low for arm in arms) / n_texts
    return 1 - best < low or 1 - worst > high


def _bands(
    before: Sequence[int], right: Sequence[int], today: Sequence[int]
) -> tuple[Floats, Floats, Floats]:
    """Return counts by bands of confidence, each with at least 20 texts of the reference."""
    edges, n_texts = [0], 0
    for place, count in enumerate(before):
        n_texts += count
        if n_texts >= LEAST_OF_BAND:
            edges.append(place + 1)
            n_texts = 0
    starts = edges[:-1]  # What is left at the end joins the last band.
    counts, rights, todays = (
        np.add.reduceat(np.array(column, dtype=np.float64), starts)
        for column in (before, right, today)
    )
    return counts, rights, todays
