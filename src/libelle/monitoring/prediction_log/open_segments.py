"""Open segments: the files that one writer writes, in a folder that it holds locked."""

import fcntl
import os
import secrets
import shutil
from pathlib import Path

from libelle.monitoring.prediction_log.segments import OPEN, SEALED, segment_name


class WriterFolder:
    """The folder of one writer, locked as long as it is open.

    Raises
    ------
    OSError
        If it cannot be made in `spool_path`.
    """

    def __init__(self, spool_path: Path) -> None:
        name = f"{secrets.token_hex(6)}-{os.getpid()}"
        self.path = spool_path / name
        # Under a name that nobody looks at, until it is locked.
        hidden = spool_path / f".{name}"
        hidden.mkdir()
        try:
            self._descriptor = os.open(hidden, os.O_RDONLY)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(self.path)
            sync_folder(spool_path)
        except OSError:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        self._n_segments = 0

    def next_path(self) -> Path:
        """Return the path of the next segment."""
        self._n_segments += 1
        return self.path / segment_name(self._n_segments, OPEN)

    def sync(self) -> None:
        """Bring to the disk which files it has."""
        os.fsync(self._descriptor)

    def is_gone(self) -> bool:
        """Tell whether somebody deleted it, or put something else in its place."""
        try:
            there = self.path.stat()
        except OSError:
            return True
        return there.st_ino != os.fstat(self._descriptor).st_ino

    def close(self) -> None:
        """Give it up."""
        os.close(self._descriptor)


class OpenSegment:
    """A file being written.

    Attributes
    ----------
    n_bytes : int
        Of whole records.
    is_torn : bool
        Whether what is no whole record could not be cut off: nothing may come after it.
    is_doubtful : bool
        Whether a sync failed: the next one may succeed without the records being there.
    """

    def __init__(self, folder: WriterFolder, opened_at: float) -> None:
        self._folder, self.opened_at = folder, opened_at
        self._path = folder.next_path()
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.n_bytes = 0
        self.is_torn = self.is_doubtful = self._is_listed = False

    def append(self, framed: bytes) -> None:
        """Write at the end, all or nothing."""
        try:
            self._write(framed)
        except OSError:
            self._cut()
            raise
        self.n_bytes += len(framed)

    def sync(self) -> None:
        """Bring what was appended to the disk; raise `FileNotFoundError` if the file is deleted."""
        if self.is_gone():
            raise FileNotFoundError(self._path)
        os.fdatasync(self._descriptor)
        if not self._is_listed:
            self._folder.sync()
            self._is_listed = True

    def is_gone(self) -> bool:
        """Tell whether somebody deleted it."""
        return os.fstat(self._descriptor).st_nlink == 0

    def seal(self, *, is_durable: bool) -> None:
        """Make it ready for upload, unless it is deleted or elsewhere."""
        if is_durable and not self.is_doubtful:
            self.sync()
        if not self.is_gone():
            self._rename()
        os.close(self._descriptor)

    def _write(self, framed: bytes) -> None:
        # On a disk that gets full, the first write is short and the second one says why.
        n_written = 0
        while n_written < len(framed):
            n_written += os.pwrite(self._descriptor, framed[n_written:], self.n_bytes + n_written)

    def _cut(self) -> None:
        try:
            os.ftruncate(self._descriptor, self.n_bytes)
        except OSError:
            self.is_torn = True

    def _rename(self) -> None:
        # The folder is not synced: under either name, a segment is found after a power cut.
        try:
            self._path.rename(self._path.with_suffix(SEALED))
        except FileNotFoundError:  # The folder was moved.
            return


def sync_folder(path: Path) -> None:
    """Bring to the disk which files a folder has."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
