"""Calibration: fit on out-of-fold scores what turns them into probabilities."""

import numpy as np
from scipy.optimize import minimize_scalar

from libelle.classifiers.base import Floats, softmax
from libelle.classifiers.calibrated import calibrate
from libelle.evaluation import Ints, log_loss, macro_f1_of_columns

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
) -> tuple[float, float]:
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
        return temperature, 0.0
    strength = _choose_strength(scores * temperature, targets, log_priors, metric)
    shifted = calibrate(scores, log_priors, temperature=temperature, prior_strength=strength)
    factor = fit_temperature(shifted, targets)
    return temperature * factor, strength * factor


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
