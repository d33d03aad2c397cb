"""Weeks: answers of the log week by week, for charts; nothing here is tested nor judged."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from libelle.data.nomenclature import Nomenclature
from libelle.decision import Decision
from libelle.monitoring.drift.changes import count_with_ancestors
from libelle.monitoring.drift.windows import mondays_of

# All that is counted; the model tells whose answers they are.
WEEK_COLUMNS = ("received_at", "model_digest", "decision", "top_code", "confidence")


class Named(Protocol):
    """A code, or a code above, with its title: a `Change` or a `Segment`."""

    @property
    def name(self) -> str:
        """Return the code."""
        ...

    @property
    def title(self) -> str:
        """Return its title."""
        ...


@dataclass
class WeekCounts:
    """Answers of one model, counted by week: small, however many there are.

    Rows are added day by day, repeated texts too; items that failed are left out.
    """

    _decisions: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _codes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _confidences: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _n_sure: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, rows: pa.Table) -> "WeekCounts":
        """Count the rows of a table."""
        counts = cls()
        counts.add(rows)
        return counts

    def add(self, rows: pa.Table) -> None:
        """Count more rows of the prediction log."""
        answered = rows.filter(rows["decision"].is_valid())
        weeks = pa.array(mondays_of(answered)).cast(pa.date32())
        keys = answered.select(["decision", "top_code", "confidence"]).append_column("week", weeks)
        # In one thread: sums of floats depend on their order.
        grouped = keys.group_by(["week", "decision", "top_code"], use_threads=False)
        counted = grouped.aggregate(
            [("confidence", "sum"), ("confidence", "count"), ([], "count_all")]
        )
        for row in counted.to_pylist():
            week, n_answers = row["week"].isoformat(), row["count_all"]
            self._decisions[week][row["decision"]] += n_answers
            if row["decision"] != Decision.REFUSED.value:
                self._codes[week][row["top_code"]] += n_answers
                self._confidences[week] += row["confidence_sum"] or 0.0
                self._n_sure[week] += row["confidence_count"]

    def weeks(self) -> list[dict[str, Any]]:
        """Return what became of the answers of each week; see `count_weeks`."""
        return [{"week": week, **self._sum_up(week)} for week in sorted(self._decisions)]

    def codes(
        self, codes: Sequence[Named], *, nomenclature: Nomenclature | None
    ) -> list[dict[str, Any]]:
        """Return the share of some codes in each week; see `count_codes_by_week`."""
        shares = []
        for week in sorted(self._codes):
            counted = count_with_ancestors(self._codes[week], nomenclature)
            shares += [
                {
                    "week": week,
                    "code": code.name,
                    "title": code.title,
                    "share": counted[code.name] / self._codes[week].total(),
                }
                for code in codes
            ]
        return shares

    def _sum_up(self, week: str) -> dict[str, Any]:
        decisions, n_sure = self._decisions[week], self._n_sure[week]
        shares = {one.value: decisions[one.value] / decisions.total() for one in Decision}
        confidence = self._confidences[week] / n_sure if n_sure else None
        return {"n_answers": decisions.total(), **shares, "confidence": confidence}


def count_weeks(rows: pa.Table) -> list[dict[str, Any]]:
    """Return what became of the answers of each week, repeated texts too.

    Parameters
    ----------
    rows : Table
        Of the prediction log, of one model; items that failed are left out.

    Returns
    -------
    list of dict
        `week` (its Monday, ISO 8601), `n_answers`, the shares `automatic`, `review` and `refused`,
        and the mean `confidence` of those that were not refused, None without any.
    """
    return WeekCounts.of(rows).weeks()


def count_codes_by_week(
    rows: pa.Table, codes: Sequence[Named], *, nomenclature: Nomenclature | None
) -> list[dict[str, Any]]:
    """Return the share of some codes among the answers of each week that are not refusals.

    Parameters
    ----------
    rows : Table
        Of the prediction log, of one model.
    codes : sequence of Change or of Segment
        Codes, or codes above.
    nomenclature : Nomenclature or None
        Says which codes are below.

    Returns
    -------
    list of dict
        `week`, `code`, `title` and `share`.
    """
    return WeekCounts.of(rows).codes(codes, nomenclature=nomenclature)


def not_refused(rows: pa.Table) -> pa.Table:
    """Return the answers that have a likeliest code."""
    # An item that failed has no decision: the filter leaves it out.
    return rows.filter(pc.not_equal(rows["decision"], Decision.REFUSED.value))
