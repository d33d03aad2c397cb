"""Figures of drift: the texts of today beside those of the reference, and week after week."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from libelle.figures.drawing import (
    GUARANTEED,
    HEIGHT,
    INDICATIVE,
    QUIET,
    RIGHT,
    WIDTH,
    WRONG,
    Image,
    Language,
    draw,
    import_altair,
    share,
)

N_CONFIDENCE_BARS = 20
MOST_WORDS_SHOWN = 30
N_CHANGES_SHOWN, N_CODES_SHOWN = 10, 5
MOST_LETTERS = 38

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "after": "current",
        "automatic": "automatic",
        "before": "reference",
        "codes": "Codes whose share changed",
        "codes_by_week": "Their share, week after week",
        "confidence": "confidence",
        "confidences": "Confidence of the model",
        "lengths": "Length of the texts",
        "n_texts": "distinct texts",
        "n_words": "number of words",
        "refused": "refused",
        "review": "to review",
        "share": "share of the texts",
        "week": "week",
        "weeks": "What became of the texts of each week",
    },
    "fr": {
        "after": "actuel",
        "automatic": "automatiques",
        "before": "référence",
        "codes": "Codes dont la part a changé",
        "codes_by_week": "Leur part, semaine après semaine",
        "confidence": "indice de confiance",
        "confidences": "Indice de confiance du modèle",
        "lengths": "Longueur des libellés",
        "n_texts": "libellés différents",
        "n_words": "nombre de mots",
        "refused": "refusés",
        "review": "à vérifier",
        "share": "part des libellés",
        "week": "semaine",
        "weeks": "Ce que sont devenus les libellés de chaque semaine",
    },
}


def confidences_chart(
    before: Sequence[int], after: Sequence[int], *, image: Image = "png", lang: Language = "en"
) -> bytes:
    """Draw how confidences were spread, and how they are.

    Parameters
    ----------
    before, after : sequence of int
        Texts in bins of equal width from 0 to 1, as `Profile.confidences` has them.
    image, lang : str
        Of the picture and of its words.

    Returns
    -------
    bytes
        The picture.
    """
    coarse = [
        np.array(counts).reshape(N_CONFIDENCE_BARS, -1).sum(axis=1) for counts in (before, after)
    ]
    places = np.arange(N_CONFIDENCE_BARS) / N_CONFIDENCE_BARS
    altair, words = import_altair(), WORDS[lang]
    x = share(altair.X, "place:Q", words["confidence"], domain=[0, 1])
    return _draw_spreads(coarse, places, x, words["confidences"], image, lang)


def lengths_chart(
    before: Sequence[int], after: Sequence[int], *, image: Image = "png", lang: Language = "en"
) -> bytes:
    """Draw how many words texts had, and how many they have.

    Parameters
    ----------
    before, after : sequence of int
        Texts by number of words, as `Profile.words` has them; the longest are drawn together.
    image, lang : str
        Of the picture and of its words.

    Returns
    -------
    bytes
        The picture.
    """
    cut = [
        np.append(counts[:MOST_WORDS_SHOWN], sum(counts[MOST_WORDS_SHOWN:]))
        for counts in (before, after)
    ]
    altair, words = import_altair(), WORDS[lang]
    x = altair.X("place:Q", title=words["n_words"], axis=altair.Axis(tickMinStep=1))
    return _draw_spreads(cut, np.arange(MOST_WORDS_SHOWN + 1), x, words["lengths"], image, lang)


def code_changes_chart(
    changes: Sequence[Mapping[str, Any]], *, image: Image = "png", lang: Language = "en"
) -> bytes:
    """Draw the share of some codes, before and after.

    Parameters
    ----------
    changes : sequence of mapping
        `name`, `title`, `share_before` and `share_after`, surest first.
    image, lang : str
        Of the picture and of its words.

    Returns
    -------
    bytes
        The picture.
    """
    altair, words = import_altair(), WORDS[lang]
    periods = {words["before"]: "share_before", words["after"]: "share_after"}
    rows = [
        {"name": _name(change), "period": period, "share": change[field]}
        for change in changes[:N_CHANGES_SHOWN]
        for period, field in periods.items()
    ]
    y = altair.Y("name:N", sort=None, title=None, axis=altair.Axis(labelLimit=260))
    base = altair.Chart(altair.Data(values=rows))
    lines = base.mark_line(color=QUIET, strokeWidth=2).encode(
        x=share(altair.X, "share:Q", words["share"]), y=y, detail="name:N"
    )
    points = base.mark_circle(size=110, opacity=1).encode(
        x=share(altair.X, "share:Q", words["share"]), y=y, color=_period_color(altair, words)
    )
    chart = altair.layer(lines, points, title=words["codes"])
    return draw(chart.properties(width=WIDTH - 120, height=altair.Step(26)), image, lang)


def codes_by_week_chart(
    shares: Sequence[Mapping[str, Any]], *, image: Image = "png", lang: Language = "en"
) -> bytes:
    """Draw the share of some codes week after week.

    Parameters
    ----------
    shares : sequence of mapping
        `week`, `code`, `title` and `share`, as `count_codes_by_week` gives them.
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
        {"week": row["week"], "name": _name(row, "code"), "share": row["share"]}
        for row in shares
        if row["code"] in names
    ]
    legend = altair.Legend(orient="bottom", columns=1, labelLimit=WIDTH)
    chart = (
        altair.Chart(altair.Data(values=rows), title=words["codes_by_week"])
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=_weeks(altair, words),
            y=share(altair.Y, "share:Q", words["share"]),
            color=altair.Color("name:N", sort=None, title=None, legend=legend),
        )
    )
    return draw(chart.properties(width=WIDTH, height=HEIGHT), image, lang)


