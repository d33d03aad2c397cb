"""Segments: parts of the answers, looked at apart; nothing here is tested nor judged.

Answers are parted by what stands at the top of the nomenclature above their likeliest code, and by
the application that asked, as its pseudonym. All answers count, repeated texts too.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from libelle.data.levels import code_at_level
from libelle.data.nomenclature import Nomenclature
from libelle.decision import Decision
from libelle.monitoring.drift.weeks import not_refused

LEAST_TEXTS = 30  # Shares of fewer say nothing.
NOBODY = ""  # Who asked, where no key was.

SegmentKind = Literal["top_code", "client"]


@dataclass(frozen=True)
class Segment:
    """A part of the answers of two periods.

    Attributes
    ----------
    kind : {"top_code", "client"}
        Whether it is what stands above codes, or who asked.
    name, title : str
        Code and title, or pseudonym twice; empty for those who asked without a key.
    n_before, n_after : int
        Answers among those studied; refusals have no code, and are left out of those by code.
    share_before, share_after : float or None
        Of the answers of the period; None for a period that has none at all.
    automatic_before, automatic_after : float or None
        Share of them that is automatic; None below 30 answers.
    confidence_before, confidence_after : float or None
        Their mean confidence, refusals left out; None below 30 answers.
    """

    kind: SegmentKind
    name: str
    title: str
    n_before: int
    n_after: int
    share_before: float | None
    share_after: float | None
    automatic_before: float | None
    automatic_after: float | None
    confidence_before: float | None
    confidence_after: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the segment as JSON values."""
        return asdict(self)


def find_segments(
    earlier: pa.Table | None, current: pa.Table, *, nomenclature: Nomenclature | None
) -> list[Segment]:
    """Return the segments of two periods, those by code first, the largest first in each kind.

    A kind that would have one segment only has none.

    Parameters
    ----------
    earlier : Table or None
        Rows of the prediction log, of one model; none is as an empty one.
    current : Table
    nomenclature : Nomenclature or None
        Without one, nothing stands above codes.
    """
    periods = [current.slice(0, 0) if earlier is None else earlier, current]
    answered = [rows.filter(rows["decision"].is_valid()) for rows in periods]
    by_code = [not_refused(rows) for rows in answered]
    tops = [_top_codes(rows, nomenclature) for rows in by_code]
    clients = [[one or NOBODY for one in rows["client"].to_pylist()] for rows in answered]
    segments = _join("client", answered, clients, None)
    if nomenclature is None or len(nomenclature.levels) == 1:
        return segments
    return _join("top_code", by_code, tops, nomenclature) + segments


@dataclass(frozen=True)
class _Sums:
    """What the answers of a segment add up to."""

    n_answers: int
    n_automatic: int
    n_sure: int
    confidence: float

    def share(self, total: int) -> float | None:
        return self.n_answers / total if total else None

    @property
    def automatic(self) -> float | None:
        return self.n_automatic / self.n_answers if self.n_answers >= LEAST_TEXTS else None

    @property
    def mean_confidence(self) -> float | None:
        return self.confidence / self.n_sure if self.n_sure >= LEAST_TEXTS else None


_NOTHING = _Sums(0, 0, 0, 0.0)


def _join(
    kind: SegmentKind,
    periods: Sequence[pa.Table],
    names: Sequence[Sequence[str]],
    nomenclature: Nomenclature | None,
) -> list[Segment]:
    sums = [_sum_up(rows, keys) for rows, keys in zip(periods, names, strict=True)]
    found = sums[0].keys() | sums[1].keys()
    if len(found) < 2:
        return []
    segments = []
    for name in found:
        before, after = (one.get(name, _NOTHING) for one in sums)
        segments.append(
            Segment(
                kind=kind,
                name=name,
                title=nomenclature.title_of(name) if nomenclature else name,
                n_before=before.n_answers,
                n_after=after.n_answers,
                share_before=before.share(len(periods[0])),
                share_after=after.share(len(periods[1])),
                automatic_before=before.automatic,
                automatic_after=after.automatic,
                confidence_before=before.mean_confidence,
                confidence_after=after.mean_confidence,
            )
        )
    return sorted(segments, key=lambda one: (-one.n_after, -one.n_before, one.name))


def _sum_up(rows: pa.Table, names: Sequence[str]) -> dict[str, _Sums]:
    if not names:
        return {}
    distinct, places = np.unique(np.array(names), return_inverse=True)
    is_automatic = pc.equal(rows["decision"], Decision.AUTOMATIC.value).to_numpy()
    is_sure = pc.not_equal(rows["decision"], Decision.REFUSED.value).to_numpy()
    confidences = np.where(is_sure, pc.fill_null(rows["confidence"], 0.0).to_numpy(), 0.0)
    columns = (None, is_automatic, is_sure, confidences)
    sums = [np.bincount(places, weights=column) for column in columns]
    return {
        name: _Sums(int(n_answers), int(n_automatic), int(n_sure), float(confidence))
        for name, n_answers, n_automatic, n_sure, confidence in zip(
            distinct.tolist(), *sums, strict=True
        )
    }


def _top_codes(rows: pa.Table, nomenclature: Nomenclature | None) -> list[str]:
    codes: list[str] = rows["top_code"].to_pylist()
    if nomenclature is None:
        return codes
    top_of = {code: code_at_level(code, 1, nomenclature) for code in set(codes)}
    return [top_of[code] for code in codes]
