"""Metrics: how good the likeliest codes and their probabilities are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats
from libelle.evaluation.calibration import expected_calibration_error
from libelle.evaluation.scores import Ints, Scores, score


@dataclass(frozen=True)
class Metrics:
    """Metrics of one model on one set of texts.

    Attributes
    ----------
    n_texts : int
    accuracy : float
        Share of texts whose likeliest code is the true one.
    top_3_accuracy : float
        Share of texts whose true code is among the three likeliest.
    macro_f1 : float
        Mean of F1 over the codes present in the truth.
    macro_f1_all : float
        Mean of F1 over the codes present in the truth or in the answers, scikit-learn's default.
    log_loss : float
        Mean of minus the logarithm of the true code's probability, over texts whose code the model
        knows.
    ece : float
        Expected calibration error of the likeliest code, in `N_CALIBRATION_BINS` bins of equal
        mass.
    n_unknown_codes : int
        Texts whose true code the model has never seen: errors for the accuracies, left out of the
        log-loss.
    classwise_ece : float
        Calibration error of each code's probability, in bins of equal width, averaged over codes.
    brier : float
        Mean of the squared distance between probabilities and truth, in [0, 2].
    """

    n_texts: int
    accuracy: float
    top_3_accuracy: float
    macro_f1: float
    macro_f1_all: float
    log_loss: float
    ece: float
    n_unknown_codes: int
    classwise_ece: float
    brier: float


def evaluate(probabilities: Floats, codes: Sequence[str], classes: Sequence[str]) -> Metrics:
    """Compute the metrics of probabilities against the truth.

    Parameters
    ----------
    probabilities : ndarray, shape (n_texts, n_codes)
        Rows sum to one.
    codes : sequence of str, shape (n_texts,)
        The truth.
    classes : sequence of str, shape (n_codes,)
        Code of each column.
    """
    return metrics_of(score(probabilities, targets_of(codes, classes)), codes, classes)


def metrics_of(scores: Scores, codes: Sequence[str], classes: Sequence[str]) -> Metrics:
    """Compute the metrics of texts already scored; see `evaluate`."""
    known, right = scores.targets >= 0, scores.right
    answers = [classes[column] for column in scores.answers.tolist()]
    f1, in_truth = f1_by_code(codes, answers)
    return Metrics(
        n_texts=len(codes),
        accuracy=float(right.mean()),
        top_3_accuracy=float((known & (scores.n_likelier < 3)).mean()),
        macro_f1=float(f1[in_truth].mean()),
        macro_f1_all=float(f1.mean()),
        log_loss=_log_loss_of(scores.of_truth[known]),
        ece=expected_calibration_error(scores.confidences, right),
        n_unknown_codes=int((~known).sum()),
        classwise_ece=scores.class_bins.error,
        brier=float((scores.squares - 2 * scores.of_truth + 1).mean()),
    )


def targets_of(codes: Sequence[str], classes: Sequence[str]) -> Ints:
    """Return the column of each code among `classes`, -1 for a code that is not there."""
    position = {code: column for column, code in enumerate(classes)}
    return np.fromiter((position.get(code, -1) for code in codes), np.int64, len(codes))


def macro_f1(codes: Sequence[str], answers: Sequence[str]) -> float:
    """Return the mean of F1 over the codes present in the truth."""
    f1, in_truth = f1_by_code(codes, answers)
    return float(f1[in_truth].mean())


def macro_f1_of_columns(targets: Ints, answers: Ints, *, n_codes: int) -> float:
    """Return `macro_f1` of codes given by their columns."""
    n_truth = np.bincount(targets, minlength=n_codes)
    n_answered = np.bincount(answers, minlength=n_codes)
    n_right = np.bincount(targets[targets == answers], minlength=n_codes)
    present = n_truth > 0
    return float((2 * n_right / (n_truth + n_answered).clip(min=1))[present].mean())


def f1_by_code(codes: Sequence[str], answers: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return F1 of each distinct code of truth or answers, sorted, and whether the truth has it."""
    both = np.concatenate([np.asarray(codes, dtype=object), np.asarray(answers, dtype=object)])
    distinct, numbers = np.unique(both.astype(str), return_inverse=True)
    truth, answered = numbers[: len(codes)], numbers[len(codes) :]
    n_truth = np.bincount(truth, minlength=len(distinct))
    n_answered = np.bincount(answered, minlength=len(distinct))
    n_right = np.bincount(truth[truth == answered], minlength=len(distinct))
    return 2 * n_right / (n_truth + n_answered), n_truth > 0


def log_loss(probabilities: Floats, targets: Ints) -> float:
    """Return the log-loss over texts of known codes; a probability of zero counts as 1e-15."""
    known = np.flatnonzero(targets >= 0)
    return _log_loss_of(probabilities[known, targets[known]])


def worst_confusions(
    codes: Sequence[str], answers: Sequence[str], *, n_pairs: int = 50
) -> list[dict[str, Any]]:
    """Return the pairs of a true code and another one answered, most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for code, answer in zip(codes, answers, strict=True):
        if code != answer:
            counts[code, answer] = counts.get((code, answer), 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"code": code, "answered": answer, "n_texts": n_texts}
        for (code, answer), n_texts in ranked[:n_pairs]
    ]


def metrics_by_code(codes: Sequence[str], answers: Sequence[str]) -> list[dict[str, Any]]:
    """Return precision, recall and F1 of each code of truth or answers, sorted by code."""
    n_truth, n_answered = Counter(codes), Counter(answers)
    pairs = zip(codes, answers, strict=True)
    n_right = Counter(code for code, answer in pairs if code == answer)
    return [
        {
            "code": code,
            "n_texts": n_truth[code],
            "n_answered": n_answered[code],
            "precision": n_right[code] / n_answered[code] if n_answered[code] else None,
            "recall": n_right[code] / n_truth[code] if n_truth[code] else None,
            "f1": 2 * n_right[code] / (n_truth[code] + n_answered[code]),
        }
        for code in sorted({*n_truth, *n_answered})
    ]


def _log_loss_of(of_truth: Floats) -> float:
    if len(of_truth) == 0:
        return float("nan")
    return float(-np.log(np.maximum(of_truth, 1e-15)).mean())
