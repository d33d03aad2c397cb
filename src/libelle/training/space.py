"""Search space: which normalisation, classifier and parameters a trial may have."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from libelle.classifiers.base import Classifier
from libelle.classifiers.families import classifier_class
from libelle.data.text import NormalizerOptions

MAX_WORDS = 2
PIECE_SIZES = (2, 5)
PIECE_SHARES = (0.0, 0.35, 0.67, 0.85)


class Suggests(Protocol):
    """What the space asks of a trial: Optuna's own methods."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Choose among values."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = ...) -> float:
        """Choose a number."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = ...) -> int:
        """Choose a whole number."""


@dataclass(frozen=True)
class Specification:
    """One point of the space: how texts are normalised, what learns from them, and how."""

    normalizer: NormalizerOptions
    family: str
    parameters: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as JSON values."""
        return {
            "normalizer": self.normalizer.to_dict(),
            "family": self.family,
            "parameters": self.parameters,
        }

    def make_classifier(self) -> Classifier:
        """Return the classifier, not fitted."""
        return classifier_class(self.family)(**self.parameters)


# Points that are good on most sets: the search begins with those of the families asked for.
FIRST_POINTS: dict[str, tuple[dict[str, Any], ...]] = {
    "svm": (
        {"max_words": 2, "piece_share": 0.67, "min_piece": 2, "svm_cost": 1.5},
        {"max_words": 2, "piece_share": 0.0, "min_piece": 2, "svm_cost": 1.0},
    ),
    "softmax": ({"max_words": 2, "piece_share": 0.67, "min_piece": 2, "softmax_cost": 15.0},),
    "fasttext": ({"epoch": 25, "lr": 0.5, "dim": 50, "word_ngrams": 2, "char_ngrams": "2-5"},),
}


def first_points(families: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the points to try before the search knows anything, one family after the other."""
    plain = {"numbers": "keep", "stop_words": "keep", "stemming": False}
    points = [
        {"family": family, **plain, **point}
        for family in families
        for point in FIRST_POINTS[family]
    ]
    return sorted(points, key=lambda point: point.get("piece_share") == 0.0)


def suggest(
    trial: Suggests, *, families: tuple[str, ...], language: str, seed: int
) -> Specification:
    """Ask a trial for a point of the space."""
    normalizer = NormalizerOptions.from_dict(
        {
            "numbers": trial.suggest_categorical("numbers", ("keep", "mask")),
            "stop_words": trial.suggest_categorical("stop_words", ("keep", "drop")),
            "stemming": trial.suggest_categorical("stemming", (False, True)),
            "language": language,
        }
    )
    family = trial.suggest_categorical("family", families)
    if family == "fasttext":
        return Specification(normalizer, "fasttext", _suggest_fasttext(trial, seed))
    return Specification(normalizer, "tfidf", _suggest_tfidf(trial, family, seed))


def _suggest_tfidf(trial: Suggests, model: str, seed: int) -> dict[str, Any]:
    share = trial.suggest_categorical("piece_share", PIECE_SHARES)
    highest_cost = {"svm": 10.0, "softmax": 100.0}[model]
    return {
        "model": model,
        "max_words": trial.suggest_categorical("max_words", (1, MAX_WORDS)),
        "min_piece": trial.suggest_categorical("min_piece", (2, 3)),
        "max_piece": PIECE_SIZES[1],
        # Both squared norms sum to one, so that the cost means the same for every share.
        "word_weight": round(math.sqrt(1 - share), 6),
        "piece_weight": round(math.sqrt(share), 6),
        "cost": trial.suggest_float(f"{model}_cost", highest_cost / 100, highest_cost, log=True),
        "seed": seed,
    }


def _suggest_fasttext(trial: Suggests, seed: int) -> dict[str, Any]:
    sizes = trial.suggest_categorical("char_ngrams", ("none", "2-5", "3-6"))
    smallest, largest = (0, 0) if sizes == "none" else map(int, sizes.split("-"))
    return {
        "epoch": trial.suggest_int("epoch", 10, 60, log=True),
        "lr": trial.suggest_float("lr", 0.1, 1.0, log=True),
        "dim": trial.suggest_int("dim", 20, 100, log=True),
        "word_ngrams": trial.suggest_int("word_ngrams", 1, 3),
        "min_char": smallest,
        "max_char": largest,
        "seed": seed,
    }
