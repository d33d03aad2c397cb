"""Formats: numbers and days as French and English readers write them."""

from datetime import date
from typing import Literal

Language = Literal["fr", "en"]

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
NOTHING = "–"
MONTHS: dict[Language, list[str]] = {
    "fr": """
        janvier février mars avril mai juin juillet août septembre octobre novembre décembre
    """.split(),
    "en": """
        January February March April May June July August September October November December
    """.split(),
}


def format_count(count: int | None, lang: Language) -> str:
    """Return a whole number: 12 345 or 12,345."""
    if count is None:
        return NOTHING
    text = f"{count:,}"
    return text.replace(",", NARROW_SPACE) if lang == "fr" else text


def format_number(number: float | None, lang: Language, digits: int = 3) -> str:
    """Return a number with its decimals: 0,123 or 0.123."""
    if number is None:
        return NOTHING
    text = f"{number:,.{digits}f}"
    if lang == "en":
        return text
    return text.replace(",", NARROW_SPACE).replace(".", ",")


def format_share(share: float | None, lang: Language, digits: int = 1) -> str:
    """Return a share in percents: 12,3 % or 12.3%."""
    if share is None:
        return NOTHING
    text = format_number(100 * share, lang, digits)
    return f"{text}{NARROW_SPACE}%" if lang == "fr" else f"{text}%"


def format_level(share: float | None, lang: Language) -> str:
    """Return a declared share, with the decimals that it needs and no more: 5 %, 98,75 %."""
    if share is None:
        return NOTHING
    text = f"{round(100 * share, 4):g}"
    if lang == "en":
        return f"{text}%"
    return f"{text.replace('.', ',')}{NARROW_SPACE}%"


def format_day(day: str | None, lang: Language) -> str:
    """Return a day given in ISO 8601: 1er mars 2026 or 1 March 2026."""
    if day is None:
        return NOTHING
    parsed = date.fromisoformat(day[:10])
    number = "1er" if lang == "fr" and parsed.day == 1 else str(parsed.day)
    return f"{number} {MONTHS[lang][parsed.month - 1]} {parsed.year}"