def weeks_chart(
    weeks: Sequence[Mapping[str, Any]], *, image: Image = "png", lang: Language = "en"
) -> bytes:
    """Draw what became of the texts of each week, and how many they were.

    Parameters
    ----------
    weeks : sequence of mapping
        `week`, `n_texts`, and the shares `automatic`, `review` and `refused`, as `count_weeks`
        gives them.
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
    legend = altair.Legend(orient="bottom")
    lines = (
        altair.Chart(altair.Data(values=rows), title=words["weeks"])
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=_weeks(altair, words),
            y=share(altair.Y, "share:Q", words["share"], domain=[0, 1]),
            color=altair.Color("decision:N", title=None, scale=colors, legend=legend),
        )
        .properties(width=WIDTH, height=HEIGHT - 60)
    )
    bars = (
        altair.Chart(altair.Data(values=list(weeks)))
        .mark_bar(color=QUIET, width=14)
        .encode(x=_weeks(altair, words), y=altair.Y("n_texts:Q", title=words["n_texts"]))
        .properties(width=WIDTH, height=60)
    )
    return draw(altair.vconcat(lines, bars), image, lang)


def _draw_spreads(
    counts: Sequence[Any], places: Any, x: Any, title: str, image: Image, lang: Language
) -> bytes:
    """Draw two distributions as shares, one over the other."""
    altair, words = import_altair(), WORDS[lang]
    rows = [
        {"place": place, "period": words[period], "share": n_texts / max(1, sum(column))}
        for period, column in zip(("before", "after"), counts, strict=True)
        for place, n_texts in zip(places.tolist(), column.tolist(), strict=True)
    ]
    chart = (
        altair.Chart(altair.Data(values=rows), title=title)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=x,
            y=share(altair.Y, "share:Q", words["share"]),
            color=_period_color(altair, words),
        )
    )
    return draw(chart.properties(width=WIDTH, height=HEIGHT), image, lang)


def _period_color(altair: Any, words: Mapping[str, str]) -> Any:
    domain = [words["before"], words["after"]]
    scale = altair.Scale(domain=domain, range=[QUIET, RIGHT])
    legend = altair.Legend(orient="bottom")
    return altair.Color("period:N", title=None, scale=scale, legend=legend)


def _weeks(altair: Any, words: Mapping[str, str]) -> Any:
    scale, axis = altair.Scale(type="utc"), altair.Axis(format="%-d %b", labelOverlap=True)
    return altair.X("week:T", title=words["week"], scale=scale, axis=axis)


def _name(row: Mapping[str, Any], field: str = "name") -> str:
    title = row["title"] if row["title"] == row[field] else f"{row[field]} {row['title']}"
    return title if len(title) <= MOST_LETTERS else f"{title[: MOST_LETTERS - 1]}…"
