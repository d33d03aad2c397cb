"""Traffic: charts of what the service answers, day after day."""

from collections.abc import Mapping, Sequence
from typing import Any

from libelle.figures.drawing import (
    GUARANTEED,
    QUIET,
    RIGHT,
    WRONG,
    Image,
    Language,
    draw,
    for_pages,
    import_altair,
)

# Pages are read on a telephone too: a narrow picture whose letters stay large when it shrinks.
WIDTH, HEIGHT = 330, 180
DECISIONS = ("automatic", "review", "refused", "failed")
COLORS = {"automatic": RIGHT, "review": "#b7791f", "refused": QUIET, "failed": WRONG}
BEFORE, AFTER = QUIET, RIGHT
LINES = [RIGHT, "#b7791f", GUARANTEED, WRONG]
SHAPES = ["circle", "square", "triangle-up", "diamond"]
_DAY_FORMAT: dict[Language, str] = {"fr": "%-d %b", "en": "%b %-d"}
_WORDS: dict[Language, dict[str, str]] = {
    "fr": {
        "texts": "libellés",
        "hour": "heure (UTC)",
        "coverage": "part automatique",
        "confidence": "indice de confiance",
        "automatic": "automatiques",
        "review": "à vérifier",
        "refused": "refusés",
        "failed": "en erreur",
        "threshold": "seuil",
    },
    "en": {
        "texts": "texts",
        "hour": "hour (UTC)",
        "coverage": "share coded automatically",
        "confidence": "confidence",
        "automatic": "automatic",
        "review": "to review",
        "refused": "refused",
        "failed": "failed",
        "threshold": "threshold",
    },
}


def hours_chart(
    rows: Sequence[Mapping[str, Any]], *, image: Image = "svg", lang: Language = "fr"
) -> bytes:
    """Draw the texts of each hour of a day, by decision.

    Parameters
    ----------
    rows : sequence of mapping
        `hour` from 0 to 23, `decision` and `n_texts`.
    image, lang : str
        Of the picture and of its words.
    """
    altair, words = import_altair(), _WORDS[lang]
    axis = altair.Axis(values=list(range(0, 24, 3)), labelAngle=0, format="d")
    x = altair.X(
        "hour:O",
        title=words["hour"],
        axis=axis,
        scale=altair.Scale(domain=list(range(24))),
    )
    return _draw_stacked(altair, rows, x, image, lang)


def days_chart(
    rows: Sequence[Mapping[str, Any]], *, image: Image = "svg", lang: Language = "fr"
) -> bytes:
    """Draw the texts of each day, by decision.

    Parameters
    ----------
    rows : sequence of mapping
        `day` in ISO 8601, `decision` and `n_texts`.
    image, lang : str
        Of the picture and of its words.
    """
    altair = import_altair()
    x = _days_axis(altair, lang, as_bars=True)
    return _draw_stacked(altair, rows, x, image, lang)


def share_chart(
    rows: Sequence[Mapping[str, Any]],
    *,
    is_coverage: bool = True,
    is_share: bool = True,
    image: Image = "svg",
    lang: Language = "fr",
) -> bytes:
    """Draw a share, of what is coded automatically for instance, day after day or week by week.

    Parameters
    ----------
    rows : sequence of mapping
        `day` in ISO 8601 and `coverage`.
    is_coverage : bool
        Whether it is that coded automatically, drawn from 0 to 1.
    is_share : bool
        Whether it is written in percents.
    image, lang : str
        Of the picture and of its words.
    """
    altair, words = import_altair(), _WORDS[lang]
    axis = altair.Axis(format="%" if is_share else ".1f", tickCount=5)
    scale = altair.Scale(domain=[0, 1]) if is_coverage else altair.Scale(nice=5)
    name = words["coverage"] if is_coverage else None
    y = altair.Y("coverage:Q", title=name, axis=axis, scale=scale)
    points = altair.Chart(altair.Data(values=list(rows)))
    line = points.mark_line(color=RIGHT, strokeWidth=2, point={"color": RIGHT, "size": 40})
    return _draw(line.encode(x=_days_axis(altair, lang), y=y), image, lang)


def lines_chart(
    rows: Sequence[Mapping[str, Any]], *, image: Image = "svg", lang: Language = "fr"
) -> bytes:
    """Draw a few shares week after week, told apart by their colours and by their signs.

    Parameters
    ----------
    rows : sequence of mapping
        `day` in ISO 8601, `name` and `share`, in the order of the legend; four names at most.
    image, lang : str
        Of the picture and of its words.
    """
    altair = import_altair()
    names = list(dict.fromkeys(row["name"] for row in rows))
    legend = altair.Legend(orient="bottom", columns=1, labelLimit=WIDTH)
    colors = altair.Scale(domain=names, range=LINES)
    shapes = altair.Scale(domain=names, range=SHAPES)
    chart = (
        altair.Chart(altair.Data(values=list(rows)))
        .mark_line(strokeWidth=2, point={"size": 40, "filled": True})
        .encode(
            x=_days_axis(altair, lang),
            y=altair.Y("share:Q", title=None, axis=altair.Axis(format="%", tickCount=5)),
            color=altair.Color("name:N", title=None, scale=colors, legend=legend),
            shape=altair.Shape("name:N", title=None, scale=shapes, legend=legend),
        )
    )
    return _draw(chart, image, lang)


