"""Calibration: from raw scores to probabilities that mean what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Classifier, ClassifierState, Floats, softmax
from libelle.classifiers.contributions import Contributions
from libelle.classifiers.families import classifier_from_state


@dataclass(frozen=True)
class Calibration:
    """What turns raw scores into probabilities; numbers only.

    Attributes
    ----------
    temperature : float
        Factor of the scores.
    prior_strength : float
        How much of the logarithm of the codes' shares is taken away: rare codes gain.
    biases : tuple of float, or None
        Added to the scores, one for each code (vector scaling with one common slope: Platt).
    curve : pair of tuples of float, or None
        Probability of the likeliest code, before and after: an increasing curve (isotonic).
    """

    temperature: float = 1.0
    prior_strength: float = 0.0
    biases: tuple[float, ...] | None = None
    curve: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @property
    def method(self) -> str:
        """Return which variant this is."""
        if self.curve is not None:
            return "isotonic"
        return "temperature" if self.biases is None else "vector"

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as JSON values."""
        return {
            "method": self.method,
            "temperature": self.temperature,
            "prior_strength": self.prior_strength,
            "biases": None if self.biases is None else list(self.biases),
            "curve": None if self.curve is None else [list(part) for part in self.curve],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read a calibration back; format 1 of the models had no biases and no curve."""
        biases, curve = values.get("biases"), values.get("curve")
        return cls(
            temperature=values["temperature"],
            prior_strength=values["prior_strength"],
            biases=None if biases is None else tuple(biases),
            curve=None if curve is None else (tuple(curve[0]), tuple(curve[1])),
        )

    def scores(self, raw: Floats, log_priors: Floats) -> Floats:
        """Return calibrated scores, shape `(n_texts, n_codes)`, whose softmax is meant."""
        scores = raw * self.temperature - self.prior_strength * log_priors
        if self.biases is not None:
            scores += np.array(self.biases)
        if self.curve is not None:
            with np.errstate(divide="ignore"):
                scores = np.log(bend(softmax(scores), *map(np.array, self.curve))).clip(min=-745.0)
        return scores

    def probabilities(self, raw: Floats, log_priors: Floats) -> Floats:
        """Return probabilities, shape `(n_texts, n_codes)`; rows sum to one."""
        return softmax(self.scores(raw, log_priors))


def bend(probabilities: Floats, before: Floats, after: Floats) -> Floats:
    """Move each row's largest probability along a curve; the others share what is left.

    The largest one stays over the second, so that the code answered stays the likeliest; where
    there is no other one, it stays 1.
    """
    rows = np.arange(len(probabilities))
    first = probabilities.argmax(axis=1)
    top = probabilities[rows, first]
    others = probabilities.copy()
    others[rows, first] = 0.0
    second, left = others.max(axis=1), others.sum(axis=1)
    moved = np.interp(top, before, after)
    shares = np.where(left > 0, left, 1.0)
    moved = np.maximum(moved, second * (1 + 1e-9) / (shares + second))
    moved = np.where(left > 0, moved, 1.0)
    bent: Floats = others * ((1 - moved) / shares)[:, None]
    bent[rows, first] = moved
    return bent


class CalibratedClassifier(Classifier):
    """Turn the scores of a classifier into calibrated probabilities.

    The code answered and its probability come from one rule: `Calibration`.

    Parameters
    ----------
    classifier : Classifier
        What gives the raw scores.
    calibration : Calibration
        Fitted on out-of-fold scores.
    """

    family = "calibrated"

    def __init__(self, *, classifier: Classifier, calibration: Calibration = Calibration()) -> None:
        self.classifier = classifier
        self.calibration = calibration

    def fit(self, X: Sequence[str], y: Sequence[str]) -> Self:
        """Fit the classifier inside; the calibration stays as given."""
        self.classifier.fit(X, y)
        return self.with_priors(y)

    def with_priors(self, y: Sequence[str]) -> Self:
        """Take the codes' shares from `y`, when the classifier inside is fitted already."""
        self.classes_ = self.classifier.classes_
        self._log_priors = log_priors(y, self.classes_)
        return self

    def scores(self, X: Sequence[str]) -> Floats:
        """Return calibrated scores, shape `(n_texts, n_codes)`."""
        return self.calibration.scores(self.classifier.scores(X), self._log_priors)

    def contributions(self, text: str, first: int, second: int) -> Contributions:
        """Return what each word brings to the calibrated score of one code minus another's.

        The temperature multiplies what words bring; biases and priors are in the baseline. The
        curve, if there is one, is left out: it is increasing and no sum, so parts sum to the
        difference of the scores as they enter it, which has the same order.
        """
        inside = self.classifier.contributions(text, first, second)
        straight = replace(self.calibration, curve=None)
        [offsets] = straight.scores(np.zeros((1, len(self.classes_))), self._log_priors)
        baseline = straight.temperature * inside.baseline + offsets[first] - offsets[second]
        return Contributions(inside.words, straight.temperature * inside.amounts, float(baseline))

    def familiarity(self, text: str) -> float:
        """Return how much of one text the classifier inside has learnt."""
        return self.classifier.familiarity(text)

    def count_known_words(self, text: str) -> int:
        """Return how many words of one text the classifier inside has learnt."""
        return self.classifier.count_known_words(text)

    def state(self) -> ClassifierState:
        """Return the state of the classifier inside, and what was added to it."""
        inside = self.classifier.state()
        parameters = {
            **self.calibration.to_dict(),
            "classifier": {"family": inside.family, "parameters": dict(inside.parameters)},
        }
        arrays = {**inside.arrays, "log_priors": self._log_priors}
        return replace(inside, family=self.family, parameters=parameters, arrays=arrays)

    @classmethod
    def from_state(cls, state: ClassifierState) -> Self:
        """Build again a fitted classifier from its state."""
        parameters: dict[str, Any] = dict(state.parameters)
        inside: Mapping[str, Any] = parameters["classifier"]
        classifier = classifier_from_state(
            replace(state, family=inside["family"], parameters=inside["parameters"])
        )
        calibration = Calibration.from_dict(parameters)
        calibrated = cls(classifier=classifier, calibration=calibration)
        calibrated.classes_ = classifier.classes_
        calibrated._log_priors = state.arrays["log_priors"]
        return calibrated


def log_priors(y: Sequence[str], classes: NDArray[np.object_]) -> Floats:
    """Return the logarithm of the share of each code among `y`, shape `(n_codes,)`."""
    position = {code: index for index, code in enumerate(classes)}
    indices = np.fromiter((position[code] for code in y), np.int64, len(y))
    shares: Floats = np.bincount(indices, minlength=len(classes)) / len(y)
    return np.log(shares)
