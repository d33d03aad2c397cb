"""Comparison: two models on the same texts, text by text."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri

DELTA = 0.05


def mcnemar_p_value(n_only_first: int, n_only_second: int) -> float:
    """Return the exact two-sided p-value of "both models are right as often".

    Parameters
    ----------
    n_only_first, n_only_second : int
        Independent texts that one model only gets right.

    References
    ----------
    McNemar (1947), Psychometrika 12(2), 153-157; in its exact binomial form.
    """
    n_different = n_only_first + n_only_second
    tail = bdtr(min(n_only_first, n_only_second), n_different, 0.5)
    return min(1.0, 2 * float(tail))


def compare_models(
    first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]
) -> dict[str, Any]:
    """Compare two models on the same independent texts.

    Returns
    -------
    dict
        The four counts of the paired table, `difference` of the accuracies (first minus second)
        with its approximate 95 % interval, and `p_value`, exact.

    References
    ----------
    Agresti and Min (2005), Simple improved confidence intervals for comparing matched proportions,
    Statistics in Medicine 24(5), 729-740.
    """
    n_only_first = int((first_right & ~second_right).sum())
    n_only_second = int((~first_right & second_right).sum())
    low, high = _difference_interval(n_only_first, n_only_second, len(first_right))
    return {
        "n_texts": len(first_right),
        "n_both": int((first_right & second_right).sum()),
        "n_only_first": n_only_first,
        "n_only_second": n_only_second,
        "n_neither": int((~first_right & ~second_right).sum()),
        "difference": (n_only_first - n_only_second) / len(first_right),
        "difference_interval": [low, high],
        "p_value": mcnemar_p_value(n_only_first, n_only_second),
    }


def _difference_interval(
    n_only_first: int, n_only_second: int, n_texts: int
) -> tuple[float, float]:
    """Add half a text to each of the four counts, then take the normal interval."""
    first, second, n = n_only_first + 0.5, n_only_second + 0.5, n_texts + 2
    middle = (first - second) / n
    half = float(ndtri(1 - DELTA / 2)) * math.sqrt(first + second - n * middle**2) / n
    return max(-1.0, middle - half), min(1.0, middle + half)
