"""Periods: days and weeks of the log, as tables and pictures need them."""

from datetime import date, timedelta
from typing import Any

from libelle.decision import Decision
from libelle.monitoring.rollups import N_BINS, Counts, Snapshot

FAILED = "failed"
N_BARS = 20  # Of the confidence.
DECISIONS: tuple[str, ...] = (*(one.value for one in Decision), FAILED)


def decisions_of(counts: Counts) -> dict[str, int]:
    """Return the rows of each decision, and of the items that failed."""
    found = {decision or FAILED: n_rows for decision, n_rows in counts.decisions().items()}
    return {name: found.get(name, 0) for name in DECISIONS}


def coverage_of(counts: Counts) -> float | None:
    """Return the share coded automatically of what had an answer; None of nothing."""
    found = decisions_of(counts)
    n_answered = sum(found.values()) - found[FAILED]
    return found[Decision.AUTOMATIC] / n_answered if n_answered else None


def days_before(last: date, n_days: int) -> list[date]:
    """Return the days that end with one, earliest first."""
    return [last - timedelta(days=ago) for ago in range(n_days - 1, -1, -1)]


def rows_by_day(snapshot: Snapshot, days: list[date]) -> list[dict[str, Any]]:
    """Return `day`, `decision` and `n_texts` of days; those without a request have zeros."""
    return [
        {"day": day.isoformat(), "decision": decision, "n_texts": n_texts}
        for day in days
        for decision, n_texts in decisions_of(snapshot.total(day, day)).items()
    ]


def mondays_of(snapshot: Snapshot) -> list[date]:
    """Return the first days of the weeks that have a request, earliest first."""
    return sorted({one.day - timedelta(days=one.day.weekday()) for one in snapshot.days})


def week_of(snapshot: Snapshot, monday: date) -> Counts:
    """Return the counts of a week."""
    return snapshot.total(monday, monday + timedelta(days=6))


def confidence_bars(counts: Counts) -> list[dict[str, Any]]:
    """Return `low`, `high`, `decision` and `n_texts` of twenty bars of the confidence."""
    each = N_BINS // N_BARS
    counted: dict[tuple[int, str], int] = {}
    for (decision, place), n_texts in counts.bins.items():
        bar = (place // each, decision or "failed")
        counted[bar] = counted.get(bar, 0) + n_texts
    return [
        {
            "low": bar / N_BARS,
            "high": (bar + 1) / N_BARS,
            "decision": decision,
            "n_texts": n_texts,
        }
        for (bar, decision), n_texts in sorted(counted.items())
    ]
