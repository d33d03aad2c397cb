"""Transparency sheet: a page of Markdown on what a model decides, and how far to trust it."""

from collections.abc import Mapping, Sequence
from typing import Any

from libelle.reports.formats import Language
from libelle.reports.rendering import render_template


def render_sheet(
    manifest: Mapping[str, Any],
    *,
    lang: Language,
    levels: Sequence[Mapping[str, Any]] = (),
    segments: Mapping[str, Any] | None = None,
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
        Metrics on the test part, as `libelle.evaluation.assess` returns them.
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
        segments=segments,
        purpose=purpose,
        contact=contact,
        digest=digest,
    )
