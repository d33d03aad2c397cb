"""Spool: where rows are safe before the answer leaves, on the disk of this machine.

Each writer has a folder of its own, which it holds locked: a folder that nobody holds is that of a
writer that died, and whole records in it are as good as those of a sealed segment.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from libelle.errors import StorageError
from libelle.monitoring.prediction_log.open_segments import OpenSegment, WriterFolder
from libelle.monitoring.prediction_log.options import SEGMENT_BYTES
from libelle.monitoring.prediction_log.room import MEASURE_SECONDS, Room
from libelle.monitoring.prediction_log.segments import DROPPED, frame

logger = logging.getLogger(__name__)

MAX_WAITING_BYTES = 16 * SEGMENT_BYTES


class _Waiting(NamedTuple):
    """A record that no sync has covered yet."""

    number: int
    framed: bytes
    n_rows: int


class SpoolWriter:
    """Appends records to segments; `sync` and `tend` may be called by other threads meanwhile.

    Parameters
    ----------
    spool_path : Path
        Made if it is absent.
    is_durable : bool
        Whether `sync` goes down to the disk.
    max_bytes : int
        Most bytes that may wait in `spool_path`, of all writers.
    seal_seconds : float
        Age at which `tend` seals a segment, however small.
    segment_bytes : int
        Size at which a segment is sealed.
    clock : callable
        Seconds, never backwards.

    Raises
    ------
    StorageError
        If `spool_path` cannot be written.
    """

    def __init__(
        self,
        spool_path: Path,
        *,
        is_durable: bool,
        max_bytes: int,
        seal_seconds: float,
        segment_bytes: int = SEGMENT_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool_path = spool_path
        self._is_durable = is_durable
        self._seal_seconds, self._segment_bytes = seal_seconds, segment_bytes
        self._clock = clock
        # The second lock is held while the disk works, and taken first where both are.
        self._writing, self._syncing = Lock(), Lock()
        self._n_appended = self._n_synced = 0
        self._waiting: list[_Waiting] = []
        self._n_waiting_bytes = 0
        self._is_doubtful = False  # A sync failed: no later one is believed, but of a new segment.
        self._segment: OpenSegment | None = None
        self._retired: list[OpenSegment] = []
        self._folder = self._make_folder()
        self._deleted_folders: list[WriterFolder] = []
        self._room = Room(spool_path, max_bytes, clock)

    @property
    def folder(self) -> Path:
        """Return the folder of this writer."""
        return self._folder.path

    def append(self, record: bytes, *, n_rows: int) -> None:
        """Write a record; one that does not fit whole is taken back.

        When a lot waits for a sync, this is the time for one.

        Raises
        ------
        StorageError
            If the spool is full, or cannot be written.
        """
        framed = frame(record)
        if self._n_waiting_bytes > MAX_WAITING_BYTES:
            self.sync()
        with self._writing:
            if not self._room.has(len(framed)):
                raise self._failure("the bytes that may wait there are used up")
            try:
                self._write(framed)
            except OSError as error:
                raise self._failure_of(error) from error
            self._n_appended += 1
            if self._is_durable:
                self._waiting.append(_Waiting(self._n_appended, framed, n_rows))
                self._n_waiting_bytes += len(framed)

    def sync(self) -> None:
        """Bring to the disk all that was appended before: one call serves all who wait.

        Raises
        ------
        StorageError
            If the disk refuses. What was not covered stays for the next call.
        """
        wanted = self._n_appended
        if not self._is_durable or self._n_synced >= wanted:
            return
        with self._syncing:
            if self._n_synced >= wanted:
                return
            if self._is_doubtful or not self._bring_to_disk():
                self._write_again()

    def note_dropped(self, n_dropped: int) -> None:
        """Write where the uploader sees it how many rows this writer lost so far."""
        with suppress(OSError):  # The disk may be full: that is why rows are lost.
            (self._folder.path / DROPPED).write_text(str(n_dropped))

    def forget_unsynced(self) -> int:
        """Give up what no sync could cover, and return how many rows that is."""
        with self._syncing, self._writing:
            n_rows = sum(one.n_rows for one in self._waiting)
            self._forget_waiting(self._n_appended)
        return n_rows

    def tend(self, *, seal: bool = False) -> None:
        """Seal what is old enough, or all of it: called now and then, off the path of requests.

        Raises
        ------
        StorageError
            As `sync`.
        """
        self._room.look(MEASURE_SECONDS)
        with self._writing:
            segment = self._segment
            if segment and (seal or self._clock() - segment.opened_at >= self._seal_seconds):
                self._retire()
        self.sync()
        with self._syncing:
            try:
                self._seal_retired()
            except OSError as error:
                self._is_doubtful = True
                raise self._failure_of(error) from error

    def close(self) -> None:
        """Seal all, and give the folder up.

        Raises
        ------
        StorageError
            As `sync`.
        """
        try:
            self.tend(seal=True)
        finally:
            self._folder.close()

    def _make_folder(self) -> WriterFolder:
        try:
            self._spool_path.mkdir(parents=True, exist_ok=True)
            return WriterFolder(self._spool_path)
        except OSError as error:
            raise self._failure_of(error) from error

    def _failure_of(self, error: OSError) -> StorageError:
        return self._failure(error.strerror or type(error).__name__)

    def _failure(self, why: str) -> StorageError:
        return StorageError(
            f"The spool {self._spool_path} cannot take predictions: {why}. "
            "Check LIBELLE_SPOOL_PATH, its rights and the room on its disk."
        )

    def _write(self, framed: bytes) -> None:
        if self._folder.is_gone():
            self._replace_folder()
        if self._segment and self._segment.is_gone():
            self._retire()
        segment = self._segment or self._open()
        try:
            segment.append(framed)
        finally:
            if segment.is_torn:
                self._retire()
        self._room.take(len(framed))
        if segment.n_bytes >= self._segment_bytes:
            self._retire()

    def _open(self) -> OpenSegment:
        self._segment = OpenSegment(self._folder, self._clock())
        return self._segment

    def _retire(self) -> None:
        if self._segment is not None:
            self._retired.append(self._segment)
            self._segment = None

    def _replace_folder(self) -> None:
        logger.warning("The spool %s was deleted: it is made again", self._spool_path)
        self._retire()
        deleted, self._folder = self._folder, self._make_folder()
        self._deleted_folders.append(deleted)

    def _bring_to_disk(self) -> bool:
        """Sync what there is; False if that failed."""
        with self._writing:
            covered, segment = self._n_appended, self._segment
        try:
            if segment is not None:  # Open still, even if retired since: only the next line closes.
                segment.sync()
            self._seal_retired()
        except OSError:
            self._is_doubtful = True
            return False
        self._mark_synced(covered)
        return True

    def _seal_retired(self) -> None:
        deleted = list(self._deleted_folders)  # All their segments are retired.
        while self._retired:
            self._retired[0].seal(is_durable=self._is_durable)
            del self._retired[0]
        for folder in deleted:
            folder.close()
            self._deleted_folders.remove(folder)

    def _write_again(self) -> None:
        """Write what no sync covered into a new segment.

        After a failed sync the old segments may lie: the kernel may have dropped the pages that it
        could not write, and say at the next sync that all is well.
        """
        try:
            with self._writing:
                if self._folder.is_gone():
                    self._replace_folder()
                self._retire()
                for retired in self._retired:
                    retired.is_doubtful = True
                covered, segment = self._n_appended, self._open()
                segment.append(b"".join(one.framed for one in self._waiting))
            segment.sync()
        except OSError as error:
            raise self._failure_of(error) from error
        self._is_doubtful = False
        self._mark_synced(covered)

    def _mark_synced(self, covered: int) -> None:
        with self._writing:
            self._forget_waiting(covered)

    def _forget_waiting(self, covered: int) -> None:
        self._waiting = [one for one in self._waiting if one.number > covered]
        self._n_waiting_bytes = sum(len(one.framed) for one in self._waiting)
        self._n_synced = covered
