"""Calibration: fit on out-of-fold scores what turns them into probabilities."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize, minimize_scalar

from libelle.classifiers.base import Floats, softmax
from libelle.classifiers.calibrated import Calibration
from libelle.evaluation import (
    Ints,
    classwise_calibration_error,
    expected_calibration_error,
    log_loss,
    macro_f1_of_columns,
)

N_KNOTS = 60
END_SLOPE = 0.01
BIAS_PENALTY = 1.0  # Against one bias of 1, in units of one text's log-loss.
LEAST_PROBABILITY = 1e-15
PRIOR_STRENGTHS = tuple(round(0.05 * step, 2) for step in range(7))


def fit_temperature(scores: Floats, targets: Ints) -> float:
    """Return the factor of scores whose softmax has the least log-loss.

    Parameters
    ----------
    scores : ndarray, shape (n_texts, n_codes)
        Scores of texts that the classifier was not fitted on.
    targets : ndarray of int, shape (n_texts,)
        Column of the true code; a negative one (a code unknown to the classifier) is left out.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks, ICML.
    """
    known = targets >= 0
    scores, targets = scores[known], targets[known]
    if len(targets) == 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        return log_loss(softmax(scores * np.exp(log_temperature)), targets)

    best = minimize_scalar(loss, bounds=(-5.0, 5.0), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(best.x))


def fit_calibration(
    scores: Floats, targets: Ints, log_priors: Floats, *, metric: str
) -> Calibration:
    """Return the temperature and the prior strength that suit scores for a metric.

    For `macro_f1` the strength is the one with the best macro-F1 among those that lose at most one
    standard error of accuracy; for `accuracy` the one with the best accuracy; for `log_loss` zero.
    The temperature then has the least log-loss.

    Parameters
    ----------
    scores : ndarray, shape (n_texts, n_codes)
        Scores of texts that the classifier was not fitted on.
    targets : ndarray of int, shape (n_texts,)
        Column of the true code.
    log_priors : ndarray, shape (n_codes,)
    metric : {"macro_f1", "accuracy", "log_loss"}
    """
    temperature = fit_temperature(scores, targets)
    if metric == "log_loss" or len(targets) == 0:
        return Calibration(temperature)
    strength = _choose_strength(scores * temperature, targets, log_priors, metric)
    shifted = Calibration(temperature, strength).scores(scores, log_priors)
    factor = fit_temperature(shifted, targets)
    return Calibration(temperature * factor, strength * factor)


@dataclass(frozen=True)
class CalibrationChoice:
    """The variant chosen, and what each one was worth on texts it was not fitted on.

    Attributes
    ----------
    calibration : Calibration
    measures : mapping of str to mapping
        By variant (`none`: the softmax of raw scores): log-loss, Brier score, calibration error of
        the likeliest code in bins of equal mass (ECE) and over all codes.
    """

    calibration: Calibration
    measures: dict[str, dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"method": self.calibration.method, "out_of_fold": self.measures}


def choose_calibration(
    scores: Floats, targets: Ints, folds: NDArray[np.int8], log_priors: Floats, *, metric: str
) -> CalibrationChoice:
    """Choose between temperature, vector and isotonic calibration by out-of-fold log-loss.

    Each variant is fitted without one fold and measured on it, for each fold. Another variant than
    the temperature is taken only if its log-loss is lower by more than one standard error of the
    difference, and if the metric of the search does not lose.

    Parameters
    ----------
    scores : ndarray, shape (n_texts, n_codes)
        Out-of-fold scores.
    targets : ndarray of int, shape (n_texts,)
        Column of the true code.
    folds : ndarray of int, shape (n_texts,)
    log_priors : ndarray, shape (n_codes,)
    metric : {"macro_f1", "accuracy", "log_loss"}
    """
    measured = {"none": softmax(scores)}
    for name, fit in _VARIANTS.items():
        probabilities = np.empty_like(scores)
        for fold in np.unique(folds):
            inside, outside = folds != fold, folds == fold
            calibration = fit(scores[inside], targets[inside], log_priors, metric)
            probabilities[outside] = calibration.probabilities(scores[outside], log_priors)
        measured[name] = probabilities
    best = _choose_variant(measured, targets, metric)
    measures = {name: _measure(rows, targets) for name, rows in measured.items()}
    return CalibrationChoice(_VARIANTS[best](scores, targets, log_priors, metric), measures)


def _fit_temperature_variant(
    scores: Floats, targets: Ints, log_priors: Floats, metric: str
) -> Calibration:
    return fit_calibration(scores, targets, log_priors, metric=metric)


def _fit_vector_variant(
    scores: Floats, targets: Ints, log_priors: Floats, metric: str
) -> Calibration:
    base = fit_calibration(scores, targets, log_priors, metric=metric)
    biases = fit_biases(base.scores(scores, log_priors), targets)
    return replace(base, biases=tuple(biases.tolist()))


def _fit_isotonic_variant(
    scores: Floats, targets: Ints, log_priors: Floats, metric: str
) -> Calibration:
    base = fit_calibration(scores, targets, log_priors, metric=metric)
    before, after = fit_curve(base.probabilities(scores, log_priors), targets).tolist()
    return replace(base, curve=(tuple(before), tuple(after)))


_VARIANTS: dict[str, Callable[[Floats, Ints, Floats, str], Calibration]] = {
    "temperature": _fit_temperature_variant,
    "vector": _fit_vector_variant,
    "isotonic": _fit_isotonic_variant,
}


def fit_biases(scores: Floats, targets: Ints) -> Floats:
    """Return one bias for each code, of least penalised log-loss; their mean is near zero.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines; Guo, Pleiss, Sun and Weinberger
    (2017), On calibration of modern neural networks, ICML (vector scaling).
    """
    n_codes = scores.shape[1]
    n_truth = np.bincount(targets, minlength=n_codes)

    def loss(biases: Floats) -> tuple[float, Floats]:
        probabilities = softmax(scores + biases)
        of_truth = probabilities[np.arange(len(targets)), targets]
        value = -np.log(np.maximum(of_truth, LEAST_PROBABILITY)).sum()
        gradient = probabilities.sum(axis=0) - n_truth + BIAS_PENALTY * biases
        return float(value + BIAS_PENALTY * (biases @ biases) / 2), gradient

    fitted = minimize(loss, np.zeros(n_codes), jac=True, method="L-BFGS-B", options={"maxiter": 50})
    biases: Floats = fitted.x
    return biases


def fit_curve(probabilities: Floats, targets: Ints) -> Floats:
    """Return an increasing curve from the likeliest code's probability to how often it is right.

    Shape `(2, n_knots)`. Groups of texts of equal size are made increasing by pooling; the curve
    goes straight from one pool to the next and still climbs a little at its ends, so that no two
    texts become as sure as each other: a threshold could not part them.

    References
    ----------
    Zadrozny and Elkan (2002), Transforming classifier scores into accurate multiclass probability
    estimates, KDD.
    """
    top, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    groups = np.array_split(np.argsort(top, kind="stable"), min(N_KNOTS, len(top)))
    before = np.array([top[rows].mean() for rows in groups])
    # One more text, half right: no group is sure of being right or wrong.
    after = np.array([(right[rows].sum() + 0.5) / (len(rows) + 1) for rows in groups])
    pooled = isotonic_regression(after)
    pools = pairwise(pooled.blocks)
    centres = np.array([before[start:end].mean() for start, end in pools])
    values = pooled.x[pooled.blocks[:-1]]
    low = values[0] - min(END_SLOPE, values[0] / 2)
    high = values[-1] + min(END_SLOPE, (1 - values[-1]) / 2)
    return np.array([[0.0, *centres, 1.0], [low, *values, high]])


def _choose_variant(measured: dict[str, Floats], targets: Ints, metric: str) -> str:
    losses = {name: _losses(rows, targets) for name, rows in measured.items()}
    values = {name: _metric(rows, targets, metric) for name, rows in measured.items()}
    best = "temperature"
    for name in ("vector", "isotonic"):
        gain = losses["temperature"] - losses[name]
        sure = gain.mean() > gain.std() / np.sqrt(len(gain))
        if sure and values[name] >= values[best] and losses[name].mean() < losses[best].mean():
            best = name
    return best


def _metric(probabilities: Floats, targets: Ints, metric: str) -> float:
    answers = probabilities.argmax(axis=1)
    if metric == "macro_f1":
        return macro_f1_of_columns(targets, answers, n_codes=probabilities.shape[1])
    if metric == "accuracy":
        return float((answers == targets).mean())
    return -log_loss(probabilities, targets)


def _losses(probabilities: Floats, targets: Ints) -> Floats:
    of_truth = probabilities[np.arange(len(targets)), targets]
    losses: Floats = -np.log(np.maximum(of_truth, LEAST_PROBABILITY))
    return losses


def _measure(probabilities: Floats, targets: Ints) -> dict[str, float]:
    top, answers = probabilities.max(axis=1), probabilities.argmax(axis=1)
    of_truth = probabilities[np.arange(len(targets)), targets]
    squares = (probabilities**2).sum(axis=1) - 2 * of_truth + 1
    return {
        "log_loss": log_loss(probabilities, targets),
        "brier": float(squares.mean()),
        "ece": expected_calibration_error(top, answers == targets),
        "classwise_ece": classwise_calibration_error(probabilities, targets),
    }


def _choose_strength(scores: Floats, targets: Ints, log_priors: Floats, metric: str) -> float:
    answers = [(scores - strength * log_priors).argmax(axis=1) for strength in PRIOR_STRENGTHS]
    accuracies = [float((answer == targets).mean()) for answer in answers]
    if metric == "accuracy":
        return PRIOR_STRENGTHS[int(np.argmax(accuracies))]
    least = accuracies[0] - np.sqrt(accuracies[0] * (1 - accuracies[0]) / len(targets))
    n_codes = len(log_priors)
    values = [
        macro_f1_of_columns(targets, answer, n_codes=n_codes) if accuracy >= least else -1.0
        for answer, accuracy in zip(answers, accuracies, strict=True)
    ]
    return PRIOR_STRENGTHS[int(np.argmax(values))]
