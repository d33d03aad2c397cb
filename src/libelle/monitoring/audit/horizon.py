"""Horizon: how many more texts would decide an audit, if errors stay as frequent as those seen."""

import numpy as np
from numpy.typing import NDArray

from libelle.monitoring.audit.evidence import (
    Flags,
    Judged,
    bets_against,
    bets_for,
    capital_against,
    capital_for,
)
from libelle.monitoring.audit.population import Floats

N_PATHS = 100
BLOCK_TEXTS = 250
MOST_TEXTS = 20_000
LEAST_JUDGED = 20


def n_texts_to_decide(
    judged: Judged, *, target_error: float, delta: float, seed: int
) -> int | None:
    """Return the median number of texts, after those judged, until a verdict.

    Texts to come are simulated as those judged, drawn again (bootstrap), and the audit goes on from
    the evidence that it has.

    Returns
    -------
    int or None
        0 when the verdict is there; None when fewer than 20 texts tell too little of the rate, or
        when in most simulations the texts left, or 20,000 of them, do not decide.
    """
    if len(judged.rates) < LEAST_JUDGED:
        return None
    against = capital_against(judged, target_error)
    favour = capital_for(judged, target_error)
    limit = 1 / delta
    if (
        max(np.exp(np.minimum(both, 700.0)).mean(axis=1).max() for both in (against, favour))
        >= limit
    ):
        return 0
    most = min(MOST_TEXTS, judged.n_population - len(judged.rates))
    generator = np.random.default_rng(seed)
    paths = _Paths(against[-1], favour[-1], judged, target_error)
    reached = np.full(N_PATHS, np.inf)
    for start in range(0, most, BLOCK_TEXTS):
        crossed, first = paths.go_on(min(BLOCK_TEXTS, most - start), limit, generator)
        reached = np.minimum(reached, np.where(crossed, start + first + 1, np.inf))
        if np.isfinite(reached).mean() > 0.5:
            return int(np.quantile(reached, 0.5, method="higher"))
    return None


class _Paths:
    """Audits that go on from the same evidence."""

    def __init__(
        self, against: Floats, favour: Floats, judged: Judged, target_error: float
    ) -> None:
        self._against = np.tile(against, (N_PATHS, 1))
        self._favour = np.tile(favour, (N_PATHS, 1))
        self._gains_against = judged.weights * judged.wrong - target_error
        counted = judged.wrong | judged.undecided
        self._gains_for = target_error - judged.weights * counted
        self._bets_against = bets_against(target_error)
        self._bets_for = bets_for(judged.largest_weight)

    def go_on(
        self, n_texts: int, limit: float, generator: np.random.Generator
    ) -> tuple[Flags, NDArray[np.int64]]:
        """Judge more texts on each path; return which reach a verdict, and after how many texts."""
        drawn = generator.integers(0, len(self._gains_for), (N_PATHS, n_texts))
        against = _grow(self._against, self._gains_against[drawn], self._bets_against)
        favour = _grow(self._favour, self._gains_for[drawn], self._bets_for)
        self._against, self._favour = against[:, -1], favour[:, -1]
        decided = np.maximum(_mean(against), _mean(favour)) >= limit
        return np.asarray(decided.any(axis=1)), decided.argmax(axis=1)


def _grow(capital: Floats, gains: Floats, bets: Floats) -> Floats:
    factors = np.maximum(1 + gains[:, :, None] * bets, 1e-300)
    grown: Floats = capital[:, None, :] + np.log(factors).cumsum(axis=1)
    return grown


def _mean(capital: Floats) -> Floats:
    means: Floats = np.exp(np.minimum(capital, 700.0)).mean(axis=-1)
    return means
