"""Figures: every chart, drawn by Altair, written as PNG or SVG without a browser or a network."""

from libelle.figures.drawing import Image, Language
from libelle.figures.drift import code_changes_chart, confidences_chart, lengths_chart
from libelle.figures.evaluation import (
    WORDS,
    confusions_chart,
    cost_chart,
    coverage_chart,
    per_code_chart,
    reliability_chart,
)
from libelle.figures.traffic import (
    bars_chart,
    confidence_chart,
    days_chart,
    hours_chart,
    lines_chart,
    share_chart,
)
from libelle.figures.weeks import codes_by_week_chart, weeks_chart

__all__ = [
    "WORDS",
    "Image",
    "Language",
    "bars_chart",
    "code_changes_chart",
    "codes_by_week_chart",
    "confidence_chart",
    "confidences_chart",
    "confusions_chart",
    "cost_chart",
    "coverage_chart",
    "days_chart",
    "hours_chart",
    "lengths_chart",
    "lines_chart",
    "per_code_chart",
    "reliability_chart",
    "share_chart",
    "weeks_chart",
]
