"""Plan: which segments an upload takes, so that one that was cut is done again alike."""

from dataclasses import asdict, dataclass
from pathlib import Path

from libelle.monitoring.prediction_log.notes import read_note, write_note

_NAME = "plan.json"


@dataclass(frozen=True)
class Plan:
    """An upload.

    Attributes
    ----------
    stem : str
        What the names of its files begin with.
    segments : tuple of str
        Relative to the spool.
    is_sent : bool
        Whether all its files are there: what remains is to delete the segments.
    """

    stem: str
    segments: tuple[str, ...]
    is_sent: bool = False


def read_plan(spool_path: Path) -> Plan | None:
    """Return the upload that was begun and not finished, if there is one."""
    values = read_note(spool_path / _NAME)
    try:
        return Plan(values["stem"], tuple(values["segments"]), values["is_sent"])
    except (KeyError, TypeError):
        return None


def write_plan(spool_path: Path, plan: Plan) -> None:
    """Write an upload down.

    Raises
    ------
    StorageError
        If the spool cannot be written.
    """
    write_note(spool_path / _NAME, asdict(plan))


def forget_plan(spool_path: Path) -> None:
    """Say that the upload is finished."""
    (spool_path / _NAME).unlink(missing_ok=True)
