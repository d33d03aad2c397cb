"""Board: what the uploader says of itself, in a file of the spool, for the metrics."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from libelle.monitoring.prediction_log.notes import read_note, write_note

SPOOL_FAILURE = "spool"
_NAME = "state.json"


@dataclass(frozen=True, kw_only=True)
class UploadState:
    """How the upload of the log goes; the counts are since the spool exists.

    Attributes
    ----------
    updated_at : datetime or None
    backlog_bytes : int
        What waits in the spool.
    backlog_seconds : float
        Age of the oldest segment that could be uploaded; 0 when there is none.
    last_success_at, last_failure_at : datetime or None
    last_failure : str or None
        Its kind: one of `FailureKind`, or `spool` when it is this machine that failed.
    n_failures : int
        In a row, until now.
    n_files, n_rows : int
        Uploaded.
    n_torn_bytes : int
        Ends of segments that are no whole record, left by writers that died.
    n_unreadable : int
        Segments set aside because a record could not be read.
    n_dropped : int
        Rows that writers lost.
    n_dropped_by_writer : dict of str to int
        Of them, those of the folders still there.
    """

    updated_at: datetime | None = None
    backlog_bytes: int = 0
    backlog_seconds: float = 0.0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure: str | None = None
    n_failures: int = 0
    n_files: int = 0
    n_rows: int = 0
    n_torn_bytes: int = 0
    n_unreadable: int = 0
    n_dropped: int = 0
    n_dropped_by_writer: dict[str, int] = field(default_factory=dict)

    def with_dropped(self, n_dropped_by_writer: dict[str, int]) -> Self:
        """Return the state once writers said how many rows they lost."""
        known = self.n_dropped_by_writer
        n_new = sum(max(0, n - known.get(name, 0)) for name, n in n_dropped_by_writer.items())
        return replace(
            self, n_dropped=self.n_dropped + n_new, n_dropped_by_writer=n_dropped_by_writer
        )

    def without_writers(self, names: Collection[str]) -> Self:
        """Return the state once the folders of dead writers are gone."""
        left = {name: n for name, n in self.n_dropped_by_writer.items() if name not in names}
        return replace(self, n_dropped_by_writer=left)

    def succeeded(self, *, at: datetime) -> Self:
        """Return the state once everything was uploaded."""
        return replace(self, updated_at=at, last_success_at=at, n_failures=0, backlog_seconds=0.0)

    def failed(self, kind: str, *, at: datetime, age_seconds: float) -> Self:
        """Return the state once something was not, the oldest of that age."""
        return replace(
            self,
            updated_at=at,
            last_failure_at=at,
            last_failure=kind,
            n_failures=self.n_failures + 1,
            backlog_seconds=age_seconds,
        )


def read_state(spool_path: Path) -> UploadState:
    """Return what the uploader of a spool said last; a new state if it said nothing sensible."""
    values = read_note(spool_path / _NAME)
    known = {one.name: values[one.name] for one in fields(UploadState) if one.name in values}
    try:
        for name in known:
            if name.endswith("_at") and known[name] is not None:
                known[name] = datetime.fromisoformat(known[name])
        return UploadState(**known)
    except (ValueError, TypeError):
        return UploadState()


def write_state(spool_path: Path, state: UploadState) -> None:
    """Write the state whole.

    Raises
    ------
    StorageError
        If the spool cannot be written.
    """
    write_note(spool_path / _NAME, asdict(state))
