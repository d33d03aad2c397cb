"""Today: what the service answered on one day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup

from libelle.dashboard.figures import Drawer, Figure
from libelle.dashboard.rendering import format_day
from libelle.dashboard.views.periods import (
    DECISIONS,
    coverage_of,
    days_before,
    decisions_of,
    rows_by_day,
)
from libelle.dashboard.words import Say
from libelle.decision import Decision
from libelle.figures import bars_chart, confidence_chart, days_chart, hours_chart
from libelle.monitoring.rollups import N_BINS, Counts, Promise, Snapshot
from libelle.reports.formats import (
    format_count,
    format_level,
    format_number,
    format_share,
)

N_DAYS = 28
N_BARS = 20
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
    draw = _Pictures(snapshot, day, counts, drawer, say)
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
        return say.plain("ms", n=format_number(1000 * seconds, say.lang, digits))
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


class _Pictures:
    """The pictures of a day.

    Parameters
    ----------
    snapshot : Snapshot
    day : date
    counts : Counts
        Of the day.
    drawer : Drawer
    say : Say
    """

    def __init__(
        self, snapshot: Snapshot, day: date, counts: Counts, drawer: Drawer, say: Say
    ) -> None:
        self._snapshot, self._day, self._counts = snapshot, day, counts
        self._drawer, self._say = drawer, say

    def hours(self) -> Figure:
        """Draw the day hour by hour."""
        say = self._say
        rows = [
            {"hour": hour, "decision": decision or "failed", "n_texts": n_texts}
            for (hour, decision), n_texts in sorted(self._counts.hours.items(), key=str)
        ]
        totals = [sum(row["n_texts"] for row in rows if row["hour"] == hour) for hour in range(24)]
        busiest = totals.index(max(totals))
        return self._figure(
            "hours",
            lambda: hours_chart(rows, lang=say.lang),
            say.plain("today_hours_say", hour=busiest, n=format_count(totals[busiest], say.lang)),
            [say.plain("hour"), *self._decision_names(), say.plain("total")],
            [
                [str(hour), *self._cells(rows, "hour", hour), format_count(total, say.lang)]
                for hour, total in enumerate(totals)
                if total
            ],
        )

    def days(self) -> Figure:
        """Draw the days before."""
        say, days = self._say, days_before(self._day, N_DAYS)
        rows = rows_by_day(self._snapshot, days)
        total = self._snapshot.total(days[0], days[-1])
        return self._figure(
            "days",
            lambda: days_chart(rows, lang=say.lang),
            say.plain("today_days_say", n=format_count(total.n_rows, say.lang)),
            [say.plain("day"), *self._decision_names(), say.plain("share_automatic")],
            [
                [
                    format_day(day, say.lang),
                    *self._cells(rows, "day", day.isoformat()),
                    format_share(coverage_of(self._snapshot.total(day, day)), say.lang),
                ]
                for day in reversed(days)
            ],
        )

    def confidence(self) -> list[Figure]:
        """Draw how sure the answers were."""
        say, each = self._say, N_BINS // N_BARS
        counted: dict[tuple[int, str], int] = {}
        for (decision, place), n_texts in self._counts.bins.items():
            bar = (place // each, decision or "failed")
            counted[bar] = counted.get(bar, 0) + n_texts
        if not counted:
            return []
        rows: list[dict[str, Any]] = [
            {
                "low": bar / N_BARS,
                "high": (bar + 1) / N_BARS,
                "decision": decision,
                "n_texts": n_texts,
            }
            for (bar, decision), n_texts in sorted(counted.items())
        ]
        return [
            self._figure(
                "confidence",
                lambda: confidence_chart(rows, lang=say.lang),
                say.plain(
                    "today_confidence_say",
                    median=format_number(median_confidence(self._counts), say.lang, 2),
                ),
                [say.plain("confidence"), *self._decision_names()],
                [
                    [format_number(low, say.lang, 2), *self._cells(rows, "low", low)]
                    for low in sorted({row["low"] for row in rows})
                ],
            )
        ]

    def refusals(self) -> list[Figure]:
        """Draw why texts were refused."""
        say = self._say
        reasons = {
            reason_in_words(reason, say): n_texts
            for (decision, reason), n_texts in self._counts.by("decision", "reason").most_common()
            if decision == Decision.REFUSED
        }
        if not reasons:
            return []
        rows = [{"name": name, "n_texts": n_texts} for name, n_texts in reasons.items()]
        sentence = ", ".join(
            f"{name} : {format_count(n_texts, say.lang)}" for name, n_texts in reasons.items()
        )
        return [
            self._figure(
                "refusals",
                lambda: bars_chart(rows, title=say.plain("texts"), lang=say.lang),
                sentence,
                [say.plain("reason"), say.plain("texts")],
                [[name, format_count(n_texts, say.lang)] for name, n_texts in reasons.items()],
            )
        ]

    def _figure(
        self,
        name: str,
        picture: Callable[[], bytes],
        sentence: str,
        columns: list[str],
        rows: list[list[str]],
    ) -> Figure:
        say = self._say
        return self._drawer.figure(
            ("today", name, self._day, self._snapshot.version, say.lang),
            picture,
            title=say.plain(f"today_{name}"),
            sentence=sentence,
            columns=columns,
            rows=rows,
        )

    def _decision_names(self) -> list[str]:
        return [self._say.plain(decision) for decision in DECISIONS]

    def _cells(self, rows: list[dict[str, Any]], key: str, value: object) -> list[str]:
        found = {row["decision"]: row["n_texts"] for row in rows if row[key] == value}
        return [format_count(found.get(decision, 0), self._say.lang) for decision in DECISIONS]


def median_confidence(counts: Counts) -> float:
    """Return the confidence that half of the texts exceed, to a bin; 0 of nothing."""
    total, seen = counts.bins.total(), 0
    for (_, place), n_texts in sorted(counts.bins.items(), key=lambda one: one[0][1]):
        seen += n_texts
        if 2 * seen >= total:
            return float(place / N_BINS)
    return 0.0


def reason_in_words(reason: str | None, say: Say) -> str:
    """Return a reason as pages say it."""
    name = f"reason_{reason}"
    return say.plain(name) if say.knows(name) else str(reason or "–")
