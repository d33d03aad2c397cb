"""Search space: which normalisation, classifier and parameters a trial may have.

Elisions, sigles and mojibake are not switched: on the demonstration corpus and on
reserve_parlementaire, leaving one of these steps out moved the accuracy of five folds by 0.002 at
most, up or down, and each switch would double the copies of the texts that trials share.
"""

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
    """One point of the space: how texts are normalised, what learns from them, and for what.

    Attributes
    ----------
    normalizer : NormalizerOptions
    family : str
        Class of the classifier.
    parameters : dict
        Its keyword arguments.
    metric : {"macro_f1", "accuracy", "log_loss"}
        What its scores are calibrated for.
    kind : str
        Name of the part of the space: blend, svm, softmax or fasttext.
    """

    normalizer: NormalizerOptions
    family: str
    parameters: dict[str, Any]
    metric: str = "macro_f1"
    kind: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as JSON values."""
        return {
            "normalizer": self.normalizer.to_dict(),
            "family": self.family,
            "parameters": self.parameters,
            "metric": self.metric,
            "kind": self.kind,
        }

    def make_classifier(self) -> Classifier:
        """Return the classifier, not fitted."""
        return classifier_class(self.family)(**self.parameters)


# Points that are good on most sets: the search begins with those of the families asked for.
FIRST_POINTS: dict[str, dict[str, Any]] = {
    "blend": {"piece_share": 0.67, "svm_cost": 0.75, "softmax_cost": 20.0, "svm_weight": 3.0},
    "svm": {"piece_share": 0.67, "svm_cost": 1.5},
    "softmax": {"piece_share": 0.67, "softmax_cost": 20.0},
    "fasttext": {"char_ngrams": "4-6", "pieces_lr": 1.0, "epoch": 25, "word_ngrams": 2},
}
PLAIN = {"numbers": "keep", "stop_words": "keep", "stemming": False, "max_words": 2, "min_piece": 2}


def first_points(families: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the points to try before the search knows anything, one for each family."""
    return [{**PLAIN, "family": family, **FIRST_POINTS[family]} for family in families]


def suggest(
    trial: Suggests, *, families: tuple[str, ...], language: str, metric: str, seed: int
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
    kind = trial.suggest_categorical("family", families)
    if kind == "fasttext":
        return Specification(normalizer, "fasttext", _suggest_fasttext(trial, seed), metric, kind)
    return Specification(normalizer, "tfidf", _suggest_tfidf(trial, kind, seed), metric, kind)


def _suggest_tfidf(trial: Suggests, kind: str, seed: int) -> dict[str, Any]:
    share = trial.suggest_categorical("piece_share", PIECE_SHARES)
    parameters = {
        "max_words": trial.suggest_categorical("max_words", (1, MAX_WORDS)),
        "min_piece": trial.suggest_categorical("min_piece", (2, 3)),
        "max_piece": PIECE_SIZES[1],
        # Both squared norms sum to one, so that the cost means the same for every share.
        "word_weight": round(math.sqrt(1 - share), 6),
        "piece_weight": round(math.sqrt(share), 6),
        "svm_weight": 0.0,
        "softmax_weight": 0.0,
        "seed": seed,
    }
    if kind in ("svm", "blend"):
        parameters["svm_weight"] = 1.0
        parameters["svm_cost"] = trial.suggest_float("svm_cost", 0.1, 10.0, log=True)
    if kind in ("softmax", "blend"):
        parameters["softmax_weight"] = 1.0
        parameters["softmax_cost"] = trial.suggest_float("softmax_cost", 2.0, 200.0, log=True)
    if kind == "blend":
        parameters["svm_weight"] = trial.suggest_float("svm_weight", 0.5, 8.0, log=True)
    return parameters


def _suggest_fasttext(trial: Suggests, seed: int) -> dict[str, Any]:
    sizes = trial.suggest_categorical("char_ngrams", ("none", "3-6", "4-6"))
    if sizes == "none":
        smallest, largest = 0, 0
        lr = trial.suggest_float("words_lr", 0.2, 1.0, log=True)
    else:  # Pieces of words bear a higher learning rate than words alone.
        smallest, largest = map(int, sizes.split("-"))
        lr = trial.suggest_float("pieces_lr", 0.3, 2.0, log=True)
    return {
        "epoch": trial.suggest_int("epoch", 8, 50, log=True),
        "lr": lr,
        "word_ngrams": trial.suggest_int("word_ngrams", 1, 3),
        "min_char": smallest,
        "max_char": largest,
        "seed": seed,
    }
