"""Today: what the service answered on one day."""

from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from libelle.dashboard.figures import Drawer, Figure
from libelle.dashboard.views.day_pictures import DayPictures
from libelle.dashboard.views.periods import (
    DECISIONS,
    decisions_of,
)
from libelle.dashboard.words import Say
from libelle.monitoring.rollups import Counts, Promise, Snapshot
from libelle.reports.formats import (
    format_count,
    format_level,
    format_number,
    format_share,
)

# Sentences say "in less than": never 0.0.
LEAST_MILLISECONDS = 0.1
QUANTILES = {"median": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class ModelSeen:
    """A model that answered, and what it promised."""

    name: str
    version: str
    digest: str
    promise: str
    n_texts: int


@dataclass(frozen=True)
class Tile:
    """A number and what it is; `share` is what it is of the whole, where that says something."""

    name: str
    number: str
    share: str = ""


@dataclass(frozen=True)
class Today:
    """A day.

    Attributes
    ----------
    day, before, after : date or None
        The day shown, and its neighbours.
    tiles : list of Tile
    figures : list of Figure
    notes : list of (str, Markup)
        A title and a sentence each.
    models : list of ModelSeen
    """

    day: date
    before: date | None
    after: date | None
    tiles: list[Tile]
    figures: list[Figure]
    notes: list[tuple[str, Markup]]
    models: list[ModelSeen]


def describe_day(snapshot: Snapshot, day: date, *, today: date, drawer: Drawer, say: Say) -> Today:
    """Return what is shown of a day."""
    counts = snapshot.total(day, day)
    earlier = [one.day for one in snapshot.days if one.day < day]
    later = [one.day for one in snapshot.days if one.day > day]
    draw = DayPictures(snapshot, day, counts, drawer, say)
    figures = [draw.days()]
    if counts.n_rows:
        figures = [draw.hours(), *figures, *draw.confidence(), *draw.refusals()]
    return Today(
        day,
        earlier[-1] if earlier else None,
        later[0] if later else (today if day < today else None),
        _tiles(snapshot, day, counts, say),
        figures,
        _notes(counts, say),
        _models(counts, say),
    )


def _tiles(snapshot: Snapshot, day: date, counts: Counts, say: Say) -> list[Tile]:
    found = decisions_of(counts)
    distinct = sum(one.n_distinct_texts for one in snapshot.days if one.day == day)
    tiles = [Tile(say.plain("tile_texts"), format_count(counts.n_rows, say.lang))]
    tiles.append(Tile(say.plain("tile_distinct"), format_count(distinct, say.lang)))
    for decision in DECISIONS:
        share = found[decision] / counts.n_rows if counts.n_rows else None
        tiles.append(
            Tile(
                say.plain(f"tile_{decision}"),
                format_count(found[decision], say.lang),
                "" if share is None else format_share(share, say.lang),
            )
        )
    return tiles


def _notes(counts: Counts, say: Say) -> list[tuple[str, Markup]]:
    if not counts.n_rows:
        return []
    quantiles = {
        name: format_duration(counts.duration_quantile(share), say)
        for name, share in QUANTILES.items()
    }
    latency = (
        say("today_latency_say", **quantiles) if counts.durations else say("today_latency_none")
    )
    notes = [(say.plain("today_latency"), latency)]
    n_words = counts.sums[("n_words",)]
    if n_words:
        share = counts.sums[("n_unknown_words",)] / n_words
        sentence = say("today_words_say", share=format_share(share, say.lang))
        notes.append((say.plain("today_words"), sentence))
    return notes


def format_duration(seconds: float | None, say: Say) -> str:
    """Return a duration: 12 ms, or 1,5 s."""
    if seconds is None:
        return "–"
    if seconds < 1:
        digits = 0 if seconds >= 0.01 else 1
        milliseconds = max(1000 * seconds, LEAST_MILLISECONDS)
        return say.plain("ms", n=format_number(milliseconds, say.lang, digits))
    return say.plain("seconds", n=format_number(seconds, say.lang, 1))


def _models(counts: Counts, say: Say) -> list[ModelSeen]:
    found = []
    for key, n_texts in counts.promises.most_common():
        promise = Promise(*key)
        version = promise.model_version
        found.append(
            ModelSeen(
                promise.model_name or "–",
                (
                    say.plain("today_version", version=version)
                    if version
                    else say.plain("today_folder")
                ),
                (promise.model_digest or "")[:12],
                promise_in_words(promise, say),
                n_texts,
            )
        )
    return found


def promise_in_words(promise: Promise, say: Say) -> str:
    """Return what was promised."""
    status = promise.guarantee_status or "none"
    name = f"today_promise_{status}"
    return say.plain(
        name if say.knows(name) else "today_promise_none",
        target=format_level(promise.target_error, say.lang),
    )
