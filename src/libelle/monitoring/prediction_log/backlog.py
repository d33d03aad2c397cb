"""Backlog: the segments that wait in a spool, seen from outside the writers."""

import fcntl
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from libelle.errors import DataError, StorageError
from libelle.monitoring.prediction_log.rows import Record, read_record
from libelle.monitoring.prediction_log.segments import (
    DROPPED,
    OPEN,
    SEALED,
    SegmentContent,
    is_segment,
    read_segment,
)
from libelle.storage import delete_half_written

UNREADABLE = "unreadable"
_AGAIN_SECONDS = 0.05
_FOLDER = re.compile(r"[0-9a-f]{12}-\d+")


@dataclass(frozen=True)
class Backlog:
    """What may be taken out of a spool, nobody else taking from it meanwhile.

    Attributes
    ----------
    segments : list of Path
        Sealed ones, and all those of dead writers; in the order they were written, for each writer.
    dead_folders : list of Path
    n_dropped : int
        Rows that the writers, dead and live, say they lost.
    """

    segments: list[Path]
    dead_folders: list[Path]
    n_dropped: dict[str, int]


@dataclass(frozen=True)
class ReadSegments:
    """The records of segments, and what there is beside them."""

    records: list[Record]
    n_torn_bytes: int
    unreadable: list[Path]


@contextmanager
def hold_backlog(spool_path: Path, *, wait_seconds: float = 0.0) -> Iterator[Backlog]:
    """Hold what may be taken out of a spool, waiting a while for who holds it.

    Raises
    ------
    StorageError
        If the spool cannot be read, or another process takes from it.
    """
    with ExitStack() as held:
        until = time.monotonic() + wait_seconds
        while not _lock(spool_path, held):
            if time.monotonic() < until:
                time.sleep(_AGAIN_SECONDS)
                continue
            raise StorageError(
                f"Another process takes predictions out of the spool {spool_path}. "
                "One is enough: end it, or wait."
            )
        folders = writer_folders(spool_path)
        dead = [folder for folder in folders if _lock(folder, held)]
        segments = [
            segment
            for folder in folders
            for segment in segments_of(folder)
            if folder in dead or segment.suffix != OPEN
        ]
        yield Backlog(segments, dead, {folder.name: _n_dropped(folder) for folder in folders})


def writer_folders(spool_path: Path) -> list[Path]:
    """Return the folders of the writers, dead or live.

    Raises
    ------
    StorageError
        If the spool cannot be read.
    """
    try:
        return sorted(path for path in spool_path.iterdir() if _FOLDER.fullmatch(path.name))
    except OSError as error:
        raise _unreadable(spool_path, error) from error


def segments_of(folder: Path) -> list[Path]:
    """Return the segments of a writer, in the order they were written."""
    try:
        return sorted(path for path in folder.iterdir() if is_segment(path))
    except FileNotFoundError:
        return []


def open_segments_of_others(spool_path: Path, backlog: Backlog) -> list[Path]:
    """Return the segments that live writers are writing."""
    return [
        segment
        for folder in writer_folders(spool_path)
        for segment in segments_of(folder)
        if segment not in backlog.segments
    ]


def read_segments(segments: Sequence[Path]) -> ReadSegments:
    """Read segments; one that was uploaded meanwhile is left out."""
    records, unreadable, n_torn_bytes = [], [], 0
    for path in segments:
        try:
            content = _read_sealed_or_not(path)
        except FileNotFoundError:
            continue
        n_torn_bytes += content.n_torn_bytes
        for one in content.records:
            try:
                records.append(read_record(one))
            except DataError:
                unreadable.append(path)
    return ReadSegments(records, n_torn_bytes, list(dict.fromkeys(unreadable)))


def _read_sealed_or_not(path: Path) -> SegmentContent:
    try:
        return read_segment(path)
    except FileNotFoundError:  # Sealed since it was listed, or gone.
        return read_segment(path.with_suffix(SEALED))


def discard(segments: Sequence[Path]) -> None:
    """Delete segments."""
    for path in segments:
        path.unlink(missing_ok=True)


def set_aside(segments: Sequence[Path], spool_path: Path) -> None:
    """Keep segments where nobody takes them again, for a person to look at."""
    folder = spool_path / UNREADABLE
    for path in segments:
        folder.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            path.rename(folder / f"{path.parent.name}-{path.name}")


def remove_dead(folders: Sequence[Path]) -> list[str]:
    """Remove the folders of dead writers that are empty now, and return their names."""
    removed = []
    for folder in folders:
        if not segments_of(folder):
            (folder / DROPPED).unlink(missing_ok=True)
            delete_half_written(folder)
            with suppress(OSError):  # Somebody put a file there: it is not ours.
                folder.rmdir()
                removed.append(folder.name)
    return removed


def _n_dropped(folder: Path) -> int:
    try:
        return int((folder / DROPPED).read_text())
    except (OSError, ValueError):
        return 0


def _lock(folder: Path, held: ExitStack) -> bool:
    """Lock a folder; False if somebody holds it, or if it is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if _FOLDER.fullmatch(folder.name):
            return False
        raise _unreadable(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    held.callback(os.close, descriptor)
    return True


def _unreadable(spool_path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The spool {spool_path} cannot be read: {error.strerror}. Check LIBELLE_SPOOL_PATH."
    )
