"""Evaluation report: one HTML file, whole, without a script, for whoever answers for the errors."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from libelle.figures import (
    cost_chart,
    coverage_chart,
    per_code_chart,
    reliability_chart,
)
from libelle.reports.formats import Language
from libelle.reports.headline import headline
from libelle.reports.rendering import render_template
from libelle.reports.words import WORDS

TEMPLATE = "evaluation.html.j2"


def render_report(assessment: Mapping[str, Any], *, lang: Language, now: datetime) -> str:
    """Return the report of an evaluation as one HTML page that needs nothing else.

    Parameters
    ----------
    assessment : mapping
        As `libelle.evaluation.assess` returns it; texts are quoted when it holds some.
    lang : {"fr", "en"}
    now : datetime
        In UTC; written in the page.

    Raises
    ------
    MissingPackageError
        If Altair or Jinja2 is not installed.
    """
    return render_template(
        TEMPLATE,
        lang,
        escaped=True,
        w=WORDS[lang],
        sentences=headline(assessment, lang=lang),
        written_at=f"{now:%Y-%m-%d %H:%M} UTC",
        charts=_charts(assessment, lang),
        quoted={(row["code"], row["answered"]): row["texts"] for row in assessment["examples"]},
        **assessment,
    )


def _charts(assessment: Mapping[str, Any], lang: Language) -> dict[str, str]:
    """Return the pictures as SVG, by name."""
    thresholds = [
        {**threshold, "coverage": threshold["here"]["coverage"]}
        for threshold in assessment["thresholds"]
        if threshold["here"]
    ]
    bins, costs = assessment["calibration"]["reliability"], assessment["costs"]
    drawn = {
        "curve": coverage_chart(assessment["curve"], thresholds, image="svg", lang=lang),
        "reliability": reliability_chart(bins, image="svg", lang=lang),
        "codes": per_code_chart(assessment["codes"], image="svg", lang=lang),
    }
    if costs:
        drawn["costs"] = cost_chart(costs["curve"], costs["best"], image="svg", lang=lang)
    return {name: svg.decode() for name, svg in drawn.items()}
