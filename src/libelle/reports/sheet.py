"""Transparency sheet: a page of Markdown on what a model decides, and how far to trust it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from libelle.evaluation import DOMAIN_COLUMN
from libelle.reports.formats import Language
from libelle.reports.rendering import render_template

Part = Literal["test", "certify"]
MOST_ROWS = 30


def render_sheet(
    manifest: Mapping[str, Any],
    *,
    lang: Language,
    levels: Sequence[Mapping[str, Any]] = (),
    segments: Mapping[str, Any] | None = None,
    measured_on: Part = "test",
    purpose: str = "",
    contact: str = "",
    digest: str = "",
) -> str:
    """Return the sheet of a model as Markdown; it quotes no text.

    Parameters
    ----------
    manifest : mapping
        Of the model: name, data, metrics, thresholds.
    lang : {"fr", "en"}
    levels, segments
        Metrics, as `libelle.evaluation.assess` returns them.
    measured_on : {"test", "certify"}
        On which texts.
    purpose, contact : str
        What the codes are used for, and who answers for them; a blank to fill when empty.
    digest : str
        Of the model, once saved.
    """
    return render_template(
        f"sheet.{lang}.md.j2",
        lang,
        escaped=False,
        name=str(manifest["name"]),
        version=str(manifest.get("package_version", "")),
        family=str((manifest.get("classifier") or {}).get("family", "")),
        data=manifest.get("data") or {},
        metrics=(manifest.get("metrics") or {}).get("test") or {},
        thresholds=manifest.get("thresholds") or [],
        prediction_sets=manifest.get("prediction_sets"),
        levels=levels,
        segments=_largest(segments),
        measured_on=measured_on,
        purpose=purpose,
        contact=contact,
        digest=digest,
    )


def _largest(segments: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the segments that have most texts, and how many others there are."""
    if segments is None:
        return None
    rows = segments["rows"]
    return {
        "by_domain": segments["column"] == DOMAIN_COLUMN,
        "column": segments["column"],
        "rows": rows[:MOST_ROWS],
        "n_others": max(0, len(rows) - MOST_ROWS),
    }
