"""Parts: what audits, drift and feedback give to the pages, each one absent until it is measured.

Whoever measures one of them fills its object; pages say "not measured yet" where it is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from libelle.dashboard.alerting import AlertsSeen

Written = tuple[str, str]  # In French and in English.
Point = tuple[str, str, float]  # Day in ISO 8601, name of the line, share.
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
    title : Written
    columns : tuple of Written
        Their names.
    rows : tuple of tuple of Written
        Cells; the first one names the row.
    points : tuple of Point
        Lines drawn above the table; none when empty.
    note : Written or None
        How to read it.
    """

    title: Written
    columns: tuple[Written, ...]
    rows: tuple[tuple[Written, ...], ...]
    points: tuple[Point, ...] = ()
    note: Written | None = None


@dataclass(frozen=True, kw_only=True)
class DriftSeen:
    """What changed since the reference.

    Attributes
    ----------
    severity : str
        The largest one found.
    sentences : tuple of (str, Written)
        Severity of each thing found, and its sentence; gravest first.
    expectation : Written or None
        What accuracy is expected.
    reference, current : Written
        What was compared.
    tables : tuple of DriftTable
    notes : tuple of Written
        What limits the study.
    measured_at : datetime
    """

    severity: str
    sentences: tuple[tuple[str, Written], ...]
    expectation: Written | None = None
    reference: Written = ("", "")
    current: Written = ("", "")
    tables: tuple[DriftTable, ...] = ()
    notes: tuple[Written, ...] = ()
    measured_at: datetime


@dataclass(frozen=True)
class CodeFeedback:
    """What coders said of the predictions of one likeliest code."""

    n_verdicts: int
    n_corrected: int


@dataclass(frozen=True)
class Parts:
    """All of them, None for what nobody measured yet.

    Attributes
    ----------
    audit : AuditSeen or None
    drift : DriftSeen or None
    feedback : mapping of str to CodeFeedback, or None
    is_measuring : bool
        Whether drift is being measured for the first time.
    """

    audit: AuditSeen | None = None
    drift: DriftSeen | None = None
    feedback: Mapping[str, CodeFeedback] | None = None
    alerts: AlertsSeen | None = None
    is_measuring: bool = False


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
