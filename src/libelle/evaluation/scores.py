"""Scores: what is kept of the probabilities of each text, so that any number of texts fits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats
from libelle.evaluation.calibration import ClassBins, bin_by_class

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scores:
    """What the metrics need of each text.

    Attributes
    ----------
    targets : ndarray of int64, shape (n_texts,)
        Column of the true code, -1 for a code that the model does not know.
    answers : ndarray of int64, shape (n_texts,)
        Column of the likeliest code.
    confidences, of_truth : ndarray of float64, shape (n_texts,)
        Probability of the likeliest code; of the true one, 0 when it is unknown.
    n_likelier : ndarray of int64, shape (n_texts,)
        Codes likelier than the true one.
    squares : ndarray of float64, shape (n_texts,)
        Sum of the squared probabilities.
    class_bins : ClassBins
        Probabilities of each code, summed by bins.
    """

    targets: Ints
    answers: Ints
    confidences: Floats
    of_truth: Floats
    n_likelier: Ints
    squares: Floats
    class_bins: ClassBins

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the likeliest code is the true one."""
        right: NDArray[np.bool_] = self.answers == self.targets
        return right


def score(probabilities: Floats, targets: Ints) -> Scores:
    """Keep what the metrics need of probabilities, shape `(n_texts, n_codes)`."""
    known = targets >= 0
    of_truth = probabilities[np.arange(len(targets)), np.where(known, targets, 0)]
    return Scores(
        targets=targets,
        answers=probabilities.argmax(axis=1),
        confidences=probabilities.max(axis=1).astype(np.float64),
        of_truth=np.where(known, of_truth, 0.0),
        n_likelier=(probabilities > of_truth[:, None]).sum(axis=1),
        squares=np.square(probabilities).sum(axis=1, dtype=np.float64),
        class_bins=bin_by_class(probabilities, targets),
    )


def join_scores(parts: Sequence[Scores]) -> Scores:
    """Put together the scores of texts scored apart."""
    columns = ("targets", "answers", "confidences", "of_truth", "n_likelier", "squares")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return Scores(**joined, class_bins=ClassBins.total([part.class_bins for part in parts]))
