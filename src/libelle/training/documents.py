"""Documents: what a training leaves for people to read, beside the model; none quotes a text."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from libelle.data.datasets import Dataset
from libelle.data.levels import code_at_level
from libelle.errors import MissingPackageError
from libelle.evaluation import (
    DOMAIN_COLUMN,
    MOST_SEGMENTS,
    assess,
    cost_curve,
    error_coverage_curve,
)
from libelle.figures import cost_chart, coverage_chart
from libelle.predictor import Predictor
from libelle.reports import render_report, render_sheet
from libelle.reports.formats import Language
from libelle.reports.sheet import Part
from libelle.training.certification import Judged, answers_of_codes
from libelle.training.configuration import TrainingConfiguration
from libelle.training.runlog import RunLog

logger = logging.getLogger(__name__)
LANGUAGES: tuple[Language, ...] = ("fr", "en")


def log_exploration(
    run_log: RunLog,
    predictor: Predictor,
    out_of_fold: Judged | None,
    configuration: TrainingConfiguration,
) -> None:
    """Log error against coverage, and the cost curve when costs are given.

    They come from out-of-fold answers: they help to choose a target for the next time, and prove
    nothing. The points that are certified stand on the picture.
    """
    if out_of_fold is None:
        return
    confidences, wrong = answers_of_codes(predictor, out_of_fold)
    curve = error_coverage_curve(confidences, wrong)
    _log_json(run_log, "coverage.json", {"exploration": True, "curve": curve})
    certified = [one for one in predictor.manifest["thresholds"] if one["threshold"] is not None]
    _log_picture(run_log, "coverage", lambda: coverage_chart(curve, certified))
    if configuration.cost_review is None or configuration.cost_error is None:
        return
    costs = cost_curve(
        confidences,
        wrong,
        cost_review=configuration.cost_review,
        cost_error=configuration.cost_error,
    )
    _log_json(run_log, "costs.json", {"exploration": True, **costs.to_dict()})
    _log_picture(run_log, "costs", lambda: cost_chart(costs.rows(), costs.row(costs.best)))


def log_documents(run_log: RunLog, predictor: Predictor, test: Dataset) -> None:
    """Log the evaluation report and the transparency sheet, in French and English."""
    try:
        assessment = _assess_by_domain(predictor, test)
        for lang in LANGUAGES:
            report = render_report(assessment, lang=lang, now=datetime.now(UTC))
            run_log.log_artifact(f"report.{lang}.html", report.encode("utf-8", "replace"))
    except MissingPackageError as error:
        logger.warning("%s The run has no report.", error)
        return
    log_sheets(run_log, predictor, assessment)


def log_sheets_of_certification(run_log: RunLog, predictor: Predictor, fresh: Dataset) -> None:
    """Log the sheet of a model under new promises, as it does on the texts that proved them."""
    log_sheets(run_log, predictor, _assess_by_domain(predictor, fresh), measured_on="certify")


def log_sheets(
    run_log: RunLog,
    predictor: Predictor,
    assessment: Mapping[str, Any],
    *,
    measured_on: Part = "test",
) -> None:
    """Log the transparency sheet of a saved model, with its metrics by level and domain."""
    configuration = predictor.manifest.get("configuration", {})
    try:
        for lang in LANGUAGES:
            sheet = render_sheet(
                predictor.manifest,
                lang=lang,
                levels=assessment["levels"],
                segments=assessment["segments"],
                measured_on=measured_on,
                purpose=configuration.get("purpose", ""),
                contact=configuration.get("contact", ""),
                digest=predictor.digest,
            )
            run_log.log_artifact(f"sheet.{lang}.md", sheet.encode("utf-8", "replace"))
    except MissingPackageError as error:
        logger.warning("%s The run has no transparency sheet.", error)


def _assess_by_domain(predictor: Predictor, dataset: Dataset) -> dict[str, Any]:
    """Evaluate a model, for each code at the top of the nomenclature too, if they are not many."""
    nomenclature = predictor.nomenclature
    domains = [
        f"{code} {title}" if (title := nomenclature.title_of(code)) != code else code
        for code in (code_at_level(code, 1, nomenclature) for code in dataset.codes)
    ]
    few = len(set(domains)) <= MOST_SEGMENTS
    return assess(
        predictor, dataset, segments=domains if few else None, segment_column=DOMAIN_COLUMN
    )


def _log_json(run_log: RunLog, name: str, content: dict[str, Any]) -> None:
    run_log.log_artifact(name, json.dumps(content, ensure_ascii=False, indent=1).encode())


def _log_picture(run_log: RunLog, name: str, draw: Callable[[], bytes]) -> None:
    try:
        run_log.log_artifact(f"figures/{name}.png", draw())
    except MissingPackageError as error:
        logger.warning("%s The table is logged without its picture.", error)
