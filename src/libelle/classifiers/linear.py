"""Linear models: weights of every code at once, learnt one text at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float32]

SVM_TOLERANCE = 0.05
SOFTMAX_TOLERANCE = 1e-3
MAX_EPOCHS = 60


@dataclass(frozen=True, eq=False)
class LinearWeights:
    """What a linear model is: a score is a row times `coefficients`, plus `intercepts`.

    Attributes
    ----------
    coefficients : ndarray of float32, shape (n_features, n_codes)
    intercepts : ndarray of float32, shape (n_codes,)
    n_epochs : int
        Passes over the texts before the tolerance was met.
    """

    coefficients: Floats
    intercepts: Floats
    n_epochs: int


def fit_svm(
    X: csr_array, y: NDArray[np.int32], *, n_codes: int, cost: float, seed: int
) -> LinearWeights:
    """Fit one-versus-rest linear support vector machines with the squared hinge loss.

    Coordinate descent in the dual, on all codes of a text at once: a text's n-grams are read once
    for every code, and only codes whose margin is violated write anything.

    Parameters
    ----------
    X : csr_array of float32, shape (n_texts, n_features)
    y : ndarray of int32, shape (n_texts,)
        Position of the code of each text.
    n_codes : int
    cost : float
        Weight of the losses against the squared norm, scikit-learn's `C`.
    seed : int
        Seed of the order in which texts are visited.

    References
    ----------
    Hsieh, Chang, Lin, Keerthi and Sundararajan (2008), A dual coordinate descent method for
    large-scale linear SVM, ICML; algorithm 1, L2 loss.
    """
    duals = np.zeros((X.shape[0], n_codes), np.float32)
    return _fit(X, y, duals, cost=cost, seed=seed, epoch=_svm_epoch, tolerance=SVM_TOLERANCE)


def fit_softmax(
    X: csr_array, y: NDArray[np.int32], *, n_codes: int, cost: float, seed: int
) -> LinearWeights:
    """Fit a multinomial logistic regression by stochastic dual coordinate ascent.

    The dual variables of a text are a distribution over codes that moves towards the predicted
    one; the gap left for a text is the Kullback-Leibler divergence between the two. Parameters as
    in `fit_svm`.

    References
    ----------
    Shalev-Shwartz and Zhang (2013), Stochastic dual coordinate ascent methods for regularized loss
    minimization, JMLR 14; option III for a smooth loss.
    """
    duals = np.zeros((X.shape[0], n_codes), np.float32)
    duals[np.arange(X.shape[0]), y] = 1.0
    return _fit(
        X, y, duals, cost=cost, seed=seed, epoch=_softmax_epoch, tolerance=SOFTMAX_TOLERANCE
    )


def _fit(
    X: csr_array,
    y: NDArray[np.int32],
    duals: Floats,
    *,
    cost: float,
    seed: int,
    epoch: Callable[..., tuple[float, int]],
    tolerance: float,
) -> LinearWeights:
    """Visit texts in random orders until the violation of a whole visit is under the tolerance.

    A text that needed no change is left aside for a while, twice as long each time; before
    stopping, every text is visited once more.
    """
    n_texts, n_features = X.shape
    weights = np.zeros((n_features + 1, duals.shape[1]), np.float32)  # The last row: intercepts.
    squared_norms = (X.multiply(X).sum(axis=1) + 1.0).astype(np.float32)
    indptr, indices = X.indptr.astype(np.int64), X.indices.astype(np.int32)
    pauses, wakes = np.ones(n_texts, np.int32), np.zeros(n_texts, np.int32)
    rng = np.random.default_rng(seed)
    n_epochs = 0
    for n_epochs in range(1, MAX_EPOCHS + 1):
        order = rng.permutation(n_texts)
        awake = order[wakes[order] <= n_epochs]
        arguments = (indptr, indices, X.data, squared_norms, y, duals, weights, np.float32(cost))
        violation, _ = epoch(*arguments, awake, pauses, wakes, n_epochs)
        if violation < tolerance:
            if len(awake) == n_texts:
                break
            wakes[:] = 0
            pauses[:] = 1
    return LinearWeights(weights[:-1], weights[-1].copy(), n_epochs)


@njit(cache=True, fastmath=False)
def _score_row(start, end, indices, values, weights, scores):  # type: ignore[no-untyped-def]  # pragma: no cover
    n_codes = weights.shape[1]
    for code in range(n_codes):
        scores[code] = weights[weights.shape[0] - 1, code]
    for position in range(start, end):
        row = weights[indices[position]]
        value = values[position]
        for code in range(n_codes):
            scores[code] += value * row[code]


@njit(cache=True, fastmath=False)
def _svm_epoch(  # type: ignore[no-untyped-def]
    indptr, indices, values, squared_norms, y, duals, weights, cost, awake, pauses, wakes, n_epochs
):
    n_codes = weights.shape[1]
    bias = weights.shape[0] - 1
    diagonal = np.float32(0.5) / cost
    scores = np.empty(n_codes, np.float32)
    changes = np.empty(n_codes, np.float32)
    changed = np.empty(n_codes, np.int64)
    worst = np.float32(0.0)
    n_updates = 0
    for text in awake:
        start, end = indptr[text], indptr[text + 1]
        _score_row(start, end, indices, values, weights, scores)
        curvature = squared_norms[text] + diagonal
        n_changed = 0
        largest = np.float32(0.0)
        for code in range(n_codes):
            sign = np.float32(1.0) if y[text] == code else np.float32(-1.0)
            dual = duals[text, code]
            gradient = sign * scores[code] - np.float32(1.0) + diagonal * dual
            if dual <= 0.0 and gradient >= 0.0:
                continue
            new_dual = max(dual - gradient / curvature, np.float32(0.0))
            largest = max(largest, abs(gradient))
            if new_dual != dual:
                duals[text, code] = new_dual
                changes[n_changed] = sign * (new_dual - dual)
                changed[n_changed] = code
                n_changed += 1
        for position in range(start, end):
            row = weights[indices[position]]
            value = values[position]
            for rank in range(n_changed):
                row[changed[rank]] += value * changes[rank]
        for rank in range(n_changed):
            weights[bias, changed[rank]] += changes[rank]
        n_updates += n_changed
        worst = max(worst, largest)
        if largest < 0.01:
            wakes[text] = n_epochs + 1 + pauses[text]
            pauses[text] = min(pauses[text] * 2, 8)
        else:
            pauses[text] = 1
    return worst, n_updates


@njit(cache=True, fastmath=False)
def _softmax_epoch(  # type: ignore[no-untyped-def]
    indptr, indices, values, squared_norms, y, duals, weights, cost, awake, pauses, wakes, n_epochs
):
    n_codes = weights.shape[1]
    bias = weights.shape[0] - 1
    scores = np.empty(n_codes, np.float32)
    changes = np.empty(n_codes, np.float32)
    total_gap = 0.0
    for text in awake:
        start, end = indptr[text], indptr[text + 1]
        _score_row(start, end, indices, values, weights, scores)
        top = scores.max()
        total = 0.0
        for code in range(n_codes):
            total += np.exp(scores[code] - top)
        log_total = top + np.log(total)
        gap = 0.0
        distance = 0.0
        for code in range(n_codes):
            log_probability = scores[code] - log_total
            dual = duals[text, code]
            if dual > 0.0:
                gap += dual * (np.log(dual) - log_probability)
            changes[code] = dual - np.exp(log_probability)
            distance += changes[code] * changes[code]
        total_gap += gap
        if distance < 1e-12:
            continue
        step = (gap + 0.5 * distance) / (distance * (1.0 + cost * squared_norms[text]))
        step = np.float32(min(1.0, step))
        for code in range(n_codes):
            duals[text, code] -= step * changes[code]
            changes[code] *= step * cost
        for position in range(start, end):
            row = weights[indices[position]]
            value = values[position]
            for code in range(n_codes):
                row[code] += value * changes[code]
        for code in range(n_codes):
            weights[bias, code] += changes[code]
    return total_gap / max(len(awake), 1), len(awake)
