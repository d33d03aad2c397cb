"""History: what the replicas of a service showed lately, and what can be asked of it.

The questions are those of Prometheus, so that an alert means the same on both sides; but for one
thing: Prometheus stretches what it saw to the ends of the window, this does not. As there, what a
replica showed is no more once it does not answer.
"""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from libelle.monitoring.alerts.exposition import Series

KEPT_SECONDS = 3_700.0


@dataclass(frozen=True)
class Scrape:
    """What a replica showed at a time.

    Attributes
    ----------
    at : float
        Seconds since 1970.
    series : mapping of series to float
    """

    at: float
    series: Mapping[Series, float]


class History:
    """What each replica showed, for as long as alerts look back."""

    def __init__(self) -> None:
        self._replicas: dict[str, deque[Scrape]] = {}

    def add(self, replica: str, at: float, series: Mapping[Series, float]) -> None:
        """Add what a replica shows now."""
        self._replicas.setdefault(replica, deque()).append(Scrape(at, series))
        self._forget(at)

    def latest(self, name: str, at: float, **labels: str) -> list[float]:
        """Return the number of each series, of the replicas that answered at a time.

        Parameters
        ----------
        name : str
        at : float
            Seconds since 1970, as it was said to `add`.
        labels : str
            Regular expressions that the values of labels match as a whole.
        """
        found = []
        for scrapes in self._replicas.values():
            if scrapes[-1].at == at:
                last = scrapes[-1].series
                found += [last[one] for one in last if _matches(one, name, labels)]
        return found

    def increase(self, name: str, at: float, *, seconds: float, **labels: str) -> float:
        """Return by how much counters grew, all replicas together; a restart begins again at 0."""
        return sum(self._increases(name, at, seconds, labels).values())

    def quantile(
        self, name: str, share: float, at: float, *, seconds: float, **labels: str
    ) -> float | None:
        """Return a quantile of what a histogram counted, all replicas together.

        Returns
        -------
        float or None
            Interpolated within its bin; the last finite bound beyond it; None if nothing came.
        """
        bins: dict[float, float] = {}
        for (_, pairs), number in self._increases(f"{name}_bucket", at, seconds, labels).items():
            bound = float(dict(pairs)["le"])
            bins[bound] = bins.get(bound, 0.0) + number
        return _quantile(sorted(bins.items()), share)

    def _increases(
        self, name: str, at: float, seconds: float, labels: Mapping[str, str]
    ) -> dict[Series, float]:
        found: dict[Series, float] = {}
        for scrapes in self._replicas.values():
            window = [one.series for one in scrapes if at - seconds <= one.at <= at]
            named = {one for series in window[:1] + window[-1:] for one in series}
            for one in named:
                if _matches(one, name, labels):
                    numbers = [series.get(one, 0.0) for series in window]
                    grown = sum(_growth(*pair) for pair in pairwise(numbers))
                    found[one] = found.get(one, 0.0) + grown
        return found

    def _forget(self, now: float) -> None:
        for replica in list(self._replicas):
            scrapes = self._replicas[replica]
            while scrapes and now - scrapes[0].at > KEPT_SECONDS:
                scrapes.popleft()
            if any(one.at > now for one in scrapes):  # The clock was set back.
                scrapes = deque(one for one in scrapes if one.at <= now)
                self._replicas[replica] = scrapes
            if not scrapes:
                del self._replicas[replica]


def _growth(before: float, after: float) -> float:
    return after - before if after >= before else after


def _matches(series: Series, name: str, labels: Mapping[str, str]) -> bool:
    if series[0] != name:
        return False
    own = dict(series[1])
    return all(re.fullmatch(wanted, own.get(label, "")) for label, wanted in labels.items())


def _quantile(bins: list[tuple[float, float]], share: float) -> float | None:
    """Return where a cumulative histogram reaches a share of its total."""
    if not bins or not bins[-1][1] > 0:
        return None
    wanted = share * bins[-1][1]
    low, n_below = 0.0, 0.0
    for bound, n_until in bins:
        if n_until >= wanted:
            if bound == float("inf"):
                return low
            n_within = n_until - n_below
            return low + (bound - low) * ((wanted - n_below) / n_within if n_within else 1.0)
        low, n_below = bound, n_until
    return low
