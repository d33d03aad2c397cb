"""Bounds: exact binomial tails and their inverses, to certify and to audit."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, bdtri

from libelle.errors import DataError, UsageError

Counts = NDArray[np.int64]


def error_rate_bound(n_errors: ArrayLike, n_texts: ArrayLike, *, delta: float) -> Any:
    """Bound from above the error rate that lies behind observed errors.

    Parameters
    ----------
    n_errors : int or array of int
        Errors seen, from 0 to `n_texts`.
    n_texts : int or array of int
        Independent texts looked at.
    delta : float
        Probability, in (0, 1), that the true rate lies above the bound.

    Returns
    -------
    float or ndarray
        Upper bound of the error rate, in (0, 1], of the shape of the arguments.

    Raises
    ------
    DataError
        If no text was looked at, or the errors are not between 0 and the texts.
    UsageError
        If `delta` is not between 0 and 1.

    References
    ----------
    Clopper and Pearson (1934), The use of confidence or fiducial limits illustrated in the case of
    the binomial, Biometrika 26(4).
    """
    check_delta(delta)
    errors, texts = _counts(n_errors, n_texts)
    all_wrong = errors == texts
    # The tail has no root where every text is wrong: nothing below 1 is then excluded.
    bounds = np.where(all_wrong, 1.0, bdtri(np.where(all_wrong, 0, errors), texts, delta))
    return bounds if bounds.ndim else float(bounds)


def p_value(n_errors: ArrayLike, n_texts: ArrayLike, *, target_error: float) -> Any:
    """Return how likely as few errors are, if the true rate were the target.

    It is P(B ≤ `n_errors`) with B binomial of `n_texts` trials at `target_error`: at most δ of the
    draws from any larger rate have a value of at most δ.

    Parameters
    ----------
    n_errors : int or array of int
        Errors seen, from 0 to `n_texts`.
    n_texts : int or array of int
        Independent texts looked at.
    target_error : float
        In (0, 1).

    Returns
    -------
    float or ndarray
        In [0, 1], of the shape of the arguments.

    Raises
    ------
    DataError
        If no text was looked at, or the errors are not between 0 and the texts.
    UsageError
        If `target_error` is not between 0 and 1.
    """
    check_target_error(target_error)
    errors, texts = _counts(n_errors, n_texts)
    values = bdtr(errors.astype(np.float64), texts, target_error)
    return values if values.ndim else float(values)


def least_n_texts(*, target_error: float, delta: float) -> int:
    """Return the fewest texts, all right, that prove an error rate of at most the target.

    Raises
    ------
    UsageError
        If one of the two is not between 0 and 1.
    """
    check_target_error(target_error)
    check_delta(delta)
    least = max(1, math.ceil(math.log(delta) / math.log1p(-target_error) - 1e-9))
    return least if (1 - target_error) ** least <= delta else least + 1


def check_target_error(target_error: float) -> None:
    """Refuse a target that is not a share of errors strictly between 0 and 1."""
    if not 0 < target_error < 1:
        raise UsageError(
            f"The target error is {target_error}: it is a share strictly between 0 and 1. "
            "Write 0.05 for 5 %."
        )


def check_delta(delta: float) -> None:
    """Refuse a delta that is not a probability strictly between 0 and 1."""
    if not 0 < delta < 1:
        raise UsageError(
            f"Delta is {delta}: it is a probability strictly between 0 and 1. "
            "Write 0.05 for a confidence of 95 %."
        )


def _counts(n_errors: ArrayLike, n_texts: ArrayLike) -> tuple[Counts, Counts]:
    errors, texts = np.broadcast_arrays(
        np.asarray(n_errors, dtype=np.int64), np.asarray(n_texts, dtype=np.int64)
    )
    if (texts <= 0).any():
        raise DataError("No text was looked at: nothing can be said of the error rate. Give texts.")
    if ((errors < 0) | (errors > texts)).any():
        raise DataError("Errors are counted from 0 to the number of texts looked at. Check both.")
    return errors, texts
