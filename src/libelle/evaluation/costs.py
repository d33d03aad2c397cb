"""Costs: what each threshold costs, when a manual coding and an error have a price."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats
from libelle.errors import UsageError
from libelle.evaluation.coverage import cut_points, spread


@dataclass(frozen=True, eq=False)
class CostCurve:
    """Mean cost of a text at each threshold: an exploration, which proves nothing.

    Attributes
    ----------
    thresholds, coverages, errors, costs : ndarray of float64, shape (n_points,)
        From nothing automatic (threshold infinite, error 0) to everything that is not refused.
    cost_review, cost_error : float
        Of a manual coding, of a wrong automatic code; in the same unit.
    """

    thresholds: Floats
    coverages: Floats
    errors: Floats
    costs: Floats
    cost_review: float
    cost_error: float

    @property
    def best(self) -> int:
        """The place of the least cost; the highest threshold on a tie."""
        return int(np.argmin(self.costs))

    @property
    def recommended_target_error(self) -> float | None:
        """Share of errors at the least cost, None when coding all by hand costs less."""
        return float(self.errors[self.best]) if self.best else None

    def rows(self, *, n_points: int = 100) -> list[dict[str, Any]]:
        """Return points spread over the curve, the cheapest among them; see `row`."""
        places = sorted({*spread(len(self.costs), n_points), self.best})
        return [self.row(place) for place in places]

    def table(self) -> list[dict[str, Any]]:
        """Return the last point of each tenth of coverage."""
        places = np.searchsorted(self.coverages, np.arange(1, 11) / 10, side="right") - 1
        return [self.row(int(place)) for place in np.unique(places[places > 0])]

    def row(self, place: int) -> dict[str, Any]:
        """Return one point; the threshold is None where nothing is automatic."""
        threshold = float(self.thresholds[place])
        return {
            "threshold": threshold if math.isfinite(threshold) else None,
            "coverage": float(self.coverages[place]),
            "error": float(self.errors[place]),
            "cost": float(self.costs[place]),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as JSON takes it."""
        return {
            "cost_review": self.cost_review,
            "cost_error": self.cost_error,
            "recommended_target_error": self.recommended_target_error,
            "best": self.row(self.best),
            "all_by_hand": self.row(0),
            "table": self.table(),
            "curve": self.rows(),
        }


def cost_curve(
    confidences: Floats,
    wrong: NDArray[np.bool_],
    *,
    cost_review: float,
    cost_error: float,
    n_refused: int = 0,
) -> CostCurve:
    """Compute the mean cost of a text at every threshold.

    A text below the threshold, or refused, costs a manual coding, which is taken to be right; a
    text above costs an error when its code is wrong, nothing otherwise. What is cheapest on these
    texts proves nothing: declare the target it suggests, then certify it on other texts.

    Parameters
    ----------
    confidences : ndarray of float64, shape (n_texts,)
        Of texts that are not refused; out-of-fold when the choice is made at training.
    wrong : ndarray of bool, shape (n_texts,)
    cost_review, cost_error : float
        In the same unit, above 0.
    n_refused : int
        Texts refused, which cost a manual coding at any threshold.

    Raises
    ------
    UsageError
        If a cost is not a number above 0, or if there is no text.
    """
    _refuse_odd_costs(cost_review, cost_error)
    n_texts = len(confidences) + n_refused
    if n_texts == 0:
        raise UsageError("A cost curve needs at least one coded text. Give coded texts.")
    thresholds, n_automatic, n_errors = cut_points(confidences, wrong)
    above, errors = np.append(0, n_automatic), np.append(0, n_errors)
    return CostCurve(
        thresholds=np.append(np.inf, thresholds),
        coverages=above / n_texts,
        errors=errors / above.clip(min=1),
        costs=(cost_review * (n_texts - above) + cost_error * errors) / n_texts,
        cost_review=cost_review,
        cost_error=cost_error,
    )


def _refuse_odd_costs(*costs: float) -> None:
    if not all(math.isfinite(cost) and cost > 0 for cost in costs):
        raise UsageError(
            "The cost of a manual coding and the cost of an error are numbers above 0, in the same "
            "unit: --cost-review 0.5 --cost-error 8."
        )
