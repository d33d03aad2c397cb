"""Rates: how often codes are wrong, estimated from texts drawn with known probabilities."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import betaincinv

from libelle.monitoring.audit.evidence import Flags, Judged
from libelle.monitoring.audit.population import Floats
from libelle.monitoring.audit.sampling import inclusion_probabilities


@dataclass(frozen=True)
class RateEstimate:
    """An error rate, and what is known of it.

    Attributes
    ----------
    horvitz_thompson : float or None
        Wrong texts, each counted for as many as it stands for, over all texts of the population; a
        text that nobody can judge is not counted as wrong. None when no text was judged.
    hajek : float or None
        The same over the texts that could be judged: steadier, biased by 1/n.
    low, high : float
        Interval of the rate for a number of texts fixed beforehand.
    interval : {"exact", "approximate"}
        Clopper and Pearson's when all probabilities are equal; otherwise theirs with the effective
        number of texts (Korn and Graubard).
    n_effective : float
        Texts of a draw with equal probabilities that would tell as much.

    References
    ----------
    Horvitz and Thompson (1952), JASA 47(260). Hájek (1971), comment in Foundations of statistical
    inference. Clopper and Pearson (1934), Biometrika 26(4). Korn and Graubard (1998), Confidence
    intervals for proportions with small expected number of positive counts, Survey Methodology
    24(2). Kish (1965), Survey sampling.
    """

    horvitz_thompson: float | None
    hajek: float | None
    low: float
    high: float
    interval: str
    n_effective: float

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as JSON values."""
        return asdict(self)


def estimate_rate(judged: Judged, ends_at: float, *, delta: float) -> RateEstimate:
    """Estimate the error rate of a population.

    Parameters
    ----------
    judged : Judged
    ends_at : float
        Time of the ring that comes next, infinite when all texts were drawn.
    delta : float
        Probability, at most, that the interval does not hold the rate: half on each side.
    """
    decided = ~judged.undecided
    probabilities = inclusion_probabilities(judged.rates, ends_at)[decided]
    wrong = judged.wrong[decided]
    equal = bool(np.ptp(judged.rates) <= 1e-9 * judged.rates.max()) if len(judged.rates) else True
    interval = "exact" if equal else "approximate"
    if not decided.any():
        return RateEstimate(None, None, 0.0, 1.0, interval, 0.0)
    stands_for = 1 / probabilities
    total = float(stands_for[wrong].sum())
    hajek = total / float(stands_for.sum())
    if (probabilities == 1).all():
        n_effective, low, high = float(len(wrong)), hajek, hajek
    else:
        n_effective = len(wrong) if equal else _effective(wrong, probabilities, hajek)
        low, high = _clopper_pearson(hajek * n_effective, n_effective, delta)
    return RateEstimate(total / judged.n_population, hajek, low, high, interval, float(n_effective))


def _effective(wrong: Flags, probabilities: Floats, rate: float) -> float:
    """Return how many texts drawn with equal probabilities would tell as much."""
    stands_for = 1 / probabilities
    by_weights = float(stands_for.sum() ** 2 / (stands_for**2).sum())
    if not 0 < rate < 1:
        return by_weights
    residuals = (wrong - rate) / probabilities
    variance = float(((1 - probabilities) * residuals**2).sum() / stands_for.sum() ** 2)
    return min(float(len(wrong)), rate * (1 - rate) / variance) if variance else by_weights


def _clopper_pearson(n_wrong: float, n_texts: float, delta: float) -> tuple[float, float]:
    """Return the interval for numbers that need not be whole."""
    n_right = n_texts - n_wrong
    low = betaincinv(n_wrong, n_right + 1, delta / 2) if n_wrong > 0 else 0.0
    high = betaincinv(n_wrong + 1, n_right, 1 - delta / 2) if n_right > 0 else 1.0
    return float(low), float(high)
