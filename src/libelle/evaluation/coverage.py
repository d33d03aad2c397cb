"""Coverage: how many texts are coded automatically as the threshold moves, and how many wrongly."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats


def cut_points(
    confidences: Floats, wrong: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Return each distinct confidence from the highest, with the texts and errors at or above it.

    Texts of one confidence go in or out together.
    """
    order = np.argsort(-confidences, kind="stable")
    ranked = confidences[order]
    last = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True)[: len(ranked)])
    return ranked[last], last + 1, np.cumsum(wrong[order])[last].astype(np.int64)


def error_coverage_curve(
    confidences: Floats, wrong: NDArray[np.bool_], *, n_refused: int = 0, n_points: int = 200
) -> list[dict[str, Any]]:
    """Return coverage and error at thresholds spread over the curve, from the highest.

    Parameters
    ----------
    confidences : ndarray of float64, shape (n_texts,)
        Of texts that are not refused.
    wrong : ndarray of bool, shape (n_texts,)
        Whether the likeliest code is not the true one.
    n_refused : int
        Refused texts: they count in the coverage only.
    n_points : int
        Most points returned.
    """
    thresholds, n_automatic, n_errors = cut_points(confidences, wrong)
    n_texts = len(confidences) + n_refused
    return [
        {
            "threshold": float(thresholds[place]),
            "coverage": float(n_automatic[place] / n_texts),
            "error": float(n_errors[place] / n_automatic[place]),
        }
        for place in spread(len(thresholds), n_points)
    ]


def spread(n_items: int, n_kept: int) -> list[int]:
    """Return at most `n_kept` places among `n_items`, evenly apart, first and last among them."""
    places = np.linspace(0, n_items - 1, min(n_items, n_kept)).round().astype(np.int64)
    return [int(place) for place in np.unique(places)]
