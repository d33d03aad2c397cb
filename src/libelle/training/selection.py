"""Selection: one point of the space on its way through the folds, and which one wins."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from libelle.training.folds import FoldResult
from libelle.training.space import Specification


@dataclass
class Trial:
    """One point of the space on its way through the folds."""

    number: int
    suggested: Any
    specification: Specification
    results: list[FoldResult] = field(default_factory=list)
    state: str = "running"

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over the folds done."""
        return float(np.mean([getattr(result, metric) for result in self.results]))

    def describe(self) -> dict[str, Any]:
        """Return the trial as a run log takes it."""
        metrics = ("accuracy", "macro_f1", "log_loss")
        return {
            "number": self.number,
            "state": self.state,
            "parameters": self.specification.to_dict(),
            "metrics": {name: self.mean(name) for name in metrics} if self.results else {},
            "folds": [asdict(result) for result in self.results],
            "seconds": sum(result.seconds for result in self.results),
        }


def best_trial(trials: Sequence[Trial], metric: str) -> Trial | None:
    """Return the complete trial with the best mean, the earliest on a tie, if there is one."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return min(complete, key=lambda trial: _cost(trial, metric), default=None)


def contenders(trials: Sequence[Trial], metric: str) -> list[Trial]:
    """Return the complete trials that the folds cannot tell from the best one.

    Their mean difference with it, fold by fold, is at most one standard error of that difference.
    """
    best = best_trial(trials, metric)
    if best is None:
        return []
    complete = [trial for trial in trials if trial.state == "complete"]
    return [trial for trial in complete if _is_tied(trial, best, metric)]


def choose(trials: Sequence[Trial], metric: str) -> Trial | None:
    """Return the contender with the least log-loss.

    On small codes macro-F1 differs by chance more than by merit: what the folds cannot tell apart,
    the probabilities do, and they decide how much can be automated. The idea is that of the
    one-standard-error rule (Breiman, Friedman, Olshen and Stone, 1984, section 3.4.3).
    """
    return min(contenders(trials, metric), key=lambda trial: trial.mean("log_loss"), default=None)


def _cost(trial: Trial, metric: str) -> float:
    return trial.mean(metric) if metric == "log_loss" else -trial.mean(metric)


def _is_tied(trial: Trial, best: Trial, metric: str) -> bool:
    sign = -1.0 if metric == "log_loss" else 1.0
    pairs = zip(best.results, trial.results, strict=True)
    losses = np.array([sign * (getattr(b, metric) - getattr(t, metric)) for b, t in pairs])
    return bool(losses.mean() <= losses.std(ddof=1) / np.sqrt(len(losses)))
