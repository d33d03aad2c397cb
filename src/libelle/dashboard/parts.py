"""Parts: what audits, drift and feedback give to the pages, each one absent until it is measured.

Whoever measures one of them fills its object; pages say "not measured yet" where it is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

Severity = Literal["none", "low", "medium", "high"]
AuditStatus = Literal["holds", "in_doubt", "broken"]


@dataclass(frozen=True, kw_only=True)
class AuditSeen:
    """What audits say of the promise.

    Attributes
    ----------
    status : str
        Whether the promise holds, is in doubt or broken.
    model_digest, threshold_id : str
        Of the promise that was audited.
    target_error, delta : float
    n_judged, n_wrong : int
        Texts coded automatically that a person judged, and those with a wrong code.
    error_rate, low, high : float or None
        Share of errors among what is coded automatically, and its interval.
    n_more_texts : int or None
        How many more judged texts would decide; None when nobody can say.
    until : datetime
        End of the period of the texts.
    published : bool
        Whether the verdict was published.
    review_accuracy, review_low, review_high : float or None
        How often the likeliest code is right among what goes to review.
    n_review_judged, n_review_wrong : int
    """

    status: AuditStatus
    model_digest: str
    threshold_id: str
    target_error: float
    delta: float
    n_judged: int
    n_wrong: int
    error_rate: float | None
    low: float
    high: float
    n_more_texts: int | None
    until: datetime
    published: bool = False
    review_accuracy: float | None = None
    review_low: float | None = None
    review_high: float | None = None
    n_review_judged: int = 0
    n_review_wrong: int = 0


@dataclass(frozen=True)
class DriftTable:
    """A table of the drift page.

    Attributes
    ----------
    title : tuple of str
        In French and in English.
    columns : tuple of (str, str)
        Their names, in French and in English.
    rows : tuple of tuple of str
        Cells, written already; the first one names the row.
    points : tuple of (str, float)
        Days in ISO 8601 and shares, drawn above the table; none when empty.
    """

    title: tuple[str, str]
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    points: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class DriftSeen:
    """What changed since the reference.

    Attributes
    ----------
    severity : str
        The largest one found.
    sentences : tuple of (str, (str, str))
        Severity of each thing found, and its sentence in French and in English; gravest first.
    expectation : tuple of str or None
        What accuracy is expected, in French and in English.
    reference, current : tuple of str
        What was compared, in French and in English.
    tables : tuple of DriftTable
    notes : tuple of (str, str)
        What limits the study.
    measured_at : datetime
    """

    severity: Severity
    sentences: tuple[tuple[Severity, tuple[str, str]], ...]
    expectation: tuple[str, str] | None = None
    reference: tuple[str, str] = ("", "")
    current: tuple[str, str] = ("", "")
    tables: tuple[DriftTable, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    measured_at: datetime


@dataclass(frozen=True)
class CodeFeedback:
    """What coders said of the predictions of one likeliest code."""

    n_verdicts: int
    n_corrected: int


@dataclass(frozen=True)
class Parts:
    """All of them, None for what nobody measured yet."""

    audit: AuditSeen | None = None
    drift: DriftSeen | None = None
    feedback: Mapping[str, CodeFeedback] | None = None


class PartsSource(Protocol):
    """What gives the parts; it answers at once, from what it measured before."""

    def read(self) -> Parts:
        """Return what is known now."""
        ...


@dataclass(frozen=True)
class FixedParts:
    """Parts that do not change: none by default, or those of a test."""

    parts: Parts = field(default_factory=Parts)

    def read(self) -> Parts:
        """Return them."""
        return self.parts
