"""Reports: what is written for people: on an evaluation, on drift, and the transparency sheet."""

from libelle.reports.drift import render_drift_digest, render_drift_report
from libelle.reports.evaluation import render_report
from libelle.reports.headline import headline
from libelle.reports.sheet import render_sheet

__all__ = [
    "headline",
    "render_drift_digest",
    "render_drift_report",
    "render_report",
    "render_sheet",
]
