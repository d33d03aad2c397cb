"""Figures by week: what became of the texts of each week, and which codes they got."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from libelle.figures.drawing import (
    GUARANTEED,
    HEIGHT,
    INDICATIVE,
    QUIET,
    WIDTH,
    WRONG,
    Image,
    Language,
    draw,
    import_altair,
    share_axis,
)
from libelle.figures.drift import name_code

N_CODES_SHOWN = 5

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "automatic": "automatic",
        "codes_by_week": "Share of these codes",
        "n_answers": "answers",
        "refused": "refused",
        "review": "to review",
        "share": "share of the answers",
        "since": "studied period →",
        "week": "week",
        "weeks": "What became of the texts of each week",
    },
    "fr": {
        "automatic": "automatiques",
        "codes_by_week": "Part de ces codes",
        "n_answers": "réponses",
        "refused": "refusés",
        "review": "à vérifier",
        "share": "part des réponses",
        "since": "période étudiée →",
        "week": "semaine",
        "weeks": "Ce que sont devenus les libellés de chaque semaine",
    },
}


def codes_by_week_chart(
    shares: Sequence[Mapping[str, Any]],
    *,
    since: str | None = None,
    image: Image = "png",
    lang: Language = "en",
) -> bytes:
    """Draw the share of some codes week after week.

    Parameters
    ----------
    shares : sequence of mapping
        `week`, `code`, `title` and `share`, as `count_codes_by_week` gives them.
    since : str or None
        Day from which texts are studied, ISO 8601: those before are shown for comparison.
    image, lang : str
        Of the picture and of its words.

    Returns
    -------
    bytes
        The picture.
    """
    altair, words = import_altair(), WORDS[lang]
    names = list(dict.fromkeys(row["code"] for row in shares))[:N_CODES_SHOWN]
    rows = [
        {"week": row["week"], "name": name_code(row, "code"), "share": row["share"]}
        for row in shares
        if row["code"] in names
    ]
    legend = altair.Legend(orient="bottom", columns=1, labelLimit=WIDTH)
    x = _weeks(altair, rows, words)
    lines = (
        altair.Chart(altair.Data(values=rows))
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=x,
            y=share_axis(altair.Y, "share:Q", words["share"]),
            color=altair.Color("name:N", sort=None, title=None, legend=legend),
        )
    )
    chart = altair.layer(*_mark(altair, since, x, words), lines, title=words["codes_by_week"])
    return draw(chart.properties(width=WIDTH, height=HEIGHT), image, lang)


def weeks_chart(
    weeks: Sequence[Mapping[str, Any]],
    *,
    since: str | None = None,
    image: Image = "png",
    lang: Language = "en",
) -> bytes:
    """Draw what became of the texts of each week, and how many they were.

    Parameters
    ----------
    weeks : sequence of mapping
        `week`, `n_answers`, and the shares `automatic`, `review` and `refused`, as `count_weeks`
        gives them.
    since : str or None
        Day from which texts are studied, ISO 8601: those before are shown for comparison.
    image, lang : str
        Of the picture and of its words.

    Returns
    -------
    bytes
        The picture.
    """
    altair, words = import_altair(), WORDS[lang]
    decisions = ("automatic", "review", "refused")
    rows = [
        {"week": week["week"], "decision": words[name], "share": week[name]}
        for week in weeks
        for name in decisions
    ]
    colors = altair.Scale(
        domain=[words[name] for name in decisions], range=[GUARANTEED, INDICATIVE, WRONG]
    )
    x = _weeks(altair, rows, words)
    legend = altair.Legend(orient="bottom")
    lines = (
        altair.Chart(altair.Data(values=rows))
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=x,
            y=share_axis(altair.Y, "share:Q", words["share"], domain=[0, 1]),
            color=altair.Color("decision:N", title=None, scale=colors, legend=legend),
        )
    )
    shares = altair.layer(*_mark(altair, since, x, words), lines, title=words["weeks"])
    few_ticks = altair.Axis(tickCount=3)
    same_weeks = altair.Axis(labels=False, ticks=False)
    bars = (
        altair.Chart(altair.Data(values=list(weeks)))
        .mark_bar(color=QUIET, width=14)
        .encode(
            x=altair.X("week:T", title=None, scale=altair.Scale(type="utc"), axis=same_weeks),
            y=altair.Y("n_answers:Q", title=words["n_answers"], axis=few_ticks),
        )
        .properties(width=WIDTH, height=60)
    )
    upper = shares.properties(width=WIDTH, height=HEIGHT - 60)
    return draw(altair.vconcat(upper, bars), image, lang)


def _weeks(altair: Any, rows: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> Any:
    """Return an axis that has a tick on each Monday."""
    mondays = [date.fromisoformat(day) for day in sorted({row["week"] for row in rows})]
    ticks = [altair.DateTime(year=d.year, month=d.month, date=d.day, utc=True) for d in mondays]
    axis = altair.Axis(format="%-d %b", values=ticks, labelOverlap=True)
    return altair.X("week:T", title=words["week"], scale=altair.Scale(type="utc"), axis=axis)


def _mark(altair: Any, since: str | None, x: Any, words: Mapping[str, str]) -> list[Any]:
    """Return the line from which texts are studied, when there are some before."""
    if since is None:
        return []
    base = altair.Chart(altair.Data(values=[{"week": since[:10], "name": words["since"]}]))
    rule = base.mark_rule(color=QUIET, strokeWidth=2, strokeDash=[5, 3]).encode(x=x)
    name = base.mark_text(align="right", dx=-5, y=8, fontSize=10).encode(x=x, text="name:N")
    return [rule, name]
