"""Drawing: what all charts share: size, colours, languages, and how they become pictures."""

from typing import Any, Literal

from libelle.errors import MissingPackageError

Image = Literal["png", "svg"]
Language = Literal["fr", "en"]

RIGHT, WRONG, QUIET = "#2a6f97", "#c1121f", "#8a8f98"
GUARANTEED, INDICATIVE = "#3d8b5f", "#b7791f"
WIDTH, HEIGHT = 480, 260
FONT, FONT_SIZE = "Liberation Sans", 13


def for_pages(chart: Any) -> Any:
    """Return a chart for a page, whose letters stay readable when it is shown on a telephone."""
    # The font that texts are measured with here: pages ask browsers for the same one.
    return (
        chart.configure(font=FONT)
        .configure_axis(labelFontSize=FONT_SIZE, titleFontSize=FONT_SIZE, titleFontWeight="normal")
        .configure_legend(labelFontSize=FONT_SIZE, symbolType="square")
        .configure_text(fontSize=FONT_SIZE)
        .configure_view(stroke=None)
    )


def share_axis(channel: Any, field: str, title: str, *, domain: list[float] | None = None) -> Any:
    """Return an axis of shares, written in percents."""
    import altair

    scale = altair.Scale(domain=domain) if domain else altair.Undefined
    axis = altair.Axis(format="%", tickCount=6)
    return channel(field, title=title, axis=axis, scale=scale)


def percent(share: float, lang: Language) -> str:
    """Return the name of a target error."""
    text = f"{100 * share:g}"
    return f"≤ {text.replace('.', ',')} %" if lang == "fr" else f"≤ {text}%"


def draw(chart: Any, image: Image, lang: Language) -> bytes:
    """Return a chart as a picture."""
    import vl_convert

    specification = chart.to_dict()
    locale: Any = "fr-FR" if lang == "fr" else "en-US"
    if image == "png":
        png: bytes = vl_convert.vegalite_to_png(
            specification, scale=2, format_locale=locale, time_format_locale=locale
        )
        return png
    specification["background"] = "transparent"
    svg: str = vl_convert.vegalite_to_svg(
        specification, format_locale=locale, time_format_locale=locale
    )
    return svg.encode()


def import_altair() -> Any:
    """Return Altair.

    Raises
    ------
    MissingPackageError
        If it is not installed, or what draws without a browser is not.
    """
    try:
        import altair
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise MissingPackageError("altair", extra="report", purpose="Drawing charts") from error
    return altair
