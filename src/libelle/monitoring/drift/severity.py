"""Severity: which differences are real (Holm), and how large they are.

A difference is real when its p-value, adjusted by Holm's procedure over all that were compared, is
at most α: in a week where nothing changed, one or more is called real with probability at most α.
A real difference is low, medium or high by its size alone; under the least size it is none.

References
----------
Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Statistics 6(2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from libelle.monitoring.drift.comparisons import Comparison


class Severity(StrEnum):
    """How much something changed."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Return 0 for none, up to 3 for high."""
        return list(Severity).index(self)


# Least sizes of a low, a medium and a high difference.
SIZES: dict[str, tuple[float, float, float]] = {
    "confidence": (0.05, 0.10, 0.20),  # Distance between distributions.
    "length": (0.05, 0.10, 0.20),
    "unknown_words": (0.005, 0.02, 0.05),  # Shares.
    "codes": (0.03, 0.10, 0.20),  # Jensen-Shannon distance, chance taken out.
    "refusals": (0.01, 0.03, 0.10),
    "decisions": (0.03, 0.07, 0.15),
    "domain": (0.55, 0.65, 0.80),  # AUC.
}


@dataclass(frozen=True)
class Finding:
    """A comparison, and what is to be thought of it.

    Attributes
    ----------
    comparison : Comparison
    p_adjusted : float
        Of Holm's procedure over the family.
    severity : Severity
    """

    comparison: Comparison
    p_adjusted: float
    severity: Severity

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return {
            **vars(self.comparison),
            "p_adjusted": self.p_adjusted,
            "severity": self.severity.value,
            "sizes": list(SIZES[self.comparison.name]),
        }


def judge(comparisons: Sequence[Comparison], *, alpha: float) -> tuple[Finding, ...]:
    """Return what is to be thought of each comparison, in their order."""
    adjusted = holm([comparison.p_value for comparison in comparisons])
    return tuple(
        Finding(comparison, p_adjusted, _severity(comparison, p_adjusted, alpha))
        for comparison, p_adjusted in zip(comparisons, adjusted, strict=True)
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values: those at most α are rejected together at level α."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    result: list[float] = adjusted.tolist()
    return result


def _severity(comparison: Comparison, p_adjusted: float, alpha: float) -> Severity:
    if p_adjusted > alpha:
        return Severity.NONE
    n_reached = sum(comparison.size >= size for size in SIZES[comparison.name])
    return list(Severity)[n_reached]
