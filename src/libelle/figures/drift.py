"""Figures of drift: the texts of today beside those of the reference."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from libelle.figures.drawing import (
    HEIGHT,
    QUIET,
    RIGHT,
    WIDTH,
    Image,
    Language,
    draw,
    import_altair,
    share_axis,
)

N_CONFIDENCE_BARS = 20
MOST_WORDS_SHOWN = 30
N_CHANGES_SHOWN = 10
MOST_LETTERS = 34

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "after": "current",
        "before": "reference",
        "codes": "Codes whose share changed",
        "confidence": "confidence",
        "confidences": "Confidence of the model",
        "lengths": "Length of the texts",
        "n_words": "number of words",
        "share": "share of the texts",
    },
    "fr": {
        "after": "actuel",
        "before": "référence",
        "codes": "Codes dont la part a changé",
        "confidence": "indice de confiance",
        "confidences": "Indice de confiance du modèle",
        "lengths": "Longueur des libellés",
        "n_words": "nombre de mots",
        "share": "part des libellés",
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
    places = np.arange(N_CONFIDENCE_BARS + 1) / N_CONFIDENCE_BARS
    altair, words = import_altair(), WORDS[lang]
    x = share_axis(altair.X, "place:Q", words["confidence"], domain=[0, 1])
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
    axis, scale = altair.Axis(tickMinStep=1), altair.Scale(nice=False)
    x = altair.X("place:Q", title=words["n_words"], axis=axis, scale=scale)
    return _draw_spreads(cut, np.arange(MOST_WORDS_SHOWN + 2), x, words["lengths"], image, lang)


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
        {"name": name_code(change), "period": period, "share": change[field]}
        for change in changes[:N_CHANGES_SHOWN]
        for period, field in periods.items()
    ]
    y = altair.Y("name:N", sort=None, title=None, axis=altair.Axis(labelLimit=260))
    base = altair.Chart(altair.Data(values=rows))
    lines = base.mark_line(color=QUIET, strokeWidth=2).encode(
        x=share_axis(altair.X, "share:Q", words["share"]), y=y, detail="name:N"
    )
    points = base.mark_circle(size=110, opacity=1).encode(
        x=share_axis(altair.X, "share:Q", words["share"]), y=y, color=_period_color(altair, words)
    )
    chart = altair.layer(lines, points, title=words["codes"])
    return draw(chart.properties(width=WIDTH - 120, height=altair.Step(34)), image, lang)


def _draw_spreads(
    counts: Sequence[Any], edges: Any, x: Any, title: str, image: Image, lang: Language
) -> bytes:
    """Draw two distributions as shares, one over the other; bins lie between the edges."""
    altair, words = import_altair(), WORDS[lang]
    rows = [
        {"place": edge, "period": words[period], "share": n_texts / max(1, sum(column))}
        for period, column in zip(("before", "after"), counts, strict=True)
        # The last bin is as wide as the others: its height stands at both of its edges.
        for edge, n_texts in zip(edges.tolist(), [*column.tolist(), column[-1]], strict=True)
    ]
    base = altair.Chart(altair.Data(values=rows)).encode(
        x=x, y=share_axis(altair.Y, "share:Q", words["share"]), color=_period_color(altair, words)
    )
    of = altair.datum.period
    before = base.transform_filter(of == words["before"]).mark_area(
        interpolate="step-after", opacity=0.35, line=True
    )
    after = base.transform_filter(of == words["after"]).mark_line(
        interpolate="step-after", strokeWidth=2.5
    )
    chart = altair.layer(before, after, title=title)
    return draw(chart.properties(width=WIDTH, height=HEIGHT), image, lang)


def _period_color(altair: Any, words: Mapping[str, str]) -> Any:
    domain = [words["before"], words["after"]]
    scale = altair.Scale(domain=domain, range=[QUIET, RIGHT])
    legend = altair.Legend(orient="bottom", symbolOpacity=1)
    return altair.Color("period:N", title=None, scale=scale, legend=legend)


def name_code(row: Mapping[str, Any], field: str = "name") -> str:
    """Return a code with its title, cut where it is too long for a picture."""
    title = row["title"] if row["title"] == row[field] else f"{row[field]} {row['title']}"
    return title if len(title) <= MOST_LETTERS else f"{title[: MOST_LETTERS - 1]}…"
