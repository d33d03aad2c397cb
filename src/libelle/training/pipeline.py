"""Pipeline: one training from coded texts to a saved and evaluated predictor."""

import hashlib
import json
import logging
import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import libelle
from libelle.classifiers.base import Floats
from libelle.classifiers.calibrated import CalibratedClassifier
from libelle.data.datasets import Dataset, Split, make_folds, split_dataset
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer
from libelle.errors import DataError, MissingPackageError
from libelle.evaluation import (
    Metrics,
    evaluate,
    metrics_by_code,
    reliability,
    worst_confusions,
)
from libelle.figures import confusions_chart, per_code_chart, reliability_chart
from libelle.predictor import Predictor
from libelle.training.calibration import fit_calibration
from libelle.training.configuration import TrainingConfiguration
from libelle.training.folds import Study, reserve
from libelle.training.runlog import NullProgress, NullRunLog, Progress, RunLog
from libelle.training.selection import Trial
from libelle.training.space import Specification
from libelle.training.tuning import search

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training made.

    Attributes
    ----------
    predictor : Predictor
        Saved in `folder`.
    folder : Path
    metrics : Metrics
        On the test part.
    n_right : int
        Texts of the test part whose likeliest code is the true one.
    split : Split
    trial : Trial
        The winner.
    """

    predictor: Predictor
    folder: Path
    metrics: Metrics
    n_right: int
    split: Split
    trial: Trial


def train(
    dataset: Dataset,
    *,
    name: str,
    home: Path,
    output: Path,
    configuration: TrainingConfiguration,
    nomenclature: Nomenclature | None = None,
    test: Dataset | None = None,
    n_workers: int | None = None,
    run_log: RunLog | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Cut the coded texts, tune, calibrate, refit the winner, evaluate it once on test.

    Parameters
    ----------
    dataset : Dataset
        Coded texts.
    name : str
        Name of the model.
    home : Path
        Folder of the studies, where an interrupted search is found again.
    output : Path
        New folder of the predictor.
    configuration : TrainingConfiguration
    nomenclature : Nomenclature or None
        Titles and parents of the codes; without it, codes are their own titles.
    test : Dataset or None
        Coded texts to evaluate on, instead of a part of `dataset`.
    n_workers : int or None
        Processes of the search; as many as there are cores if None.
    run_log, progress
        Who is told.

    Raises
    ------
    DataError
        If the texts cannot be cut or learnt from.
    TrainingError
        If no classifier could be fitted, or the same training is running already.
    """
    run_log, progress = run_log or NullRunLog(), progress or NullProgress()
    progress.phase("split")
    split = split_dataset(dataset, seed=configuration.seed, test=test)
    _refuse_empty_parts(split)
    for line in split.lines():
        progress.note(line)
    folds = make_folds(split.fit, n_folds=configuration.n_folds, seed=configuration.seed)
    folder = home / "studies" / _name_study(split.fit, folds, configuration)
    tags = {"libelle_version": libelle.__version__, "dataset": dataset.name}
    with reserve(folder):
        run_log.start(name=name, configuration=configuration.to_dict(), tags=tags)
        try:
            study = Study.create(folder, split.fit.texts, split.fit.codes, folds)
            result = _train(
                split,
                study,
                name,
                output,
                configuration,
                nomenclature,
                n_workers,
                run_log,
                progress,
            )
        except BaseException:
            run_log.finish("failed")
            raise
    run_log.finish("finished")
    return result


def _train(
    split: Split,
    study: Study,
    name: str,
    output: Path,
    configuration: TrainingConfiguration,
    nomenclature: Nomenclature | None,
    n_workers: int | None,
    run_log: RunLog,
    progress: Progress,
) -> TrainingResult:
    started_at = datetime.now(UTC)
    _log_inputs(split, run_log)
    progress.phase("search")
    workers = n_workers or os.cpu_count() or 1
    trial = search(study, configuration, n_workers=workers, run_log=run_log, progress=progress)
    progress.phase("refit")
    scores = study.out_of_fold_scores(trial.specification)
    classifier = fit_calibrated(split.fit, trial.specification, scores, study)
    progress.phase("test")
    normalizer = Normalizer(trial.specification.normalizer)
    probabilities = classifier.predict_proba(normalizer.normalize_many(split.test.texts))
    metrics = evaluate(probabilities, split.test.codes, list(classifier.classes_))
    answers = [str(code) for code in classifier.classes_[probabilities.argmax(axis=1)]]
    _log_evaluation(run_log, metrics, split.test.codes, answers, probabilities.max(axis=1))
    progress.phase("save")
    predictor = Predictor(
        normalizer=normalizer,
        classifier=classifier,
        nomenclature=nomenclature or Nomenclature.from_codes(classifier.classes_),
        about=_describe(name, split, configuration, trial, metrics),
        provenance=_describe_machine(started_at, workers),
    )
    run_log.log_model(predictor.save(output))
    shutil.rmtree(study.folder, ignore_errors=True)
    n_right = sum(map(str.__eq__, answers, split.test.codes))
    return TrainingResult(predictor, output, metrics, n_right, split, trial)


