"""Drift: what was found, or, until it is measured, what the log shows week after week."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from libelle.dashboard.figures import Drawer, Figure
from libelle.dashboard.parts import DriftSeen, DriftTable
from libelle.dashboard.rendering import format_day
from libelle.dashboard.views.guarantee import Table
from libelle.dashboard.views.periods import coverage_of, decisions_of, mondays_of, week_of
from libelle.dashboard.words import Say
from libelle.figures import lines_chart, share_chart
from libelle.monitoring.rollups import Counts, Snapshot
from libelle.monitoring.rollups.counts import MILLION
from libelle.reports.formats import format_number, format_share

N_DAYS, N_CODES_SHOWN = 28, 12
LEAST_TEXTS, LEAST_COMPARED = 30, 200

Measure = Callable[[Counts], float | None]


@dataclass(frozen=True)
class Told:
    """A sentence of the study, and how grave it is."""

    severity: str
    sentence: str


def tell(drift: DriftSeen, say: Say) -> list[Told]:
    """Return the sentences of a study."""
    place = _place(say)
    return [Told(severity, sentence[place]) for severity, sentence in drift.sentences]


@dataclass(frozen=True)
class Shown:
    """A table of the study, its picture, and how to read it."""

    table: Table
    picture: Figure | None
    note: str


def show_tables(drift: DriftSeen, drawer: Drawer, say: Say) -> list[Shown]:
    """Return the tables of a study, with their pictures."""
    tables = [(one, _table(one, say)) for one in drift.tables]
    return [
        Shown(
            table,
            _picture(one, table, drift, drawer, say),
            one.note[_place(say)] if one.note else "",
        )
        for one, table in tables
    ]


def refused_share(counts: Counts) -> float | None:
    """Return the share refused of what had an answer."""
    found = decisions_of(counts)
    n_answered = sum(found.values()) - found["failed"]
    return found["refused"] / n_answered if n_answered else None


def unknown_share(counts: Counts) -> float | None:
    """Return the share of words that the model had never learnt."""
    n_words = counts.sums[("n_words",)]
    return counts.sums[("n_unknown_words",)] / n_words if n_words else None


def mean_confidence(counts: Counts) -> float | None:
    """Return the mean confidence of the texts that have a likeliest code."""
    n_sure = counts.sure.total()
    return counts.confidences.total() / n_sure / MILLION if n_sure else None


SERIES: Mapping[str, Measure] = {
    "coverage": coverage_of,
    "confidence": mean_confidence,
    "unknown": unknown_share,
    "refused": refused_share,
}


def draw_series(snapshot: Snapshot, drawer: Drawer, say: Say) -> list[Figure]:
    """Draw what the log shows week after week; nothing of less than two weeks."""
    figures = (_draw_one(snapshot, name, measure, drawer, say) for name, measure in SERIES.items())
    return [one for one in figures if one is not None]


def compare_codes(
    snapshot: Snapshot, today: date, titles: Mapping[str, str], say: Say
) -> Table | None:
    """Return the codes whose share changed most in a month; None when there is too little."""
    middle = today - timedelta(days=N_DAYS)
    recent = snapshot.total(middle + timedelta(days=1), today)
    before = snapshot.total(middle - timedelta(days=N_DAYS - 1), middle)
    if min(recent.n_rows, before.n_rows) < LEAST_COMPARED:
        return None
    counted = [
        {key[0]: n_texts for key, n_texts in one.by("top_code").items() if key[0]}
        for one in (before, recent)
    ]
    totals = [max(1, sum(one.values())) for one in counted]
    changes = []
    for code in sorted(counted[0].keys() | counted[1].keys()):
        n_texts = [one.get(code, 0) for one in counted]
        if max(n_texts) >= LEAST_TEXTS:
            before_share, share = (n / total for n, total in zip(n_texts, totals, strict=True))
            changes.append((code, before_share, share))
    changes.sort(key=lambda one: -abs(one[2] - one[1]))
    rows = [
        _change(f"{code} {titles.get(code, '')}".rstrip(), before_share, share, say)
        for code, before_share, share in changes[:N_CODES_SHOWN]
    ]
    columns = [say.plain(one) for one in ("code", "before", "after", "change")]
    return Table(say.plain("drift_codes"), columns, rows) if rows else None


def _change(name: str, before: float, after: float, say: Say) -> tuple[str, str, str, str]:
    points = 100 * (after - before)
    sign = "+" if points >= 0 else "−"
    written = f"{sign}{format_number(abs(points), say.lang, 2)}"
    return (
        name,
        format_share(before, say.lang),
        format_share(after, say.lang),
        say.plain("points", n=written),
    )


def _draw_one(
    snapshot: Snapshot, name: str, measure: Measure, drawer: Drawer, say: Say
) -> Figure | None:
    measured = [(monday, measure(week_of(snapshot, monday))) for monday in mondays_of(snapshot)]
    known = [(monday, share) for monday, share in measured if share is not None]
    if len(known) < 2:
        return None
    rows = [{"day": monday.isoformat(), "coverage": share} for monday, share in known]
    title, is_share = say.plain(f"drift_{name}"), name != "confidence"

    def write(number: float) -> str:
        return format_share(number, say.lang) if is_share else format_number(number, say.lang, 2)

    return drawer.figure(
        ("drift", name, snapshot.version, say.lang),
        lambda: share_chart(rows, is_coverage=False, is_share=is_share, lang=say.lang),
        title=title,
        sentence=say.plain(
            "drift_series_say",
            n=len(known),
            before=write(known[0][1]),
            after=write(known[-1][1]),
        ),
        columns=[say.plain("week"), title],
        rows=[[format_day(monday, say.lang), write(share)] for monday, share in reversed(known)],
    )


def _table(one: DriftTable, say: Say) -> Table:
    place = _place(say)
    return Table(
        one.title[place],
        [names[place] for names in one.columns],
        [[cell[place] for cell in row] for row in one.rows],
    )


def _picture(
    one: DriftTable, table: Table, drift: DriftSeen, drawer: Drawer, say: Say
) -> Figure | None:
    """Return the lines of a table; none of less than two weeks."""
    lines: dict[str, list[float]] = {}
    for _, name, share in one.points:
        lines.setdefault(name, []).append(share)
    n_weeks = max(map(len, lines.values()), default=0)
    if n_weeks < 2:
        return None
    rows = [{"day": day, "name": name, "share": share} for day, name, share in one.points]
    moves = "".join(
        say.plain(
            "drift_line_say",
            name=name,
            before=format_share(shares[0], say.lang),
            after=format_share(shares[-1], say.lang),
        )
        for name, shares in lines.items()
    )
    return drawer.figure(
        ("drift", table.title, drift.measured_at, say.lang),
        lambda: lines_chart(rows, lang=say.lang),
        title=table.title,
        sentence=say.plain("drift_lines_say", n=n_weeks) + moves,
        columns=table.columns,
        rows=[[str(cell) for cell in row] for row in table.rows],
    )


def _place(say: Say) -> int:
    return 0 if say.lang == "fr" else 1
