"""Figures: every chart, drawn by Altair, written as PNG without a browser or a network."""

from collections.abc import Mapping, Sequence
from typing import Any

from libelle.errors import MissingPackageError

N_PAIRS_SHOWN = 20
N_CODES_SHOWN = 40
RIGHT, WRONG = "#2a6f97", "#c1121f"


def confusions_chart(confusions: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw the worst pairs of a true code and the one answered instead.

    Parameters
    ----------
    confusions : sequence of mapping
        `code`, `answered` and `n_texts`, most frequent first.

    Returns
    -------
    bytes
        A PNG.
    """
    altair = _import_altair()
    rows = [
        {"pair": f"{row['code']} → {row['answered']}", "texts": row["n_texts"]}
        for row in confusions[:N_PAIRS_SHOWN]
    ]
    chart = (
        altair.Chart(altair.Data(values=rows), title="Worst confusions: true code → code answered")
        .mark_bar(color=WRONG)
        .encode(
            x=altair.X("texts:Q", title="texts", axis=altair.Axis(tickMinStep=1)),
            y=altair.Y("pair:N", sort=None, title=None),
        )
    )
    return _png(chart)


def per_code_chart(by_code: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw F1 against the number of texts of each code, the commonest codes named.

    Parameters
    ----------
    by_code : sequence of mapping
        `code`, `n_texts` and `f1`.

    Returns
    -------
    bytes
        A PNG.
    """
    altair = _import_altair()
    rows = [
        {"code": row["code"], "texts": row["n_texts"], "f1": row["f1"]}
        for row in by_code
        if row["n_texts"]
    ]
    named = sorted(rows, key=lambda row: -row["texts"])[:N_CODES_SHOWN]
    x = altair.X("texts:Q", scale=altair.Scale(type="log"), title="texts of the test part")
    y = altair.Y("f1:Q", scale=altair.Scale(domain=[0, 1]), title="F1")
    points = altair.Chart(altair.Data(values=rows)).mark_circle(color=RIGHT, size=40)
    names = altair.Chart(altair.Data(values=named)).mark_text(dy=-8, fontSize=9)
    chart = altair.layer(
        points.encode(x=x, y=y),
        names.encode(x=x, y=y, text="code:N"),
        title="F1 of each code",
    )
    return _png(chart)


def reliability_chart(bins: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw the share of right answers against the confidence, in bins of equal mass.

    Parameters
    ----------
    bins : sequence of mapping
        `confidence`, `accuracy` and `n_texts`.

    Returns
    -------
    bytes
        A PNG.
    """
    altair = _import_altair()
    x = altair.X("confidence:Q", scale=altair.Scale(domain=[0, 1]), title="confidence")
    y = altair.Y("accuracy:Q", scale=altair.Scale(domain=[0, 1]), title="share of right answers")
    diagonal = [{"confidence": 0, "accuracy": 0}, {"confidence": 1, "accuracy": 1}]
    line = altair.Chart(altair.Data(values=diagonal)).mark_line(color="#999999", strokeDash=[4, 4])
    seen = altair.Chart(altair.Data(values=list(bins))).mark_line(color=RIGHT, point=True)
    chart = altair.layer(
        line.encode(x=x, y=y), seen.encode(x=x, y=y), title="Reliability on the test part"
    )
    return _png(chart)


def _png(chart: Any) -> bytes:
    import vl_convert

    png: bytes = vl_convert.vegalite_to_png(chart.properties(width=480).to_dict(), scale=2)
    return png


def _import_altair() -> Any:
    try:
        import altair
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise MissingPackageError("altair", extra="report", purpose="Drawing charts") from error
    return altair
