"""Evaluation: how good the answers are, on texts never seen, and whether the promise held."""

from libelle.evaluation.assessment import (
    DOMAIN_COLUMN,
    MOST_SEGMENTS,
    ModelAnswers,
    answer_dataset,
    assess,
)
from libelle.evaluation.calibration import (
    N_CALIBRATION_BINS,
    classwise_calibration_error,
    expected_calibration_error,
    reliability,
)
from libelle.evaluation.comparison import compare_models, mcnemar_p_value
from libelle.evaluation.costs import CostCurve, cost_curve
from libelle.evaluation.coverage import error_coverage_curve
from libelle.evaluation.metrics import (
    Metrics,
    evaluate,
    f1_by_code,
    log_loss,
    macro_f1,
    macro_f1_of_columns,
    metrics_by_code,
    metrics_of,
    targets_of,
    worst_confusions,
)
from libelle.evaluation.promise import Outcome, check_promise, error_interval
from libelle.evaluation.scores import Ints

__all__ = [
    "DOMAIN_COLUMN",
    "MOST_SEGMENTS",
    "N_CALIBRATION_BINS",
    "CostCurve",
    "Ints",
    "Metrics",
    "ModelAnswers",
    "Outcome",
    "answer_dataset",
    "assess",
    "check_promise",
    "classwise_calibration_error",
    "compare_models",
    "cost_curve",
    "error_coverage_curve",
    "error_interval",
    "evaluate",
    "expected_calibration_error",
    "f1_by_code",
    "log_loss",
    "macro_f1",
    "macro_f1_of_columns",
    "mcnemar_p_value",
    "metrics_by_code",
    "metrics_of",
    "reliability",
    "targets_of",
    "worst_confusions",
]
