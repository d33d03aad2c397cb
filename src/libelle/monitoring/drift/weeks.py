"""Weeks: answers of the log week by week, for charts; nothing here is tested nor judged."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from libelle.data.nomenclature import Nomenclature
from libelle.decision import Decision
from libelle.monitoring.drift.changes import count_with_ancestors
from libelle.monitoring.drift.windows import mondays_of


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
    answered = rows.filter(rows["decision"].is_valid())
    mondays = mondays_of(answered)
    return [
        {"week": str(monday), **_sum_up(answered.filter(pa.array(mondays == monday)))}
        for monday in np.unique(mondays)
    ]


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
    answered = not_refused(rows)
    mondays = mondays_of(answered)
    shares = []
    for monday in np.unique(mondays):
        likeliest = answered.filter(pa.array(mondays == monday))["top_code"].to_pylist()
        counted = count_with_ancestors(Counter(likeliest), nomenclature)
        shares += [
            {
                "week": str(monday),
                "code": code.name,
                "title": code.title,
                "share": counted[code.name] / len(likeliest),
            }
            for code in codes
        ]
    return shares


def _sum_up(rows: pa.Table) -> dict[str, Any]:
    counts = Counter(rows["decision"].to_pylist())
    shares = {decision.value: counts[decision.value] / len(rows) for decision in Decision}
    confidence = pc.mean(not_refused(rows)["confidence"]).as_py()
    return {"n_answers": len(rows), **shares, "confidence": confidence}


def not_refused(rows: pa.Table) -> pa.Table:
    """Return the answers that have a likeliest code."""
    # An item that failed has no decision: the filter leaves it out.
    return rows.filter(pc.not_equal(rows["decision"], Decision.REFUSED.value))
