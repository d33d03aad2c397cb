"""Published: the last drift study, written down beside the verdict for those who watch."""

from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from libelle.errors import DataError
from libelle.monitoring.drift.severity import Severity
from libelle.monitoring.drift.study import DriftStudy
from libelle.monitoring.published import (
    DocumentKind,
    is_short,
    read_document,
    write_document,
)
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

DRIFT_VERSION = 1
_KIND = DocumentKind("drift result", "libelle drift --publish")
_VERDICT_ENDING = ".json"
_DRIFT_ENDING = ".drift.json"
_SHORT = {"model_digest", "written_at"}


@dataclass(frozen=True, kw_only=True)
class PublishedDrift:
    """What a drift study found.

    Attributes
    ----------
    severity : Severity
        The largest one.
    model_name, model_digest : str
        The model whose texts were studied.
    n_texts : int
        Distinct texts of the period.
    since, until : str
        First and last day of the texts, UTC, ISO 8601.
    written_at : str
        UTC, ISO 8601.
    """

    severity: Severity
    model_name: str
    model_digest: str
    n_texts: int
    since: str
    until: str
    written_at: str

    @classmethod
    def of(
        cls, study: DriftStudy, *, model_name: str | None, model_digest: str, now: datetime
    ) -> Self:
        """Take what is published from a study."""
        current = study.current.to_dict()
        return cls(
            severity=study.severity,
            model_name=model_name or "",
            model_digest=model_digest,
            n_texts=current["n_texts"],
            since=current["since"] or "",
            until=current["until"] or "",
            written_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {"drift_version": DRIFT_VERSION, **asdict(self), "severity": self.severity.value}

    @classmethod
    def from_dict(cls, document: Any) -> Self:
        """Read a result, and refuse what is not one.

        Raises
        ------
        DataError
            If a value is missing, unknown, or of another kind.
        """
        if not isinstance(document, dict):
            raise _KIND.refusal("A drift result is a JSON object")
        version = document.get("drift_version")
        if isinstance(version, bool) or version != DRIFT_VERSION:
            raise DataError(
                f"The drift result has version {version!r}; this version of libelle reads "
                f"{DRIFT_VERSION}. Publish and read it with the same version."
            )
        names = {field.name for field in fields(cls)}
        values = {name: value for name, value in document.items() if name != "drift_version"}
        _KIND.check_fields(values, names=names, is_valid=_is_valid)
        return cls(**values | {"severity": Severity(values["severity"])})


def drift_beside(verdict_uri: str) -> str:
    """Return where the drift result stands: `verdict.drift.json` beside `verdict.json`."""
    return verdict_uri.removesuffix(_VERDICT_ENDING) + _DRIFT_ENDING


def publish_drift(
    result: PublishedDrift, uri: str | Path, *, options: StorageOptions = DEFAULT_OPTIONS
) -> None:
    """Write a result where those who watch look for it, whole or not at all.

    Raises
    ------
    StorageError
        If the place cannot be written: what stood there still stands.
    """
    write_document(result.to_dict(), uri, options=options)


def read_drift(uri: str | Path, *, options: StorageOptions = DEFAULT_OPTIONS) -> PublishedDrift:
    """Read what `publish_drift` wrote.

    Raises
    ------
    DataError
        If it is not a drift result.
    StorageError
        If it cannot be read.
    """
    return read_document(uri, PublishedDrift.from_dict, kind=_KIND, options=options)


def _is_valid(name: str, value: Any) -> bool:
    if name == "n_texts":
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if name == "severity":
        return value in tuple(Severity)
    if not isinstance(value, str) or (name in _SHORT and not is_short(value)):
        return False
    if name in ("since", "until"):
        return _is_day(value)
    return name != "written_at" or _is_moment(value)


def _is_day(value: str) -> bool:
    with suppress(ValueError):
        return bool(date.fromisoformat(value))
    return False


def _is_moment(value: str) -> bool:
    with suppress(ValueError):
        return datetime.fromisoformat(value).tzinfo is not None
    return False
