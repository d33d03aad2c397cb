"""Traffic: weeks of requests that end now, in which the world changes at last."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from libelle.data.demo.generator import CHANGE_DAYS, N_DAYS, Chance, themes_of, write_text
from libelle.data.demo.themes import Theme

CHANGED_WEEKS = 4  # The last ones: other words, and a service that is asked twice as much.
GROWING_SERVICE, GROWTH = "05", 2.2
WEEKEND_SHARE = 0.35
FIRST_HOUR, LAST_HOUR = 7, 22


@dataclass(frozen=True)
class TrafficText:
    """A synthetic text as an application sends it.

    Attributes
    ----------
    id, text, code : str
        The code is the one that an agent would give.
    sent_at : datetime
        UTC.
    """

    id: str
    text: str
    code: str
    sent_at: datetime


def make_traffic(
    *, until: datetime, seed: int = 1, n_weeks: int = 12, texts_per_day: int = 150
) -> list[TrafficText]:
    """Write what inhabitants send during some weeks, in the order of time.

    Texts are like those of the corpus, whose seed is another one. In the last weeks a service is
    asked twice as much, and people use words that came late in the corpus.

    Parameters
    ----------
    until : datetime
        UTC; no text is sent later.
    seed : int
    n_weeks : int
    texts_per_day : int
        On a working day.
    """
    chance = Chance(seed)
    start = until - timedelta(weeks=n_weeks)
    changes_at = until - timedelta(weeks=min(CHANGED_WEEKS, n_weeks // 2))
    moments = sorted(
        moment
        for day in range(7 * n_weeks + 1)
        for moment in _moments_of(start + timedelta(days=day), texts_per_day, chance)
        if start < moment <= until
    )
    return [
        _send(number, moment, changed=moment >= changes_at, chance=chance)
        for number, moment in enumerate(moments, start=1)
    ]


def _moments_of(day: datetime, texts_per_day: int, chance: Chance) -> list[datetime]:
    """Draw when the texts of a day are sent."""
    midnight = day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    weekend = midnight.weekday() >= 5
    n_texts = round(texts_per_day * (WEEKEND_SHARE if weekend else 1.0))
    seconds = 3_600 * (LAST_HOUR - FIRST_HOUR)
    return [
        midnight + timedelta(hours=FIRST_HOUR, seconds=chance.below(seconds))
        for _ in range(n_texts)
    ]


def _send(number: int, moment: datetime, *, changed: bool, chance: Chance) -> TrafficText:
    """Write a text of a day of the corpus, before or after the words change there."""
    if changed:
        day = N_DAYS - 1 - chance.below(CHANGE_DAYS)
        theme = chance.weigh(_grown(themes_of(day)))
    else:
        day = chance.below(N_DAYS - CHANGE_DAYS)
        theme = chance.weigh(themes_of(day))
    code, text = write_text(theme, day, chance)
    return TrafficText(f"T{number:06}", text, code, moment)


def _grown(themes: Sequence[Theme]) -> list[Theme]:
    return [
        replace(theme, share=GROWTH * theme.share) if _is_growing(theme) else theme
        for theme in themes
    ]


def _is_growing(theme: Theme) -> bool:
    return theme.code.startswith(GROWING_SERVICE)
