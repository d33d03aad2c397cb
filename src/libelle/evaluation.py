"""Evaluation: how good the answers are, on texts never seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats

N_CALIBRATION_BINS = 15
Ints = NDArray[np.int64]


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
    """

    n_texts: int
    accuracy: float
    top_3_accuracy: float
    macro_f1: float
    macro_f1_all: float
    log_loss: float
    ece: float
    n_unknown_codes: int


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
    targets = targets_of(codes, classes)
    answers = probabilities.argmax(axis=1)
    right = answers == targets
    f1, in_truth = f1_by_code(codes, np.asarray(classes, dtype=object)[answers])
    return Metrics(
        n_texts=len(codes),
        accuracy=float(right.mean()),
        top_3_accuracy=float(_in_top(probabilities, targets, top_k=3).mean()),
        macro_f1=float(f1[in_truth].mean()),
        macro_f1_all=float(f1.mean()),
        log_loss=log_loss(probabilities, targets),
        ece=expected_calibration_error(probabilities.max(axis=1), right),
        n_unknown_codes=int((targets < 0).sum()),
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
    if len(known) == 0:
        return float("nan")
    of_truth = probabilities[known, targets[known]]
    return float(-np.log(np.maximum(of_truth, 1e-15)).mean())


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
    truth, answered = np.asarray(codes, dtype=object), np.asarray(answers, dtype=object)
    rows = []
    for code in sorted({*codes, *answers}):
        n_truth, n_answered = int((truth == code).sum()), int((answered == code).sum())
        n_right = int(((truth == code) & (answered == code)).sum())
        rows.append(
            {
                "code": code,
                "n_texts": n_truth,
                "n_answered": n_answered,
                "precision": n_right / n_answered if n_answered else None,
                "recall": n_right / n_truth if n_truth else None,
                "f1": 2 * n_right / (n_truth + n_answered),
            }
        )
    return rows


def _in_top(probabilities: Floats, targets: Ints, *, top_k: int) -> NDArray[np.bool_]:
    """Tell whether fewer than `top_k` codes are likelier than the true one."""
    known = targets >= 0
    of_truth = probabilities[np.arange(len(targets)), np.where(known, targets, 0)]
    n_likelier = (probabilities > of_truth[:, None]).sum(axis=1)
    in_top: NDArray[np.bool_] = known & (n_likelier < top_k)
    return in_top
