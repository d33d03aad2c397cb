"""Classifier: the contract that everything which learns keeps."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.contributions import Contributions
from libelle.errors import TrainingError

Floats = NDArray[np.float64]
Codes = NDArray[np.object_]


@dataclass(frozen=True)
class ClassifierState:
    """What a fitted classifier is made of, ready to be written without pickle.

    Attributes
    ----------
    family : str
        Which classifier reads this state.
    parameters : mapping
        JSON values.
    arrays : mapping of str to ndarray
        Numbers, one file each.
    strings : mapping of str to tuple of str
        Lists of strings, one pair of files each.
    blobs : mapping of str to Path or bytes
        Files in a format of their own.
    """

    family: str
    parameters: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    strings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blobs: Mapping[str, Path | bytes] = field(default_factory=dict)


class Classifier(ABC):
    """Learn codes from normalised texts; give each text a probability for each code.

    As in scikit-learn, `__init__` only stores its keyword arguments, `fit` sets what ends with an
    underscore, and `sklearn.base.clone` works. Scoring needs NumPy and SciPy arrays only: what
    fits imports its libraries inside `fit`.

    Each row of `scores` and `predict_proba` depends on its own text only, to the last bit.
    """

    family: ClassVar[str]
    classes_: Codes

    @abstractmethod
    def fit(self, X: Sequence[str], y: Sequence[str]) -> Self:
        """Learn from `n_texts` normalised texts and their codes; set the sorted `classes_`."""

    @abstractmethod
    def scores(self, X: Sequence[str]) -> Floats:
        """Return raw scores, shape `(n_texts, n_codes)`: the higher, the likelier."""

    @abstractmethod
    def contributions(self, text: str, first: int, second: int) -> Contributions:
        """Return what each word brings to the score of one code minus that of another.

        What n-grams bring is merged on the words: each one shares equally among the words that hold
        it (a pair between its two words), and among its occurrences.

        Parameters
        ----------
        text : str
            One normalised text.
        first, second : int
            Positions of the codes in `classes_`.
        """

    @abstractmethod
    def state(self) -> ClassifierState:
        """Return what this fitted classifier is made of."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: ClassifierState) -> Self:
        """Build again a fitted classifier from its state."""

    def familiarity(self, text: str) -> float:  # noqa: ARG002
        """Return how much of one normalised text was learnt, in [0, 1].

        One as soon as a word was; otherwise the share of the pieces of its words that were. A
        classifier that cannot tell says one.
        """
        return 1.0

    def count_known_words(self, text: str) -> int:
        """Return how many words of one normalised text were learnt; all if that cannot be told."""
        return len(text.split())

    def predict_proba(self, X: Sequence[str]) -> Floats:
        """Return probabilities, shape `(n_texts, n_codes)`; each row sums to one."""
        return softmax(self.scores(X))

    def predict(self, X: Sequence[str]) -> Codes:
        """Return the likeliest code of each text; the first of `classes_` on a tie."""
        codes: Codes = self.classes_[np.argmax(self.scores(X), axis=1)]
        return codes

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the keyword arguments of `__init__`."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **parameters: Any) -> Self:
        """Change keyword arguments of `__init__`; an unknown name is refused."""
        for name, value in parameters.items():
            if name not in self.get_params():
                raise TypeError(f"{type(self).__name__} has no parameter {name!r}.")
            setattr(self, name, value)
        return self


def encode_codes(y: Sequence[str]) -> tuple[Codes, NDArray[np.int32]]:
    """Return the sorted distinct codes and the position of each of `y` among them.

    Raises
    ------
    TrainingError
        If there is no text, or one code only: nothing can be learnt.
    """
    classes = sorted(set(y))
    if len(classes) < 2:
        raise TrainingError(
            f"{len(y)} texts with {len(classes)} code(s): at least two codes are needed to learn. "
            "Is the column of codes the right one?"
        )
    position = {code: index for index, code in enumerate(classes)}
    indices = np.fromiter((position[code] for code in y), np.int32, len(y))
    return np.array(classes, dtype=object), indices


def softmax(scores: Floats) -> Floats:
    """Return probabilities proportional to the exponentials of each row of scores."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities
