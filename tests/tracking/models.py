"""A small real predictor and a small real training, for the tests of tracking."""

from pathlib import Path

from libelle.classifiers.calibrated import CalibratedClassifier, Calibration
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer, NormalizerOptions
from libelle.predictor import Predictor
from tests.classifiers.corpus import make_corpus


def make_predictor(*, accuracy: float = 0.9) -> Predictor:
    """Return a predictor whose digest depends on its `accuracy`."""
    texts, codes = make_corpus()
    inside = CalibratedClassifier(classifier=TfidfClassifier(), calibration=Calibration(3.0))
    metrics = {"test": {"accuracy": accuracy, "macro_f1": 0.8, "log_loss": 0.4}}
    return Predictor(
        normalizer=Normalizer(NormalizerOptions()),
        classifier=inside.fit(texts, codes),
        nomenclature=Nomenclature.from_codes(sorted(set(codes))),
        about={"name": "demo", "thresholds": [], "metrics": metrics},
    )


def make_trial(number: int, *, state: str = "complete", n_folds: int = 5) -> dict:
    """Return a trial as the training tells it."""
    folds = [
        {"fold": fold, "accuracy": 0.5 + fold / 10, "log_loss": 1.0, "seconds": 2.0, "error": None}
        for fold in range(n_folds)
    ]
    return {
        "number": number,
        "state": state,
        "parameters": {"normalizer": {"accented": False}, "family": "svm", "sizes": [2, 5]},
        "metrics": {"accuracy": 0.7, "log_loss": 1.0},
        "folds": folds,
        "seconds": 10.0,
    }


def tell_a_training(run_log, *, n_trials: int = 3, model: Path | None = None) -> None:
    """Tell a whole training to a run log."""
    configuration = {"n_trials": n_trials, "families": ["svm"], "seed": 0}
    run_log.start(name="demo", configuration=configuration, tags={"dataset": "demo"})
    digest = "sha256:" + "a" * 64
    run_log.log_input(role="fit", name="demo", uri="s3://me:pw@b/x", digest=digest, n_texts=9)
    for number in range(n_trials):
        run_log.log_trial(make_trial(number))
    run_log.log_metrics({"test_accuracy": 0.9})
    run_log.log_artifact("per_code.json", b"[]")
    run_log.log_artifact("figures/erreurs vues.svg", b"<svg/>")
    if model:
        run_log.log_model(model)
    run_log.finish("finished")
