"""Upload: segments of the spool become Parquet files of the log, each under a name of its own."""

import logging
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Protocol

from libelle.errors import StorageError
from libelle.monitoring.prediction_log.backlog import (
    discard,
    hold_backlog,
    read_segments,
    remove_dead,
    set_aside,
)
from libelle.monitoring.prediction_log.board import (
    SPOOL_FAILURE,
    UploadState,
    read_state,
    write_state,
)
from libelle.monitoring.prediction_log.files import write_file
from libelle.monitoring.prediction_log.options import LogOptions
from libelle.monitoring.prediction_log.plan import Plan, forget_plan, read_plan, write_plan
from libelle.monitoring.prediction_log.room import measure
from libelle.monitoring.prediction_log.store import LogStore, LogStoreError, folder_of
from libelle.monitoring.prediction_log.tables import build_sound_table, group_by_day

logger = logging.getLogger(__name__)

GROUP_BYTES = 8 << 20
LONGEST_PAUSE_SECONDS = 60.0


class Stop(Protocol):
    """What says that it is time to end: a `threading.Event`, for instance."""

    def wait(self, timeout: float) -> bool:
        """Wait some seconds, less if the time has come; tell whether it has."""


class Uploader:
    """Brings what waits in a spool to the log; one for a spool, in a process of its own.

    Parameters
    ----------
    options : LogOptions
    host : str or None
        What the names of the files begin with; by default the name of this machine.
    clock : callable
        Seconds since 1970.
    random : Random
        Of the pauses after a failure.
    """

    def __init__(
        self,
        options: LogOptions,
        *,
        host: str | None = None,
        clock: Callable[[], float] = time.time,
        random: Random | None = None,
    ) -> None:
        self._options, self._spool_path = options, options.spool_path
        self._host = re.sub(r"[^\w.]+", "_", host or socket.gethostname())[:63]
        self._clock = clock
        # Pauses need no secret: what matters is that uploaders do not all come back at once.
        self._random = random or Random()  # noqa: S311
        self._store = LogStore(options.uri, options.storage)

    def run(self, stop: Stop) -> None:
        """Upload until told to stop, then once more; a failure is noted and tried again later."""
        n_failures, pause = 0, 0.0
        while not stop.wait(pause):
            n_failures = 0 if self._try_once() else n_failures + 1
            pause = self._pause(n_failures)
        self._try_once()

    def run_once(self) -> int:
        """Upload what waits now, and return how many rows that is.

        Raises
        ------
        StorageError
            If the spool cannot be read, or the log cannot be written; nothing is lost.
        """
        with hold_backlog(self._spool_path) as backlog:
            state = read_state(self._spool_path).with_dropped(backlog.n_dropped)
            n_rows_before = state.n_rows
            try:
                for group in self._groups(backlog.segments):
                    state = self._upload(group, state)
                gone = remove_dead(backlog.dead_folders)
                self._write_state(state.succeeded(at=self._now()).without_writers(gone))
            except StorageError as error:
                self._fail(state, error, backlog.segments)
                raise
            except OSError as error:
                failure = self._spool_failure(error)
                self._fail(state, failure, backlog.segments)
                raise failure from error
        return state.n_rows - n_rows_before

    def _try_once(self) -> bool:
        try:
            self.run_once()
        except StorageError as error:
            logger.warning("Predictions wait in the spool: %s", error)
            return False
        return True

    def _pause(self, n_failures: int) -> float:
        usual = self._options.upload_seconds / 2
        if n_failures == 0:
            return usual
        longest = min(LONGEST_PAUSE_SECONDS, usual * 2.0 ** min(n_failures, 16))
        return self._random.uniform(longest / 2, longest)

    def _groups(self, segments: Sequence[Path]) -> Iterator[Plan]:
        """Cut the segments into uploads; one that was begun and not finished comes first."""
        begun = read_plan(self._spool_path)
        taken = set()
        if begun is not None:
            yield begun
            taken = set(begun.segments)
        names = [str(path.relative_to(self._spool_path)) for path in segments]
        group: list[str] = []
        n_bytes = 0
        for name, path in zip(names, segments, strict=True):
            if name in taken:
                continue
            group.append(name)
            n_bytes += path.stat().st_size
            if n_bytes >= GROUP_BYTES:
                yield self._plan(group)
                group, n_bytes = [], 0
        if group:
            yield self._plan(group)

    def _plan(self, names: Sequence[str]) -> Plan:
        folder, _, segment = names[0].partition("/")
        boot = folder.replace("-", "_")
        return Plan(f"{self._host}-{boot}-{Path(segment).stem}", tuple(names))

    def _upload(self, plan: Plan, state: UploadState) -> UploadState:
        """Write the files of some segments, then delete these; a plan says where one stood."""
        paths = [self._spool_path / name for name in plan.segments]
        if not plan.is_sent:
            self._note_plan(plan)
            state = self._send(plan, paths, state)
            self._note_plan(replace(plan, is_sent=True))
        discard(paths)
        forget_plan(self._spool_path)
        return state

    def _send(self, plan: Plan, paths: Sequence[Path], state: UploadState) -> UploadState:
        read = read_segments(paths)
        days, n_bad = group_by_day(read.records)
        n_rows = n_files = 0
        for day, records in days.items():
            table, n_bad_today = build_sound_table(records)
            write_file(self._store, f"{folder_of(day)}/{plan.stem}", table)
            n_bad, n_rows, n_files = n_bad + n_bad_today, n_rows + table.num_rows, n_files + 1
        if read.unreadable or n_bad:
            logger.error("Records that cannot be read are set aside in %s", self._spool_path)
            set_aside(paths if n_bad else read.unreadable, self._spool_path)
        return replace(
            state,
            n_files=state.n_files + n_files,
            n_rows=state.n_rows + n_rows,
            n_torn_bytes=state.n_torn_bytes + read.n_torn_bytes,
            n_unreadable=state.n_unreadable + len(read.unreadable) + n_bad,
        )

    def _spool_failure(self, error: OSError) -> StorageError:
        return StorageError(
            f"The spool {self._spool_path} cannot be emptied: {error.strerror}. "
            "Check LIBELLE_SPOOL_PATH, its rights and its disk."
        )

    def _note_plan(self, plan: Plan) -> None:
        try:
            write_plan(self._spool_path, plan)
        except StorageError as error:  # A full disk must not keep rows from leaving it.
            logger.warning("The upload goes on without a trace of where it stands: %s", error)

    def _fail(self, state: UploadState, error: StorageError, segments: Sequence[Path]) -> None:
        kind = str(error.kind) if isinstance(error, LogStoreError) else SPOOL_FAILURE
        self._write_state(state.failed(kind, at=self._now(), age_seconds=self._age(segments)))

    def _write_state(self, state: UploadState) -> None:
        state = replace(state, backlog_bytes=measure(self._spool_path))
        try:
            write_state(self._spool_path, state)
        except StorageError as error:  # A full disk must not keep rows from leaving it.
            logger.warning("The state of the upload was not written: %s", error)

    def _age(self, segments: Sequence[Path]) -> float:
        written_at = [path.stat().st_mtime for path in segments if path.exists()]
        return max(0.0, self._clock() - min(written_at, default=self._clock()))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
