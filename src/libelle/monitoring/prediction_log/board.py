"""Board: what the uploader says of itself, in a file of the spool, for the metrics."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path

from libelle.monitoring.prediction_log.notes import read_note, write_note

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
        Its kind, as `FailureKind` names them.
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
