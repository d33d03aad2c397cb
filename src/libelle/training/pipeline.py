"""Pipeline: one training from coded texts to a saved and evaluated predictor."""

import hashlib
import json
import logging
import os
import platform
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import libelle
from libelle.classifiers.base import Floats, softmax
from libelle.classifiers.calibrated import CalibratedClassifier, Calibration
from libelle.data.datasets import Dataset, Split, make_folds, split_dataset
from libelle.data.fingerprints import Fingerprints
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer
from libelle.decision import Decision, RefusalRules, decide
from libelle.errors import DataError, MissingPackageError
from libelle.evaluation import (
    Metrics,
    evaluate,
    metrics_by_code,
    reliability,
    worst_confusions,
)
from libelle.figures import confusions_chart, per_code_chart, reliability_chart
from libelle.predictor import Predictor, Scored
from libelle.profile import REFERENCE
from libelle.training.calibration import CalibrationChoice, choose_calibration
from libelle.training.certification import (
    Judged,
    Targets,
    certify,
    judged_rows,
    one_row_per_key,
)
from libelle.training.configuration import AFTER_SEARCH, TrainingConfiguration
from libelle.training.documents import log_documents, log_exploration
from libelle.training.folds import Study, reserve
from libelle.training.reference import make_reference
from libelle.training.runlog import NullProgress, NullRunLog, Progress, RunLog
from libelle.training.selection import Trial
from libelle.training.space import Specification
from libelle.training.tuning import search

logger = logging.getLogger(__name__)

