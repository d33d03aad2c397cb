"""Evaluation: charts of how good a model is."""

from collections.abc import Mapping, Sequence
from typing import Any

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
    for_pages,
    import_altair,
    percent,
    share_axis,
)

N_PAIRS_SHOWN = 20
N_CODES_SHOWN = 40

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "accuracy": "share of right answers",
        "codes": "F1 of each code",
        "confidence": "confidence",
        "confusions": "Worst confusions: true code → code answered",
        "cost": "mean cost of a text",
        "costs": "Cost of a text against the share coded automatically",
        "coverage": "share coded automatically",
        "curve": "Errors against the share coded automatically",
        "error": "share of errors among them",
        "guaranteed": "guaranteed threshold",
        "indicative": "indicative threshold",
        "cheapest": "least cost",
        "reliability": "Confidence against right answers",
        "texts": "texts",
    },
    "fr": {
        "accuracy": "part de réponses justes",
        "codes": "F1 de chaque code",
        "confidence": "indice de confiance",
        "confusions": "Pires confusions : vrai code → code répondu",
        "cost": "coût moyen d’un libellé",
        "costs": "Coût d’un libellé selon la part automatique",
        "coverage": "part automatique",
        "curve": "Erreurs selon la part automatique",
        "error": "part d’erreurs parmi eux",
        "guaranteed": "seuil garanti",
        "indicative": "seuil indicatif",
        "cheapest": "moindre coût",
        "reliability": "Indice de confiance et réponses justes",
        "texts": "libellés",
    },
}


def confusions_chart(
    confusions: Sequence[Mapping[str, Any]], *, image: Image = "png", lang: Language = "en"
) -> bytes:
    """Draw the worst pairs of a true code and the one answered instead.

    Parameters
    ----------
    confusions : sequence of mapping
        `code`, `answered` and `n_texts`, most frequent first.
    image, lang : str
        Of the picture and of its words.

    Returns
    -------
    bytes
        The picture.
    """
    altair, words = import_altair(), WORDS[lang]
    rows = [
        {"pair": f"{row['code']} → {row['answered']}", "texts": row["n_texts"]}
        for row in confusions[:N_PAIRS_SHOWN]
    ]
    chart = (
        altair.Chart(altair.Data(values=rows), title=words["confusions"])
        .mark_bar(color=WRONG)
        .encode(
            x=altair.X("texts:Q", title=words["texts"], axis=altair.Axis(tickMinStep=1)),
            y=altair.Y("pair:N", sort=None, title=None),
        )
    )
    return draw(chart.properties(width=WIDTH), image, lang)


def per_code_chart(
    by_code: Sequence[Mapping[str, Any]], *, image: Image = "png", lang: Language = "en"
) -> bytes:
    """Draw F1 against the number of texts of each code, the commonest codes named.

    Parameters
    ----------
    by_code : sequence of mapping
        `code`, `n_texts` and `f1`.
    image, lang : str
        Of the picture and of its words.

    Returns
    -------
    bytes
        The picture.
    """
    altair, words = import_altair(), WORDS[lang]
    rows = [
        {"code": row["code"], "texts": row["n_texts"], "f1": row["f1"]}
        for row in by_code
        if row["n_texts"]
    ]
    named = sorted(rows, key=lambda row: -row["texts"])[:N_CODES_SHOWN]
    x = altair.X("texts:Q", scale=altair.Scale(type="log"), title=words["texts"])
    y = altair.Y("f1:Q", scale=altair.Scale(domain=[0, 1]), title="F1")
    points = altair.Chart(altair.Data(values=rows)).mark_circle(color=RIGHT, size=40)
    names = altair.Chart(altair.Data(values=named)).mark_text(dy=-8, fontSize=9)
    chart = altair.layer(
        points.encode(x=x, y=y),
        names.encode(x=x, y=y, text="code:N"),
        title=words["codes"],
    )
    return draw(chart.properties(width=WIDTH), image, lang)


def reliability_chart(
    bins: Sequence[Mapping[str, Any]], *, image: Image = "png", lang: Language = "en"
) -> bytes:
    """Draw the share of right answers against the confidence, in bins of equal mass.

    Parameters
    ----------
    bins : sequence of mapping
        `confidence`, `accuracy` and `n_texts`.
    image, lang : str
        Of the picture and of its words.

    Returns
    -------
    bytes
        The picture.
    """
    altair, words = import_altair(), WORDS[lang]
    x = share_axis(altair.X, "confidence:Q", words["confidence"], domain=[0, 1])
    y = share_axis(altair.Y, "accuracy:Q", words["accuracy"], domain=[0, 1])
    diagonal = [{"confidence": 0, "accuracy": 0}, {"confidence": 1, "accuracy": 1}]
    line = altair.Chart(altair.Data(values=diagonal)).mark_line(color=QUIET, strokeDash=[4, 4])
    seen = altair.Chart(altair.Data(values=list(bins))).mark_line(color=RIGHT, point=True)
    chart = altair.layer(line.encode(x=x, y=y), seen.encode(x=x, y=y), title=words["reliability"])
    return draw(chart.properties(width=WIDTH, height=HEIGHT), image, lang)


