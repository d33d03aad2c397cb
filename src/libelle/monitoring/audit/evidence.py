"""Evidence: whether a promised error rate holds, a verdict that may be read after every text.

Of a population of N texts, R is the share whose code is wrong; α is the target error. Texts are
judged one by one, in the order of `sampling`: given the past, text i comes next with a probability
p_i proportional to its rate among the texts left. It has the weight w = 1 / (N p_i), and e is 1 if
its code is wrong, 0 otherwise. Evidence against the promise, and for it, is

    E = mean over λ of Π (1 + λ (w e - a)),        E' = mean over λ of Π (1 + λ (a - w e)),

where a = α - (wrong texts found before) / N. The promise is broken when E ≥ 1/δ, and holds when
E' ≥ 1/δ, at whatever moment one looks and for whatever reason one stops.

Proof. Given the past, the mean of w e is the sum over the texts left of p_i e_i / (N p_i): the
number of wrong ones left, over N; that is R - (wrong texts found before) / N. If R ≤ α this is at
most a, so each factor of E has a mean of at most 1. Factors are not negative: w e ≥ 0, a ≤ α, and
each λ is less than 1 / α. Each product, and their mean, is then a nonnegative supermartingale that
starts from 1: by Ville's inequality it ever reaches 1/δ with probability at most δ. If R ≥ α the
same holds of E', whose factors are not negative as w is at most W = 1 / (N · least rate): rates sum
to one over the population, hence to at most one over the texts left; each λ is less than 1 / W, and
a ≥ 0 as long as wrong texts found are at most α N. Once they are more, R > α is certain: E is
infinite and E' is zero. When even with all texts left wrong there could not be α N, R < α is
certain: the reverse. What e is of a text does not matter to the proof, nor do texts depend on one
another: chance lies in the draw only.

A text that nobody can judge counts as right in E and as wrong in E': the promise is broken, or
holds, whatever such texts are. They may not be left aside after they were seen.

References
----------
Ville (1939), Étude critique de la notion de collectif. Waudby-Smith and Ramdas (2024), Estimating
means of bounded random variables by betting, JRSS B 86(1). Waudby-Smith, Stark and Ramdas (2021),
RiLACS: risk limiting audits via confidence sequences, E-Vote-ID.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from libelle.monitoring.audit.population import Floats

N_BETS = 12
LEAST_BET, LARGEST_SHARE = 0.1, 0.95
MOST_EVIDENCE = 1e12  # More is beyond doubt, and JSON has no infinity.
RATES = np.array([*(n / 400 for n in range(80)), *(n / 100 for n in range(20, 101))])

Flags = NDArray[np.bool_]


class Status(StrEnum):
    """What an audit says of a promise."""

    HOLDS = "holds"
    IN_DOUBT = "in_doubt"
    BROKEN = "broken"


@dataclass(frozen=True, eq=False)
class Judged:
    """Texts judged, in the order in which they were drawn.

    Attributes
    ----------
    rates : ndarray, shape (n_judged,)
    wrong, undecided : ndarray of bool, shape (n_judged,)
        Whether the code is wrong; whether nobody can tell, in which case `wrong` is False.
    n_population : int
    least_rate : float
        Of the population.
    """

    rates: Floats
    wrong: Flags
    undecided: Flags
    n_population: int
    least_rate: float

    @property
    def weights(self) -> Floats:
        """Return the weight w of each text: known before the text is looked at."""
        left = 1 - (self.rates.cumsum() - self.rates)
        # Rounding may take from the last texts a little of what is left to them.
        weights: Floats = np.maximum(left, self.rates) / (self.n_population * self.rates)
        return weights

    @property
    def largest_weight(self) -> float:
        """Return W, which no weight exceeds."""
        return 1 / (max(1, self.n_population) * self.least_rate)


def evidence_against(judged: Judged, target_error: float) -> Floats:
    """Return E after each text, of the promise that at most `target_error` of them are wrong."""
    return _mean_of_bets(capital_against(judged, target_error))


def evidence_for(judged: Judged, target_error: float) -> Floats:
    """Return E' after each text: evidence for the same promise."""
    return _mean_of_bets(capital_for(judged, target_error))


def read_status(against: Floats, favour: Floats, *, delta: float) -> Status:
    """Return what the largest evidence seen so far says."""
    if against.max(initial=0) >= 1 / delta:
        return Status.BROKEN
    return Status.HOLDS if favour.max(initial=0) >= 1 / delta else Status.IN_DOUBT


def error_rate_interval(judged: Judged, *, delta: float) -> tuple[float, float]:
    """Return an interval of the error rate that may be read after every text.

    It holds the rates against which there never was evidence: at all moments together, with
    probability 1 - δ, it contains the true one. Texts that nobody can judge widen it.
    """
    if not len(judged.rates):
        return 0.0, 1.0
    inside, limit = RATES[1:-1].tolist(), 2 / delta
    not_above = [evidence_against(judged, rate).max() < limit for rate in inside]
    not_below = [evidence_for(judged, rate).max() < limit for rate in inside]
    # The true rate may lie between two points of the grid: the interval errs by being wide.
    first, last = [*not_above, True].index(True), [*not_below[::-1], True].index(True)
    return float(RATES[first]), float(RATES[len(RATES) - 1 - last])


def bets_against(target_error: float) -> Floats:
    """Return the λ of E."""
    return np.geomspace(LEAST_BET, LARGEST_SHARE / target_error, N_BETS)


def bets_for(largest_weight: float) -> Floats:
    """Return the λ of E'."""
    return np.geomspace(LEAST_BET, LARGEST_SHARE, N_BETS) / largest_weight


def capital_against(judged: Judged, target_error: float) -> Floats:
    """Return the logarithm of each product of E after each text, shape (n_judged, n_bets)."""
    wrong = judged.wrong.astype(np.float64)
    gains = judged.weights * wrong - _allowed(judged, wrong, target_error)
    capital = np.log1p(gains[:, None] * bets_against(target_error)).cumsum(axis=0)
    proved = wrong.cumsum() > target_error * judged.n_population
    capital[proved] = np.inf
    return capital


def capital_for(judged: Judged, target_error: float) -> Floats:
    """Return the logarithm of each product of E' after each text, shape (n_judged, n_bets)."""
    wrong = (judged.wrong | judged.undecided).astype(np.float64)
    gains = _allowed(judged, wrong, target_error) - judged.weights * wrong
    found, limit = wrong.cumsum(), target_error * judged.n_population
    with np.errstate(divide="ignore"):  # Where R > α is certain, the product is zero.
        factors = np.maximum(gains[:, None] * bets_for(judged.largest_weight), -1.0)
        capital: Floats = np.log1p(factors).cumsum(axis=0)
    capital[found > limit] = -np.inf
    left = judged.n_population - np.arange(1, len(wrong) + 1)
    capital[found + left < limit] = np.inf
    return capital


def _allowed(judged: Judged, wrong: Floats, target_error: float) -> Floats:
    """Return a, before each text."""
    found_before = wrong.cumsum() - wrong
    allowed: Floats = target_error - found_before / judged.n_population
    return allowed


def _mean_of_bets(capital: Floats) -> Floats:
    bounded = np.minimum(capital, np.log(MOST_EVIDENCE))
    means: Floats = np.minimum(np.exp(bounded).mean(axis=-1), MOST_EVIDENCE)
    return means
