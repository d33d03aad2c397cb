"""Log: the sink that keeps predictions in a spool, from where an uploader takes them."""

import logging
from threading import Event, Lock, Thread

from libelle.errors import StorageError
from libelle.monitoring.prediction_log.options import LogOptions, SyncMode, WhenFull
from libelle.monitoring.prediction_log.rows import RowWriter
from libelle.monitoring.prediction_log.spool import SpoolWriter
from libelle.monitoring.prediction_sink import PredictionRows

logger = logging.getLogger(__name__)

_LONGEST_TEND_SECONDS = 1.0


class PredictionLog:
    """A prediction sink whose rows are on the disk of this machine once `sync` returns.

    It never waits for the place of the log itself: `Uploader` brings the rows there. Half of
    `upload_seconds` is for rows to gather here, the other half for the uploader to come.

    Parameters
    ----------
    options : LogOptions

    Raises
    ------
    StorageError
        If the spool cannot be written.
    """

    def __init__(self, options: LogOptions) -> None:
        self._rows = RowWriter(options)
        self._spool = SpoolWriter(
            options.spool_path,
            is_durable=options.sync is SyncMode.ALWAYS,
            max_bytes=options.max_spool_bytes,
            seal_seconds=options.upload_seconds / 2,
        )
        self._refuses = options.when_full is WhenFull.REFUSE
        self._n_rows = self._n_dropped = 0
        self._is_written, self._is_dropping = True, False
        self._counting = Lock()
        self._closing = Event()
        self._tend_seconds = min(_LONGEST_TEND_SECONDS, options.upload_seconds / 8)
        self._tending = Thread(target=self._tend, name="libelle-log", daemon=True)
        self._tending.start()

    @property
    def n_dropped(self) -> int:
        """Return how many predictions were answered without a row; read from any thread."""
        return self._n_dropped

    @property
    def is_dropping(self) -> bool:
        """Tell whether the last predictions have no row; read from any thread."""
        return self._is_dropping

    def append(self, rows: PredictionRows) -> None:
        """Write predictions to the spool; called by one thread.

        Raises
        ------
        StorageError
            If there is no room and the policy is to refuse.
        """
        n_rows = len(rows.prediction_ids) + len(rows.failed)
        record = self._rows.write(rows, order=self._n_rows)
        self._n_rows += n_rows  # Where rows are lost, a gap shows it.
        try:
            self._spool.append(record, n_rows=n_rows)
            self._is_written = True
        except StorageError as error:
            self._is_written = False
            if self._refuses:
                raise
            self._drop(n_rows, error)

    def sync(self) -> None:
        """Bring to the disk what was appended so far; called by any thread.

        Raises
        ------
        StorageError
            If the disk refuses and the policy is to refuse.
        """
        try:
            self._spool.sync()
        except StorageError as error:
            if self._refuses:
                raise
            self._drop(self._spool.forget_unsynced(), error)
        else:
            self._resume()

    def close(self) -> None:
        """Bring everything to the disk, and leave it to the uploader."""
        self._closing.set()
        self._tending.join()
        self._spool.note_dropped(self._n_dropped)
        try:
            self._spool.close()
        except StorageError as error:
            self._drop(self._spool.forget_unsynced(), error)

    def _drop(self, n_rows: int, error: StorageError) -> None:
        with self._counting:
            is_first, self._is_dropping = not self._is_dropping, True
            self._n_dropped += n_rows
        if is_first:
            logger.error("Predictions are not logged any more: %s", error)

    def _resume(self) -> None:
        if self._is_dropping and self._is_written:
            logger.warning("Predictions are logged again; %d were not", self._n_dropped)
            self._is_dropping = False

    def _tend(self) -> None:
        n_noted = 0
        while not self._closing.wait(self._tend_seconds):
            try:
                self._spool.tend()
            except StorageError as error:
                logger.warning("The spool was not tended: %s", error)
            if n_noted != self._n_dropped:
                n_noted = self._n_dropped
                self._spool.note_dropped(n_noted)
