"""Reports: what is written for people: the evaluation report and the transparency sheet."""

from libelle.reports.evaluation import render_report
from libelle.reports.headline import headline
from libelle.reports.sheet import render_sheet

__all__ = ["headline", "render_report", "render_sheet"]
