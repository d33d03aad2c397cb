"""Uploading: what brings predictions from the spool to the log, in a process of its own."""

import os
import signal
import tempfile
from pathlib import Path
from threading import Event

from libelle.errors import StorageError
from libelle.monitoring.prediction_log import LogOptions

_LOOK_SECONDS = 0.5
# Those who wait for an answer come first, those who read the log later.
_NICENESS = 10


class _Told:
    """Says that it is time to end: after SIGTERM, or once the supervising process is gone."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._event = Event()
        signal.signal(signal.SIGTERM, lambda *_: self._event.set())

    def wait(self, timeout: float) -> bool:
        """Wait some seconds, less if the time has come; tell whether it has."""
        while not self._event.is_set() and os.getppid() == self._parent:
            if timeout <= 0:
                return False
            self._event.wait(min(timeout, _LOOK_SECONDS))
            timeout -= _LOOK_SECONDS
        return True


def upload_until_told(options: LogOptions) -> None:
    """Bring predictions to the log until SIGTERM, then those that are left."""
    told = _Told()
    os.nice(_NICENESS)
    from libelle.monitoring.prediction_log.upload import Uploader

    Uploader(options).run(told)


def refuse_unusable_spool(path: Path) -> None:
    """Refuse a spool that cannot be written, before anything is answered.

    Raises
    ------
    StorageError
        If it cannot be.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as stream:
            stream.write(b"\0" * 4096)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StorageError(
            f"The spool {path} cannot be written: {error.strerror}. Give a folder on a disk of "
            "this machine that can be, with LIBELLE_SPOOL_PATH."
        ) from error
