"""Families: which class reads which state; a family's libraries are imported when it is met."""

from importlib import import_module
from importlib.util import find_spec

from libelle.classifiers.base import Classifier, ClassifierState
from libelle.errors import ModelError

MODULES = {
    "calibrated": ("libelle.classifiers.calibrated", "CalibratedClassifier"),
    "fasttext": ("libelle.classifiers.fasttext", "FastTextClassifier"),
    "tfidf": ("libelle.classifiers.tfidf", "TfidfClassifier"),
}


def is_installed(family: str) -> bool:
    """Tell whether the package that a family needs, beside those of libelle, is there."""
    return family != "fasttext" or find_spec("fasttext") is not None


def classifier_class(family: str) -> type[Classifier]:
    """Return the class of a family.

    Raises
    ------
    ModelError
        If this version of libelle does not know the family.
    """
    if family not in MODULES:
        raise ModelError(
            f"This version of libelle knows no classifier {family!r} "
            f"(it knows {', '.join(MODULES)}). Install the version that made the model."
        )
    module, name = MODULES[family]
    found: type[Classifier] = getattr(import_module(module), name)
    return found


def classifier_from_state(state: ClassifierState) -> Classifier:
    """Build again a fitted classifier of any family from its state."""
    return classifier_class(state.family).from_state(state)