def coverage_chart(
    curve: Sequence[Mapping[str, Any]],
    thresholds: Sequence[Mapping[str, Any]] = (),
    *,
    image: Image = "png",
    lang: Language = "en",
    on_page: bool = False,
) -> bytes:
    """Draw the errors against the share coded automatically, and the bound of each threshold.

    Parameters
    ----------
    curve : sequence of mapping
        `coverage` and `error`, as `error_coverage_curve` gives them.
    thresholds : sequence of mapping
        `coverage` on these texts, `target_error` and `status` of each threshold; those of status
        `none` are left out.
    image, lang : str
        Of the picture and of its words.
    on_page : bool
        Without its title, and narrow: a page has a title, and may be on a telephone.

    Returns
    -------
    bytes
        The picture.
    """
    altair, words = import_altair(), WORDS[lang]
    points = [
        {
            "coverage": row["coverage"],
            "error": row["target_error"],
            "name": percent(row["target_error"], lang),
            "status": words[row["status"]],
        }
        for row in thresholds
        if row["status"] in ("guaranteed", "indicative")
    ]
    x = share_axis(altair.X, "coverage:Q", words["coverage"], domain=[0, 1])
    y = share_axis(altair.Y, "error:Q", words["error"])
    seen = altair.Chart(altair.Data(values=list(curve))).mark_line(color=RIGHT, strokeWidth=2)
    layers = [seen.encode(x=x, y=y)]
    if points:
        layers += _threshold_layers(altair, points, x, y, words)
    if on_page:
        chart = altair.layer(*layers).properties(width=WIDTH - 150, height=HEIGHT - 70)
        return draw(for_pages(chart), image, lang)
    chart = altair.layer(*layers, title=words["curve"])
    return draw(chart.properties(width=WIDTH, height=HEIGHT), image, lang)


def cost_chart(
    curve: Sequence[Mapping[str, Any]],
    best: Mapping[str, Any],
    *,
    image: Image = "png",
    lang: Language = "en",
) -> bytes:
    """Draw the mean cost of a text against the share coded automatically.

    Parameters
    ----------
    curve : sequence of mapping
        `coverage` and `cost`, as `CostCurve.rows` gives them.
    best : mapping
        The cheapest point.
    image, lang : str
        Of the picture and of its words.

    Returns
    -------
    bytes
        The picture.
    """
    altair, words = import_altair(), WORDS[lang]
    x = share_axis(altair.X, "coverage:Q", words["coverage"], domain=[0, 1])
    y = altair.Y("cost:Q", title=words["cost"])
    marked = [{**best, "name": words["cheapest"]}]
    line = altair.Chart(altair.Data(values=list(curve))).mark_line(color=RIGHT, strokeWidth=2)
    point = altair.Chart(altair.Data(values=marked))
    chart = altair.layer(
        line.encode(x=x, y=y),
        point.mark_point(color=WRONG, filled=True, size=80).encode(x=x, y=y),
        point.mark_text(dy=18).encode(x=x, y=y, text="name:N"),
        title=words["costs"],
    )
    return draw(chart.properties(width=WIDTH, height=HEIGHT), image, lang)


def _threshold_layers(
    altair: Any, points: list[dict[str, Any]], x: Any, y: Any, words: Mapping[str, str]
) -> list[Any]:
    """Return the points of the thresholds, named by their target, with a legend."""
    statuses = [words["guaranteed"], words["indicative"]]
    color = altair.Color(
        "status:N",
        title=None,
        scale=altair.Scale(domain=statuses, range=[GUARANTEED, INDICATIVE]),
        legend=altair.Legend(orient="bottom", values=sorted({row["status"] for row in points})),
    )
    base = altair.Chart(altair.Data(values=points))
    return [
        base.mark_point(filled=True, size=90, shape="diamond").encode(x=x, y=y, color=color),
        # Errors rise along the curve, which leaves room above and before a point.
        base.mark_text(align="right", dx=-2, dy=-12).encode(x=x, y=y, text="name:N"),
    ]
