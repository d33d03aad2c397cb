"""Figures: every chart, drawn by Altair, written as PNG or SVG without a browser or a network."""

from libelle.figures.drawing import Image, Language
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
    share_chart,
)

__all__ = [
    "WORDS",
    "Image",
    "Language",
    "bars_chart",
    "confidence_chart",
    "confusions_chart",
    "cost_chart",
    "coverage_chart",
    "days_chart",
    "hours_chart",
    "per_code_chart",
    "reliability_chart",
    "share_chart",
]