FINGERPRINTS = "seen.bin"


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
    automation : dict
        How many distinct texts of the test part got each decision, and how many were wrong.
    split : Split
    trial : Trial
        The winner.
    """

    predictor: Predictor
    folder: Path
    metrics: Metrics
    automation: dict[str, int]
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
    asked: Mapping[str, Any] | None = None,
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
    asked : mapping or None
        What was asked beside the configuration (files, columns): noted with the run, not in the
        model, which does not depend on where its texts lay.

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
    tags = {
        "libelle_version": libelle.__version__,
        "dataset": dataset.name,
        "reproducible": str(configuration.minutes is None).lower(),
    }
    with reserve(folder):
        noted = {**configuration.to_dict(), **(asked or {})}
        run_log.start(name=name, configuration=noted, tags=tags)
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
    choice = choose_calibration(
        scores, study.targets, study.folds, study.log_priors, metric=configuration.metric
    )
    predictor = _fit_predictor(
        split.fit,
        trial.specification,
        choice.calibration,
        nomenclature,
        RefusalRules.without(configuration.rules_off),
    )
    predictor.manifest = _describe(name, split, configuration, trial, choice)
    predictor.provenance = _describe_machine(started_at, workers)
    run_log.log_artifact("calibration.json", json.dumps(choice.to_dict(), indent=1).encode())
    out_of_fold = choice.calibration.probabilities(scores, study.log_priors)
    _log_reliability(run_log, {"before": softmax(scores), "after": out_of_fold}, study.targets)
    progress.phase("certify")
    explored = _explore(predictor, split.fit, out_of_fold, seed=configuration.seed)
    promises = _certify(predictor, split, configuration, out_of_fold, explored)
    predictor = predictor.promising(promises)
    log_exploration(run_log, predictor, explored, configuration)
    progress.phase("test")
    metrics, automation = _evaluate_once(predictor, split.test, run_log)
    predictor.manifest = {
        **predictor.manifest,
        "metrics": {"test": asdict(metrics)},
        "automation": {"test": automation},
        REFERENCE: make_reference(
            predictor, (split.certify, split.test), seed=configuration.seed
        ).to_dict(),
    }
    progress.phase("save")
    run_log.log_artifact(FINGERPRINTS, _fingerprint(split).to_bytes())
    run_log.log_model(predictor.save(output))
    log_documents(run_log, predictor, split.test)
    shutil.rmtree(study.folder, ignore_errors=True)
    return TrainingResult(predictor, output, metrics, automation, split, trial)


def _fit_predictor(
    fit: Dataset,
    specification: Specification,
    calibration: Calibration,
    nomenclature: Nomenclature | None,
    refusals: RefusalRules,
) -> Predictor:
    """Fit the winner on all texts."""
    normalizer = Normalizer(specification.normalizer)
    inside = specification.make_classifier()
    classifier = CalibratedClassifier(classifier=inside, calibration=calibration)
    classifier.fit(normalizer.normalize_many(fit.texts), fit.codes)
    return Predictor(
        normalizer=normalizer,
        classifier=classifier,
        nomenclature=nomenclature or Nomenclature.from_codes(classifier.classes_),
        about={},
        refusals=refusals,
    )


def _explore(
    predictor: Predictor, fit: Dataset, out_of_fold: Floats, *, seed: int
) -> Judged | None:
    """Return the distinct texts of fit, as the folds that did not learn from them answered."""
    return judged_rows(predictor, fit, one_row_per_key(fit.keys, seed=seed), out_of_fold)


def _certify(
    predictor: Predictor,
    split: Split,
    configuration: TrainingConfiguration,
    out_of_fold: Floats,
    explored: Judged | None,
) -> dict[str, Any]:
    """Prove what can be promised; the labels to certify on are looked at here, once."""
    unlearnable = _draw_unlearnable(split, seed=configuration.seed)
    return certify(
        predictor,
        split.certify,
        Targets(
            target_errors=configuration.target_errors,
            delta=configuration.delta,
            rule=configuration.rule,
            sets=configuration.sets,
            indicative=configuration.indicative,
        ),
        seed=configuration.seed,
        unlearnable=judged_rows(predictor, split.fit, unlearnable, out_of_fold),
        out_of_fold=explored,
    )


def _draw_unlearnable(split: Split, *, seed: int) -> list[int]:
    """Return rows of fit that would have been drawn to certify, had their code another text.

    A code with a single key is never held out: it would be unknown to the model. Texts to come may
    have such codes too, so a share of these texts counts among those to certify on, as the folds
    that lacked their code answered them.
    """
    fit = split.fit
    if fit.dates is not None or fit.groups is not None:
        return []  # Sides are then whole periods or groups, codes with a single key included.
    rows = one_row_per_key(fit.keys, seed=seed)
    n_keys = Counter(fit.codes[row] for row in rows)
    held_out = {*split.certify.codes, *split.test.codes}
    alone = [row for row in rows if n_keys[fit.codes[row]] == 1 and fit.codes[row] not in held_out]
    n_certify = len(set(split.certify.keys))
    n_others = len(rows) - len(alone) + n_certify + len(set(split.test.keys))
    n_drawn = round(len(alone) * n_certify / max(1, n_others))
    drawn = np.random.default_rng(seed).permutation(len(alone))[:n_drawn]
    return [alone[place] for place in sorted(drawn.tolist())]


def _evaluate_once(
    predictor: Predictor, test: Dataset, run_log: RunLog
) -> tuple[Metrics, dict[str, int]]:
    """Measure the predictor on texts that nothing looked at before; codes only are logged."""
    scored = predictor.score(test.texts)
    metrics = evaluate(scored.probabilities, test.codes, predictor.codes)
    answers = [predictor.codes[column] for column in scored.probabilities.argmax(axis=1)]
    _log_evaluation(run_log, metrics, test.codes, answers, scored.confidences)
    drawn = one_row_per_key(test.keys, seed=0)
    automation = _count_decisions(predictor, scored, answers, test.codes, drawn)
    run_log.log_metrics({f"test_{name}": float(count) for name, count in automation.items()})
    return metrics, automation


def _count_decisions(
    predictor: Predictor,
    scored: Scored,
    answers: Sequence[str],
    codes: Sequence[str],
    rows: Sequence[int],
) -> dict[str, int]:
    """Count the decisions on distinct texts, which is what the promise is about."""
    counts = {"n_distinct_texts": len(rows), **{f"n_{decision}": 0 for decision in Decision}}
    n_right = n_errors = 0
    for row in rows:
        decision, _ = decide(
            scored.refusals[row], float(scored.confidences[row]), predictor.guarantee
        )
        counts[f"n_{decision}"] += 1
        right = answers[row] == codes[row]
        n_right += right
        n_errors += decision is Decision.AUTOMATIC and not right
    return {**counts, "n_right": n_right, "n_automatic_errors": n_errors}


def _fingerprint(split: Split) -> Fingerprints:
    """Return what recognises the texts seen: kept with the run, never in the model."""
    seen = Fingerprints()
    for part in (split.fit, split.certify, split.test):
        seen = seen.adding(part.keys)
    return seen


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
    searched = {
        name: value for name, value in configuration.to_dict().items() if name not in AFTER_SEARCH
    }
    content = json.dumps([libelle.__version__, searched], sort_keys=True).encode()
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
        "n_without_code": {
            "all": split.fit.n_missing_codes,
            "test": split.test.n_missing_codes,
        },
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


def _log_reliability(
    run_log: RunLog, probabilities: Mapping[str, Floats], targets: NDArray[np.int64]
) -> None:
    """Log how often texts of each confidence are right, before and after calibration."""
    tables = {
        when: reliability(rows.max(axis=1), rows.argmax(axis=1) == targets)
        for when, rows in probabilities.items()
    }
    content = {"bins": "equal mass", "n_bins": len(tables["after"]), **tables}
    run_log.log_artifact("reliability_out_of_fold.json", json.dumps(content, indent=1).encode())
    try:
        for when, rows in tables.items():
            run_log.log_artifact(f"figures/reliability_{when}.png", reliability_chart(rows))
    except MissingPackageError as error:
        logger.warning("%s The tables are logged without their pictures.", error)


def _describe(
    name: str,
    split: Split,
    configuration: TrainingConfiguration,
    trial: Trial,
    choice: CalibrationChoice,
) -> dict[str, Any]:
    """Return what the manifest says beside the classifier, before anything is promised."""
    return {
        "name": name,
        "configuration": configuration.to_dict(),
        "specification": trial.specification.to_dict(),
        "data": {
            role: {"digest": getattr(split, role).digest, "n_texts": len(getattr(split, role))}
            for role in ("fit", "certify", "test")
        },
        "calibration": choice.to_dict(),
    }
