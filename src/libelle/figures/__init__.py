"""Figures: every chart, drawn by Altair, written as PNG or SVG without a browser or a network."""

from libelle.figures.drawing import Image, Language
from libelle.figures.drift import (
    code_changes_chart,
    confidences_chart,
    lengths_chart,
)
from libelle.figures.evaluation import (
    confusions_chart,
    cost_chart,
    coverage_chart,
    per_code_chart,
    reliability_chart,
)
from libelle.figures.weeks import codes_by_week_chart, weeks_chart

__all__ = [
    "Image",
    "Language",
    "code_changes_chart",
    "codes_by_week_chart",
    "confidences_chart",
    "confusions_chart",
    "cost_chart",
    "coverage_chart",
    "lengths_chart",
    "per_code_chart",
    "reliability_chart",
    "weeks_chart",
]
