"""Weeks: a period of the log week by week, for charts; nothing here is tested nor judged."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from libelle.data.nomenclature import Nomenclature
from libelle.decision import Decision
from libelle.monitoring.drift.changes import Change, count_with_ancestors
from libelle.monitoring.drift.windows import Window


def count_weeks(rows: pa.Table) -> list[dict[str, Any]]:
    """Return what became of the distinct texts of each week.

    Parameters
    ----------
    rows : Table
        Of the prediction log, of one model.

    Returns
    -------
    list of dict
        `week` (its Monday, ISO 8601), `n_texts`, the shares `automatic`, `review` and `refused`,
        and the mean `confidence` of those that were not refused, None without any.
    """
    window = Window.of(rows)
    decisions = np.array(window.rows["decision"].to_pylist())
    confidences = window.rows["confidence"].to_numpy()
    weeks = []
    for monday in np.unique(window.weeks):
        inside = window.weeks == monday
        answered = inside & (decisions != Decision.REFUSED.value)
        shares = {one.value: float((decisions[inside] == one.value).mean()) for one in Decision}
        confidence = float(confidences[answered].mean()) if answered.any() else None
        weeks.append(
            {"week": str(monday), "n_texts": int(inside.sum()), **shares, "confidence": confidence}
        )
    return weeks


def count_codes_by_week(
    rows: pa.Table, changes: Sequence[Change], *, nomenclature: Nomenclature | None
) -> list[dict[str, Any]]:
    """Return the share of some codes among the texts of each week that were not refused.

    Parameters
    ----------
    rows : Table
        Of the prediction log, of one model.
    changes : sequence of Change
        Of codes, or of codes above.
    nomenclature : Nomenclature or None
        Says which codes are below.

    Returns
    -------
    list of dict
        `week`, `code`, `title` and `share`.
    """
    window = Window.of(rows)
    answered = np.array([one != Decision.REFUSED for one in window.rows["decision"].to_pylist()])
    top_codes = np.array(window.rows["top_code"].to_pylist(), dtype=object)
    shares = []
    for monday in np.unique(window.weeks[answered]):
        of_week = top_codes[answered & (window.weeks == monday)]
        names, counts = np.unique(of_week.astype(str), return_counts=True)
        n_texts = dict(zip(names.tolist(), counts.tolist(), strict=True))
        counted = count_with_ancestors(n_texts, nomenclature)
        shares += [
            {
                "week": str(monday),
                "code": change.name,
                "title": change.title,
                "share": counted[change.name] / len(of_week),
            }
            for change in changes
        ]
    return shares
