"""A small model with thresholds, and coded texts that it does not always answer right."""

from collections.abc import Mapping
from typing import Any

from libelle.classifiers.calibrated import CalibratedClassifier
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.datasets import Dataset
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer, NormalizerOptions
from libelle.predictor import Predictor
from tests.classifiers.corpus import TOPICS, make_corpus

MARK = "<script>alert(1)</script>"


def make_threshold(**changes: Any) -> dict[str, Any]:
    threshold = {
        "id": "0123456789ab",
        "target_error": 0.05,
        "delta": 0.05,
        "status": "guaranteed",
        "threshold": 0.2,
        "rule": "anchored",
        "n_texts": 900,
        "n_automatic": 600,
        "n_errors": 12,
        "bound": 0.05,
        "coverage": 0.66,
        "data_digest": "d",
        "reachable_error": None,
        "n_texts_needed": None,
    }
    return threshold | changes


def make_model(
    thresholds: tuple[Mapping[str, Any], ...] = (make_threshold(),), **about: Any
) -> Predictor:
    texts, codes = make_corpus()
    phrases = (f"{phrases[0]} {MARK}" for phrases in TOPICS.values())
    return Predictor(
        normalizer=Normalizer(NormalizerOptions()),
        classifier=CalibratedClassifier(classifier=TfidfClassifier()).fit(texts, codes),
        nomenclature=Nomenclature.from_rows(
            ["01", "02", "03", *TOPICS],
            ["Voirie", "Enfance", "État civil", *phrases],
            [None, None, None, *(code[:2] for code in TOPICS)],
        ),
        about={"name": "demo", "thresholds": list(thresholds), "levels": {}} | about,
    )


def make_coded_texts() -> Dataset:
    """Return the corpus with four wrong codes, an unknown one, a repeated and an empty text."""
    texts, codes = make_corpus()
    codes[:4] = ["0302"] * 4
    codes[4] = "0999"
    return Dataset(
        texts=[*texts, texts[10], "", f"{MARK} nid de poule"],
        codes=[*codes, codes[10], "0101", "0202"],
    )
