"""Drift report: what changed, said first and shown after, as one HTML file or as a few lines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from libelle.figures import (
    code_changes_chart,
    codes_by_week_chart,
    confidences_chart,
    lengths_chart,
    weeks_chart,
)
from libelle.reports.drift_words import WORDS
from libelle.reports.formats import Language, format_day
from libelle.reports.rendering import render_template

TEMPLATE = "drift.html.j2"
SHOWN_DIGITS = 8  # Of a pseudonym.


def render_drift_report(
    study: Mapping[str, Any],
    *,
    model: Mapping[str, Any],
    weeks: Sequence[Mapping[str, Any]],
    codes_by_week: Sequence[Mapping[str, Any]],
    segments: Sequence[Mapping[str, Any]] = (),
    top_codes_by_week: Sequence[Mapping[str, Any]] = (),
    lang: Language,
    now: datetime,
) -> str:
    """Return the report of a study of drift as one HTML page that needs nothing else.

    Parameters
    ----------
    study : mapping
        As `DriftStudy.to_dict` gives it.
    model : mapping
        `name` and `digest`.
    weeks, codes_by_week : sequence of mapping
        As `count_weeks` and `count_codes_by_week` give them.
    segments : sequence of mapping
        As `Segment.to_dict` gives them.
    top_codes_by_week : sequence of mapping
        As `count_codes_by_week` gives them, of the segments by code.
    lang : {"fr", "en"}
    now : datetime
        In UTC; written in the page.

    Raises
    ------
    MissingPackageError
        If Altair or Jinja2 is not installed.
    """
    words = WORDS[lang]
    return render_template(
        TEMPLATE,
        lang,
        escaped=True,
        w=words,
        model=model,
        written_at=f"{now:%Y-%m-%d %H:%M} UTC",
        headline=_headline(study, words),
        sentences=study["sentences"][lang],
        context=_context(study, lang),
        tiles=_tiles(study),
        weeks=weeks,
        charts=_charts(study, weeks, codes_by_week, top_codes_by_week, lang),
        segments=_segments(segments, words),
        study=study,
    )


def render_drift_digest(
    study: Mapping[str, Any], *, model: Mapping[str, Any], lang: Language
) -> str:
    """Return a study of drift as plain text, for a message: the sentences, and what to do.

    Parameters
    ----------
    study : mapping
        As `DriftStudy.to_dict` gives it.
    model : mapping
        `name` and `digest`.
    lang : {"fr", "en"}
    """
    words = WORDS[lang]
    notes = [words[f"note_{note}"] for note in study["notes"]]
    lines = [
        f"{words['title']} {model['name']} ({words['digest']} {model['digest'][:12]})",
        _context(study, lang),
        "",
        words[f"severity_{study['severity']}"],
        *(f"- {sentence}" for sentence in [*study["sentences"][lang], *notes]),
        "",
        f"{words['todo']} {words['todo_' + study['severity']]}",
    ]
    return "\n".join(lines) + "\n"


def _headline(study: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, str]:
    severity = study["severity"]
    return {
        "severity": words[f"severity_{severity}"],
        "todo": f"{words['todo']} {words[f'todo_{severity}']}",
        # As the style sheet calls good, doubtful and bad news.
        "tone": {"none": "held", "high": "broken"}.get(severity, "unclear"),
    }


def _context(study: Mapping[str, Any], lang: Language) -> str:
    words = WORDS[lang]
    period = words["period"].format(**_days(study["current"], lang))
    against = words[f"against_{study['reference_kind']}"].format(**_days(study["reference"], lang))
    return f"{period}, {against}"


def _days(profile: Mapping[str, Any], lang: Language) -> dict[str, str]:
    return {name: format_day(profile[name], lang) for name in ("since", "until")}


def _tiles(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures that a reader looks at, with those of the reference."""
    before, after = (_shares(study[name]) for name in ("reference", "current"))
    common = set(study["reference"]["automatic"]) & set(study["current"]["automatic"])
    automatic = [
        (
            study[name]["automatic"][next(iter(common))] / max(1, study[name]["n_texts"])
            if len(common) == 1
            else None
        )
        for name in ("reference", "current")
    ]
    return {
        "n_texts": (study["reference"]["n_texts"], study["current"]["n_texts"]),
        "automatic": automatic,
        "refused": (before["refused"], after["refused"]),
        "unknown": (before["unknown"], after["unknown"]),
    }


def _shares(profile: Mapping[str, Any]) -> dict[str, float]:
    words = profile["word_sums"]
    return {
        "refused": sum(profile["refusals"].values()) / max(1, profile["n_texts"]),
        "unknown": words["u"] / max(1, words["w"]),
    }


def _segments(
    segments: Sequence[Mapping[str, Any]], words: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, Mapping[str, Any]]]]]:
    """Return the segments of each kind with their names, under the name of the kind."""
    kinds: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for segment in segments:
        name = name_segment(segment["kind"], segment["name"], segment["title"], words)
        kinds.setdefault(words[f"by_{segment['kind']}"], []).append((name, segment))
    return list(kinds.items())


def name_segment(kind: str, name: str, title: str, words: Mapping[str, str]) -> str:
    """Return a segment as it is read: a code with its title, or whom a pseudonym stands for."""
    if kind == "client":
        return f"{words['application']} {name[:SHOWN_DIGITS]}" if name else words["nobody"]
    return title if title == name else f"{name} {title}"


def _charts(
    study: Mapping[str, Any],
    weeks: Sequence[Mapping[str, Any]],
    codes_by_week: Sequence[Mapping[str, Any]],
    top_codes_by_week: Sequence[Mapping[str, Any]],
    lang: Language,
) -> dict[str, str]:
    """Return the pictures as SVG, by name."""
    before, after = study["reference"], study["current"]
    started = after["since"]
    since = started if weeks and weeks[0]["week"] < (started or "") else None
    drawn = {
        "confidences": confidences_chart(
            before["confidences"], after["confidences"], image="svg", lang=lang
        ),
        "lengths": lengths_chart(before["words"], after["words"], image="svg", lang=lang),
        "weeks": weeks_chart(weeks, since=since, image="svg", lang=lang),
    }
    if study["codes"]:
        drawn["codes"] = code_changes_chart(study["codes"], image="svg", lang=lang)
        drawn["codes_by_week"] = codes_by_week_chart(
            codes_by_week, since=since, image="svg", lang=lang
        )
    if top_codes_by_week:
        drawn["top_codes_by_week"] = codes_by_week_chart(
            top_codes_by_week, since=since, image="svg", lang=lang
        )
    return {name: svg.decode() for name, svg in drawn.items()}
