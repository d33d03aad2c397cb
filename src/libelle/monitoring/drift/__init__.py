"""Drift: how far the texts of today are from those that the model was made for."""

from libelle.monitoring.drift.changes import Change
from libelle.monitoring.drift.comparisons import Comparison
from libelle.monitoring.drift.domain import Domain
from libelle.monitoring.drift.expectation import ExpectedAccuracy
from libelle.monitoring.drift.published import (
    PublishedDrift,
    drift_beside,
    publish_drift,
    read_drift,
)
from libelle.monitoring.drift.segments import Segment, find_segments
from libelle.monitoring.drift.sentences import (
    Sentences,
    describe_change,
    describe_expectation,
    describe_finding,
)
from libelle.monitoring.drift.severity import SIZES, Finding, Severity
from libelle.monitoring.drift.study import DriftStudy, study_drift
from libelle.monitoring.drift.weeks import (
    WEEK_COLUMNS,
    WeekCounts,
    count_codes_by_week,
    count_weeks,
)
from libelle.monitoring.drift.windows import COLUMNS, TEXT_COLUMNS

__all__ = [
    "COLUMNS",
    "SIZES",
    "TEXT_COLUMNS",
    "WEEK_COLUMNS",
    "Change",
    "Comparison",
    "Domain",
    "DriftStudy",
    "ExpectedAccuracy",
    "Finding",
    "PublishedDrift",
    "Segment",
    "Sentences",
    "Severity",
    "WeekCounts",
    "count_codes_by_week",
    "count_weeks",
    "describe_change",
    "describe_expectation",
    "describe_finding",
    "drift_beside",
    "find_segments",
    "publish_drift",
    "read_drift",
    "study_drift",
]