def fit_calibrated(
    fit: Dataset, specification: Specification, scores: Floats, study: Study
) -> CalibratedClassifier:
    """Fit the winner on all texts, calibrated on its out-of-fold scores."""
    temperature, prior_strength = fit_calibration(
        scores, study.targets, study.log_priors, metric=specification.metric
    )
    texts = Normalizer(specification.normalizer).normalize_many(fit.texts)
    classifier = CalibratedClassifier(
        classifier=specification.make_classifier(),
        temperature=temperature,
        prior_strength=prior_strength,
    )
    return classifier.fit(texts, fit.codes)


def _refuse_empty_parts(split: Split) -> None:
    if len(split.fit) == 0 or len(split.test) == 0:
        raise DataError(
            f"{len(split.fit)} texts to learn from and {len(split.test)} to test on: "
            "there are too few coded texts. Give more of them, or a test file with --test."
        )
    if set(split.fit.codes).isdisjoint(split.test.codes):
        raise DataError(
            "No text to test on has a code that the texts to learn from have: are both of the same "
            "nomenclature? Give another test file, or more coded texts."
        )


def _name_study(fit: Dataset, folds: NDArray[np.int8], configuration: TrainingConfiguration) -> str:
    """Return a name that the same training has again, and no other."""
    content = json.dumps([libelle.__version__, configuration.to_dict()], sort_keys=True).encode()
    digest = hashlib.sha256(content)
    for part in (fit.texts, fit.codes):
        digest.update(json.dumps(list(part)).encode())
    digest.update(folds.tobytes())
    return digest.hexdigest()[:24]


def _log_inputs(split: Split, run_log: RunLog) -> None:
    for role in ("fit", "certify", "test"):
        part: Dataset = getattr(split, role)
        run_log.log_input(
            role=role, name=part.name, uri=part.uri, digest=part.digest, n_texts=len(part)
        )
    run_log.log_metrics({"n_leaked_keys": split.n_leaked_keys})
    run_log.log_artifact("split.json", json.dumps(_describe_split(split), indent=1).encode())


def _describe_split(split: Split) -> dict[str, Any]:
    return {
        "n_texts": {role: len(getattr(split, role)) for role in ("fit", "certify", "test")},
        "n_left_out": dict(split.n_left_out),
        "n_shared_keys": dict(split.n_shared_keys),
    }


def _describe_machine(started_at: datetime, n_workers: int) -> dict[str, Any]:
    """Return what varies between two identical trainings: it stands outside the model's digest."""
    return {
        "started_at": started_at.isoformat(timespec="seconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "n_workers": n_workers,
    }


def _log_evaluation(
    run_log: RunLog,
    metrics: Metrics,
    codes: Sequence[str],
    answers: Sequence[str],
    confidences: Floats,
) -> None:
    """Log the metrics, then tables and pictures; codes only, no text."""
    run_log.log_metrics({f"test_{name}": value for name, value in asdict(metrics).items()})
    right = np.array([code == answer for code, answer in zip(codes, answers, strict=True)])
    tables = {
        "per_code": metrics_by_code(codes, answers),
        "confusions": worst_confusions(codes, answers),
        "reliability": reliability(confidences, right),
    }
    charts = {
        "per_code": per_code_chart,
        "confusions": confusions_chart,
        "reliability": reliability_chart,
    }
    for name, rows in tables.items():
        content = json.dumps(rows, ensure_ascii=False, indent=1).encode()
        run_log.log_artifact(f"{name}.json", content)
        try:
            run_log.log_artifact(f"figures/{name}.png", charts[name](rows))
        except MissingPackageError as error:
            logger.warning("%s The tables are logged without their pictures.", error)


def _describe(
    name: str,
    split: Split,
    configuration: TrainingConfiguration,
    trial: Trial,
    metrics: Metrics,
) -> dict[str, Any]:
    """Return what the manifest says beside the classifier."""
    return {
        "name": name,
        "configuration": configuration.to_dict(),
        "specification": trial.specification.to_dict(),
        "data": {
            role: {"digest": getattr(split, role).digest, "n_texts": len(getattr(split, role))}
            for role in ("fit", "certify", "test")
        },
        "metrics": {"test": asdict(metrics)},
        "thresholds": [],
        "levels": {},
        "drift_reference": None,
    }
