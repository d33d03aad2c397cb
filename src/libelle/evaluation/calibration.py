"""Calibration: whether a probability of 0.8 is right eight times out of ten."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats

N_CALIBRATION_BINS = 15


def expected_calibration_error(
    confidences: Floats, right: NDArray[np.bool_], *, n_bins: int = N_CALIBRATION_BINS
) -> float:
    """Return the mean distance between confidence and accuracy, over bins of equal mass.

    References
    ----------
    Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian
    binning, AAAI; with bins of equal mass.
    """
    bins = reliability(confidences, right, n_bins=n_bins)
    gaps = [bin_["n_texts"] * abs(bin_["confidence"] - bin_["accuracy"]) for bin_ in bins]
    return float(sum(gaps) / len(confidences))


def reliability(
    confidences: Floats, right: NDArray[np.bool_], *, n_bins: int = N_CALIBRATION_BINS
) -> list[dict[str, Any]]:
    """Return mean confidence, share of right answers and size of bins of equal mass."""
    order = np.argsort(confidences, kind="stable")
    return [
        {
            "confidence": float(confidences[rows].mean()),
            "accuracy": float(right[rows].mean()),
            "n_texts": len(rows),
        }
        for rows in np.array_split(order, min(n_bins, len(order)))
    ]


@dataclass(frozen=True, eq=False)
class ClassBins:
    """Probabilities of each code, summed by bins of equal width; parts add up.

    Attributes
    ----------
    probabilities, n_true : ndarray, shape (n_codes, n_bins)
        Sum of the probabilities that fall in the bin; how many of these texts have the code.
    n_texts : int
    """

    probabilities: NDArray[Any]
    n_true: NDArray[Any]
    n_texts: int

    @classmethod
    def total(cls, parts: Sequence[Self]) -> Self:
        """Add parts."""
        return cls(
            sum((part.probabilities for part in parts[1:]), parts[0].probabilities),
            sum((part.n_true for part in parts[1:]), parts[0].n_true),
            sum(part.n_texts for part in parts),
        )

    @property
    def error(self) -> float:
        """The classwise calibration error."""
        gaps = np.abs(self.probabilities - self.n_true).sum(axis=1) / self.n_texts
        return float(gaps.mean())


def bin_by_class(
    probabilities: Floats, targets: NDArray[np.int64], *, n_bins: int = N_CALIBRATION_BINS
) -> ClassBins:
    """Sum the probabilities of each code by bins of equal width."""
    n_texts, n_codes = probabilities.shape
    bins = np.minimum((probabilities * n_bins).astype(np.int64), n_bins - 1)
    places = bins + np.arange(n_codes) * n_bins
    size = n_codes * n_bins
    sums = np.bincount(places.ravel(), weights=probabilities.ravel(), minlength=size)
    known = np.flatnonzero(targets >= 0)
    of_truth = places[known, targets[known]]
    n_true = np.bincount(of_truth, weights=np.ones(len(known)), minlength=size)
    return ClassBins(sums.reshape(n_codes, -1), n_true.reshape(n_codes, -1), n_texts)


def classwise_calibration_error(
    probabilities: Floats, targets: NDArray[np.int64], *, n_bins: int = N_CALIBRATION_BINS
) -> float:
    """Return the calibration error of each code's probability, averaged over codes.

    The bins have equal width; `targets` holds columns, -1 for a code that has none.

    References
    ----------
    Kull, Perello-Nieto, Kängsepp, Silva Filho, Song and Flach (2019), Beyond temperature scaling,
    NeurIPS.
    """
    return bin_by_class(probabilities, targets, n_bins=n_bins).error
