"""Calibration: from raw scores to probabilities that mean what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Classifier, ClassifierState, Floats
from libelle.classifiers.families import classifier_from_state


class CalibratedClassifier(Classifier):
    """Scale the scores of a classifier so that their softmax is a calibrated probability.

    The calibrated score of code `c` is `temperature * score[c] - prior_strength * log_prior[c]`: a
    positive strength gives rare codes a better chance. The code answered and its probability come
    from this one rule.

    Parameters
    ----------
    classifier : Classifier
        What gives the raw scores.
    temperature : float
        Factor of the scores, fitted on out-of-fold scores.
    prior_strength : float
        How much of the logarithm of the codes' shares is taken away, in [0, 1].
    """

    family = "calibrated"

    def __init__(
        self, *, classifier: Classifier, temperature: float = 1.0, prior_strength: float = 0.0
    ) -> None:
        self.classifier = classifier
        self.temperature = temperature
        self.prior_strength = prior_strength

    def fit(self, X: Sequence[str], y: Sequence[str]) -> Self:
        """Fit the classifier inside; temperature and strength stay as given."""
        self.classifier.fit(X, y)
        return self.with_priors(y)

    def with_priors(self, y: Sequence[str]) -> Self:
        """Take the codes' shares from `y`, when the classifier inside is fitted already."""
        self.classes_ = self.classifier.classes_
        self._log_priors = log_priors(y, self.classes_)
        return self

    def scores(self, X: Sequence[str]) -> Floats:
        """Return calibrated scores, shape `(n_texts, n_codes)`."""
        return calibrate(
            self.classifier.scores(X),
            self._log_priors,
            temperature=self.temperature,
            prior_strength=self.prior_strength,
        )

    def state(self) -> ClassifierState:
        """Return the state of the classifier inside, and what was added to it."""
        inside = self.classifier.state()
        parameters = {
            "temperature": self.temperature,
            "prior_strength": self.prior_strength,
            "classifier": {"family": inside.family, "parameters": dict(inside.parameters)},
        }
        arrays = {**inside.arrays, "log_priors": self._log_priors}
        return replace(inside, family=self.family, parameters=parameters, arrays=arrays)

    @classmethod
    def from_state(cls, state: ClassifierState) -> Self:
        """Build again a fitted classifier from its state."""
        parameters: dict[str, Any] = dict(state.parameters)
        inside: Mapping[str, Any] = parameters.pop("classifier")
        classifier = classifier_from_state(
            replace(state, family=inside["family"], parameters=inside["parameters"])
        )
        calibrated = cls(classifier=classifier, **parameters)
        calibrated.classes_ = classifier.classes_
        calibrated._log_priors = state.arrays["log_priors"]
        return calibrated


def calibrate(
    scores: Floats, log_priors: Floats, *, temperature: float, prior_strength: float
) -> Floats:
    """Return calibrated scores, shape `(n_texts, n_codes)`."""
    return scores * temperature - prior_strength * log_priors


def log_priors(y: Sequence[str], classes: NDArray[np.object_]) -> Floats:
    """Return the logarithm of the share of each code among `y`, shape `(n_codes,)`."""
    position = {code: index for index, code in enumerate(classes)}
    indices = np.fromiter((position[code] for code in y), np.int64, len(y))
    shares: Floats = np.bincount(indices, minlength=len(classes)) / len(y)
    return np.log(shares)
