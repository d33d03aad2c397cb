"""Verdict: what an audit says of a promise, written down for those who keep it."""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from libelle.errors import DataError, StorageError, UsageError
from libelle.monitoring.audit.estimation import ArmEstimate, AuditEstimate
from libelle.monitoring.audit.evidence import Status, read_status
from libelle.monitoring.published import (
    DocumentKind,
    is_short,
    read_document,
    write_document,
)
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

VERDICT_VERSION = 2
_KIND = DocumentKind("verdict", "libelle audit estimate --publish")


@dataclass(frozen=True, kw_only=True)
class ReviewVerdict:
    """What an audit says of the likeliest codes of texts under review.

    Attributes
    ----------
    n_population, n_judged, n_wrong, n_undecided : int
        Distinct texts under review, those judged, those whose likeliest code is wrong, those that
        nobody can tell the code of.
    accuracy : float or None
        Share of likeliest codes that are right (Hájek); None when no text could be judged.
    low, high : float
        Interval of that share, that may be read after every text.
    """

    n_population: int
    n_judged: int
    n_wrong: int
    n_undecided: int
    accuracy: float | None
    low: float
    high: float

    @classmethod
    def of(cls, arm: ArmEstimate) -> Self:
        """Take it from the estimate of an arm, which speaks of errors."""
        return cls(
            n_population=arm.n_population,
            n_judged=arm.n_judged,
            n_wrong=arm.n_wrong,
            n_undecided=arm.n_undecided,
            accuracy=arm.accuracy,
            low=1 - arm.high,
            high=1 - arm.low,
        )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an audit says of a promise.

    Attributes
    ----------
    status : Status
        Of the promise: broken, holds, or in doubt.
    model_name, model_digest : str
        The model that was audited: a verdict says nothing of another one.
    threshold_id : str
    target_error, delta : float
        What was promised; the probability that the verdict is wrong.
    n_population, n_judged, n_wrong, n_undecided : int
        Distinct texts coded automatically, those judged, those with a wrong code, those that nobody
        can tell the code of.
    error_rate : float or None
        Hájek's estimate; None when no text was judged.
    low, high : float
        Interval of the error rate, that may be read after every text.
    evidence_against, evidence_for : float
    n_more_texts : int or None
        How many more texts would decide.
    since, until : str
        Period of the texts, ISO 8601.
    written_at : str
        UTC, ISO 8601.
    written_by : str
        Who answers for it.
    review : ReviewVerdict or None
        None in a verdict of version 1, which said nothing of it.
    """

    status: Status
    model_name: str
    model_digest: str
    threshold_id: str
    target_error: float
    delta: float
    n_population: int
    n_judged: int
    n_wrong: int
    n_undecided: int
    error_rate: float | None
    low: float
    high: float
    evidence_against: float
    evidence_for: float
    n_more_texts: int | None
    since: str
    until: str
    written_at: str
    written_by: str
    review: ReviewVerdict | None = None

    @classmethod
    def of(
        cls,
        estimate: AuditEstimate,
        *,
        model_name: str,
        since: str,
        until: str,
        now: datetime,
        written_by: str,
    ) -> Self:
        """Take the verdict from an estimate.

        Raises
        ------
        UsageError
            If nothing was drawn, so that no model is spoken of, or if nobody signs.
        """
        if not estimate.model_digest or not written_by.strip():
            raise UsageError(
                "A verdict needs texts drawn from the answers of a model, and somebody who signs "
                "it. Draw an audit first, and give a name."
            )
        arm = estimate.automatic
        return cls(
            status=estimate.status,
            model_name=model_name,
            model_digest=estimate.model_digest,
            threshold_id=estimate.threshold_id,
            target_error=estimate.target_error,
            delta=estimate.delta,
            n_population=arm.n_population,
            n_judged=arm.n_judged,
            n_wrong=arm.n_wrong,
            n_undecided=arm.n_undecided,
            error_rate=arm.error_rate.hajek,
            low=arm.low,
            high=arm.high,
            evidence_against=estimate.evidence_against,
            evidence_for=estimate.evidence_for,
            n_more_texts=estimate.n_more_texts,
            since=since,
            until=until,
            written_at=now.astimezone(UTC).isoformat(timespec="seconds"),
            written_by=written_by.strip(),
            review=ReviewVerdict.of(estimate.review),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return {"verdict_version": VERDICT_VERSION, **asdict(self), "status": self.status.value}

    @classmethod
    def from_dict(cls, document: Any) -> Self:
        """Read a verdict, and refuse what is not one.

        Raises
        ------
        DataError
            If a value is missing, unknown, of another kind, or out of its range, or if the status
            is not what the evidence says.
        """
        if not isinstance(document, dict):
            raise _KIND.refusal("A verdict is a JSON object")
        version = document.get("verdict_version")
        if isinstance(version, bool) or version not in (1, VERDICT_VERSION):
            raise DataError(
                f"The verdict has version {version!r}; this version of libelle reads 1 to "
                f"{VERDICT_VERSION}. Publish and read it with the same version."
            )
        values = {name: value for name, value in document.items() if name != "verdict_version"}
        if version == 1:
            _KIND.check_fields(values, names=_names_of(cls) - {"review"}, is_valid=_is_valid)
        else:
            _KIND.check_fields(values, names=_names_of(cls), is_valid=_is_valid)
            values["review"] = _read_review(values["review"])
        verdict = cls(**values | {"status": Status(values["status"])})
        evidence = np.array([[verdict.evidence_against], [verdict.evidence_for]])
        if verdict.status is not read_status(*evidence, delta=verdict.delta):
            raise _KIND.refusal("The status of the verdict is not what its evidence says")
        return verdict


def _read_review(document: Any) -> ReviewVerdict | None:
    if document is None:
        return None
    _KIND.check_fields(document, names=_names_of(ReviewVerdict), is_valid=_is_valid)
    return ReviewVerdict(**document)


def _names_of(kind: type[Verdict] | type[ReviewVerdict]) -> set[str]:
    return {field.name for field in fields(kind)}


def publish(
    verdict: Verdict, uri: str | Path, *, options: StorageOptions = DEFAULT_OPTIONS
) -> None:
    """Write a verdict where those who keep the promise look for it, whole or not at all.

    Raises
    ------
    StorageError
        If the place cannot be written: what stood there still stands.
    UsageError
        If the same promise was found broken there: no later sample mends it.
    """
    _refuse_to_mend(verdict, uri, options)
    write_document(verdict.to_dict(), uri, options=options)


def read_verdict(uri: str | Path, *, options: StorageOptions = DEFAULT_OPTIONS) -> Verdict:
    """Read what `publish` wrote.

    Raises
    ------
    DataError
        If it is not a verdict.
    StorageError
        If it cannot be read.
    """
    return read_document(uri, Verdict.from_dict, kind=_KIND, options=options)


def _refuse_to_mend(verdict: Verdict, uri: str | Path, options: StorageOptions) -> None:
    try:
        before = read_verdict(uri, options=options)
    except (DataError, StorageError):
        return  # Nothing that can be read stands there.
    same = (before.model_digest, before.threshold_id) == (
        verdict.model_digest,
        verdict.threshold_id,
    )
    if same and before.status is Status.BROKEN and verdict.status is not Status.BROKEN:
        raise UsageError(
            f"This promise was found broken on {before.written_at}: another sample does not mend "
            "it. Certify the model again on fresh texts (`libelle certify`): that is another one."
        )


_SHORT = {"model_digest", "threshold_id", "written_at"}
_TEXTS = {
    "model_name",
    "since",
    "until",
    "written_by",
}
_COUNTS = {"n_population", "n_judged", "n_wrong", "n_undecided", "n_more_texts"}
_SHARES = {"target_error", "error_rate", "accuracy", "low", "high"}
_MAY_BE_MISSING = {"error_rate", "accuracy", "n_more_texts", "review"}


def _is_valid(name: str, value: Any) -> bool:
    if value is None:
        return name in _MAY_BE_MISSING
    if name == "status":
        return value in tuple(status.value for status in Status)
    if name in _SHORT:
        return is_short(value)
    if name in _TEXTS:
        return isinstance(value, str)
    if name == "review":
        return isinstance(value, dict)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if name in _COUNTS:
        return isinstance(value, int) and value >= 0
    if name == "delta":
        return 0 < value < 1
    return 0 <= value <= 1 if name in _SHARES else 0 <= value < float("inf")
