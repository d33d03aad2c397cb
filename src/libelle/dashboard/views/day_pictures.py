"""Day pictures: what happened on a day, and on those before, drawn."""

from collections.abc import Callable
from datetime import date
from typing import Any

from libelle.dashboard.figures import Drawer, Figure
from libelle.dashboard.rendering import format_day
from libelle.dashboard.views.periods import (
    DECISIONS,
    confidence_bars,
    coverage_of,
    days_before,
    rows_by_day,
)
from libelle.dashboard.words import Say
from libelle.decision import Decision
from libelle.figures import bars_chart, confidence_chart, days_chart, hours_chart
from libelle.monitoring.rollups import N_BINS, Counts, Snapshot
from libelle.reports.formats import format_count, format_number, format_share

N_DAYS = 28


class DayPictures:
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
        say, rows = self._say, confidence_bars(self._counts)
        if not rows:
            return []
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
