"""Dates: what files write, as ISO 8601 texts that sort in time."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from libelle.errors import DataError

_PARTIAL = re.compile(r"\d{4}(-\d{2})?")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?:[ T](.*))?")


def iso_dates(values: Sequence[str], *, column: str) -> list[str]:
    """Return each date as ISO 8601, in UTC where it has a time zone; an absent one stays empty.

    Read are ISO 8601 (a year or a month alone too) and day/month/year.

    Raises
    ------
    DataError
        If a value is no date; its place among the coded rows is named, not the value.
    """
    dates, known = [], {"": ""}
    for place, value in enumerate(values, start=1):
        if value not in known:
            known[value] = _iso_date(value.strip(), column=column, place=place)
        dates.append(known[value])
    return dates


def is_date(value: str) -> bool:
    """Tell whether `iso_dates` reads a value."""
    try:
        return bool(_iso_date(value.strip(), column="", place=0))
    except DataError:
        return False


def _iso_date(value: str, *, column: str, place: int) -> str:
    if not value or (_PARTIAL.fullmatch(value) and value[5:] <= "12" and value[5:] != "00"):
        return value
    day_first = _DAY_FIRST.fullmatch(value)
    if day_first:
        day, month, year, rest = day_first.groups()
        value = f"{year}-{month:0>2}-{day:0>2}" + (f"T{rest}" if rest else "")
    try:
        return _shortest(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        raise DataError(
            f"Column {column!r}, coded row {place}: not a date. "
            "Write dates as 2026-01-31 or 31/01/2026."
        ) from None


def _shortest(moment: datetime) -> str:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    midnight = moment.time() == datetime.min.time()
    return moment.date().isoformat() if midnight else moment.isoformat()