def confidence_chart(
    rows: Sequence[Mapping[str, Any]],
    thresholds: Sequence[float] = (),
    *,
    image: Image = "svg",
    lang: Language = "fr",
) -> bytes:
    """Draw how many texts have each confidence, by decision, and the thresholds.

    Parameters
    ----------
    rows : sequence of mapping
        `low` and `high` of each bin, `decision` and `n_texts`.
    thresholds : sequence of float
    image, lang : str
        Of the picture and of its words.
    """
    altair, words = import_altair(), _WORDS[lang]
    present = _present(rows)
    x = altair.X(
        "low:Q",
        bin="binned",
        title=words["confidence"],
        scale=altair.Scale(domain=[0, 1]),
        axis=altair.Axis(tickCount=6, format=".1f"),
    )
    chart = (
        altair.Chart(altair.Data(values=_named(rows, words)))
        .mark_bar()
        .encode(
            x=x,
            x2="high:Q",
            y=altair.Y("n_texts:Q", title=words["texts"], stack=True, axis=_counts(altair)),
            color=_colors(altair, present, words),
        )
    )
    if thresholds:
        values = [{"low": one, "name": words["threshold"]} for one in thresholds]
        base = altair.Chart(altair.Data(values=values))
        rule = base.mark_rule(color=WRONG, strokeDash=[5, 4], strokeWidth=1.5).encode(x="low:Q")
        chart = altair.layer(chart, rule)
    return _draw(chart, image, lang)


def bars_chart(
    rows: Sequence[Mapping[str, Any]],
    *,
    title: str,
    image: Image = "svg",
    lang: Language = "fr",
) -> bytes:
    """Draw a few named numbers as bars, in the order given.

    Parameters
    ----------
    rows : sequence of mapping
        `name` and `n_texts`.
    title : str
        What is counted.
    image, lang : str
        Of the picture and of its words.
    """
    altair = import_altair()
    chart = (
        altair.Chart(altair.Data(values=list(rows)))
        .mark_bar(color=RIGHT, height={"band": 0.7})
        .encode(
            x=altair.X("n_texts:Q", title=title, axis=_counts(altair)),
            y=altair.Y("name:N", sort=None, title=None, axis=altair.Axis(labelLimit=190)),
        )
    )
    # Names may be wider in the font of a reader: there is room for that. Whatever their length,
    # the picture is as wide as the others, hence its letters as large.
    chart = chart.properties(
        padding={"left": 28, "right": 5, "top": 5, "bottom": 5},
        autosize=altair.AutoSizeParams(type="fit-x", contains="padding"),
    )
    return _draw(chart, image, lang, height=max(60, 28 * len(rows)), width=WIDTH + 40)


def _draw_stacked(
    altair: Any, rows: Sequence[Mapping[str, Any]], x: Any, image: Image, lang: Language
) -> bytes:
    words = _WORDS[lang]
    chart = (
        altair.Chart(altair.Data(values=_named(rows, words)))
        .mark_bar()
        .encode(
            x=x,
            y=altair.Y(
                "n_texts:Q",
                title=words["texts"],
                stack=True,
                axis=_counts(altair),
                scale=altair.Scale(nice=4),
            ),
            color=_colors(altair, _present(rows), words),
            order=altair.Order("place:Q"),
        )
    )
    return _draw(chart, image, lang)


def _present(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    found = {row["decision"] for row in rows if row["n_texts"]}
    return [decision for decision in DECISIONS if decision in found]


def _named(rows: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {**row, "name": words[row["decision"]], "place": DECISIONS.index(row["decision"])}
        for row in rows
    ]


def _colors(altair: Any, present: Sequence[str], words: Mapping[str, str]) -> Any:
    scale = altair.Scale(
        domain=[words[one] for one in present], range=[COLORS[one] for one in present]
    )
    columns = 3 if len(present) <= 3 else 2
    legend = altair.Legend(orient="bottom", columns=columns, columnPadding=18) if present else None
    return altair.Color("name:N", title=None, scale=scale, legend=legend)


def _counts(altair: Any) -> Any:
    # Between few texts, ticks would have decimals, and be written as whole numbers.
    whole = "datum.value % 1 ? '' : datum.label"
    return altair.Axis(tickMinStep=1, tickCount=4, format=",d", labelExpr=whole)


def _days_axis(altair: Any, lang: Language, *, as_bars: bool = False) -> Any:
    axis = altair.Axis(format=_DAY_FORMAT[lang], tickCount=5, labelAngle=0, labelOverlap=True)
    unit = "utcyearmonthdate" if as_bars else altair.Undefined
    scale = altair.Undefined if as_bars else altair.Scale(type="utc")
    return altair.X("day:T", timeUnit=unit, title=None, axis=axis, scale=scale)


def _draw(
    chart: Any, image: Image, lang: Language, *, width: int = WIDTH, height: int = HEIGHT
) -> bytes:
    return draw(for_pages(chart.properties(width=width, height=height)), image, lang)
