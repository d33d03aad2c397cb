"""Record: a run is first a folder on disk, so that nothing is ever lost."""

import errno
import fcntl
import json
import logging
import math
import os
import re
import secrets
import shutil
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from libelle.errors import StorageError, TrackingError, UsageError
from libelle.storage import redact, write_atomically
from libelle.tracking.environment import describe_environment

logger = logging.getLogger(__name__)

RUN, TRIALS, METRICS, INPUTS, LOCK = (
    "run.json",
    "trials.jsonl",
    "metrics.json",
    "inputs.json",
    "running.lock",
)
NAME = re.compile(r"\w(?:[\w .-]{0,98}\w)?")


class RunRecord:
    """One run, kept in a folder of `<home>/results` as it goes.

    ```text
    run.json       name, started_at, status, configuration, tags, environment
    trials.jsonl   one line for each trial, in the order in which they ended
    metrics.json   inputs.json   artifacts/…   model/
    pushed.json    what MLflow has received already
    ```

    Each file is written whole or not at all; a line is added whole, and a line torn by a crash is
    not read. While the run goes on, its process holds the lock of `running.lock`.

    Parameters
    ----------
    path : Path
        The folder.
    model_name : str
        Name of the model that the run trains.
    """

    def __init__(self, path: Path, model_name: str) -> None:
        self.path, self.model_name = path, model_name
        self._unlock: Callable[[], object] = lambda: None

    @classmethod
    def create(cls, home: Path, name: str, *, now: datetime | None = None) -> Self:
        """Prepare the record of a new run; nothing is written before `start`.

        Raises
        ------
        UsageError
            If no model can be registered under this name.
        """
        check_model_name(name)
        stamp = f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        run = f"{name.replace(' ', '-')}-{stamp}-{secrets.token_hex(3)}"
        return cls(home.absolute() / "results" / run, name)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a record for reading it.

        Raises
        ------
        TrackingError
            If the folder holds no record.
        """
        try:
            about = json.loads((path / RUN).read_bytes())
            return cls(path.absolute(), str(about["name"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrackingError(
                f"{path} holds no run: {RUN} cannot be read. Give a folder of results/."
            ) from error

    @property
    def run_name(self) -> str:
        """Return the name that no other run has."""
        return self.path.name

    @property
    def model_folder(self) -> Path:
        """Return where the predictor of the run is, or will be."""
        return self.path / "model"

    def about(self) -> dict[str, Any]:
        """Return name, dates, status, configuration, tags and environment.

        A run whose process vanished has the status `interrupted`.
        """
        about: dict[str, Any] = json.loads((self.path / RUN).read_bytes())
        if about["status"] == "running" and not self.is_running():
            about["status"] = "interrupted"
        return about

    def trials(self) -> list[dict[str, Any]]:
        """Return the trials that ended, in that order."""
        try:
            content = (self.path / TRIALS).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        whole, _, _ = content.rpartition("\n")
        return [json.loads(line) for line in whole.split("\n") if line]

    def metrics(self) -> dict[str, float]:
        """Return the metrics of the model."""
        metrics: dict[str, float] = self._read(METRICS, {})
        return metrics

    def inputs(self) -> list[dict[str, Any]]:
        """Return the texts used: role, name, uri, digest, n_texts."""
        inputs: list[dict[str, Any]] = self._read(INPUTS, [])
        return inputs

    def artifacts(self) -> dict[str, Path]:
        """Return the tables and pictures, by name."""
        folder = self.path / "artifacts"
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {
            path.relative_to(folder).as_posix(): path
            for path in files
            if not path.name.startswith(".")
        }

    def is_running(self) -> bool:
        """Tell whether a living process holds the run."""
        try:
            with (self.path / LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def start(
        self, *, name: str, configuration: Mapping[str, Any], tags: Mapping[str, str]
    ) -> None:
        """Make the folder and take its lock.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True)
            lock = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR)
            self._unlock = weakref.finalize(self, os.close, lock)
            with suppress(OSError):  # Some network folders have no locks.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be written: {error.strerror}. "
                "Free some space, or set LIBELLE_HOME to another folder."
            ) from error
        about = {
            "name": name,
            "status": "running",
            "started_at": _now(),
            "configuration": dict(configuration),
            "tags": dict(tags),
            "environment": describe_environment(),
        }
        self._write(RUN, about)

    def log_input(self, *, role: str, name: str, uri: str, digest: str, n_texts: int) -> None:
        """Note texts that the run uses, by the digest of their content."""
        used = {
            "role": role,
            "name": name,
            "uri": redact(uri),
            "digest": digest,
            "n_texts": n_texts,
        }
        self._write(INPUTS, [*self.inputs(), used])

    def log_trial(self, trial: Mapping[str, Any]) -> None:
        """Add a trial that ended."""
        line = _to_json({**trial, "finished_at": _now()}) + b"\n"
        with (self.path / TRIALS).open("ab", buffering=0) as file:
            _append_whole(file, line)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Note numbers about the model of the run."""
        self._write(METRICS, {**self.metrics(), **metrics})

    def log_artifact(self, name: str, content: bytes) -> None:
        """Keep a table or a picture, such as `figures/reliability.png`."""
        path = self.path / "artifacts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as stream:
            stream.write(content)

    def log_model(self, folder: Path) -> None:
        """Keep a saved predictor; one that was saved in `model_folder` stays there."""
        if folder.absolute() == self.model_folder:
            return
        partial = self.path / f".model-{secrets.token_hex(3)}"
        try:
            shutil.copytree(folder, partial)
            partial.rename(self.model_folder)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise StorageError(f"{folder} cannot be copied to {self.model_folder}.") from error

    def finish(self, status: str) -> None:
        """Close the run as `finished` or `failed`, and let its lock go."""
        about = json.loads((self.path / RUN).read_bytes())
        self._write(RUN, {**about, "status": status, "finished_at": _now()})
        self._unlock()

    def _read(self, name: str, default: Any) -> Any:
        try:
            return json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            return default

    def _write(self, name: str, value: Any) -> None:
        with write_atomically(self.path / name) as stream:
            stream.write(_to_json(value, indent=1))


def list_records(home: Path) -> list[RunRecord]:
    """Return the runs kept in a home, the oldest first; a damaged one is left out, and logged."""
    records = []
    for path in (home.absolute() / "results").glob(f"*/{RUN}"):
        try:
            records.append(RunRecord.open(path.parent))
        except TrackingError as error:
            logger.warning("%s", error)
    return sorted(records, key=lambda record: (record.about()["started_at"], record.run_name))


def check_model_name(name: str) -> None:
    """Refuse, before any work, a name that no registry would take.

    Raises
    ------
    UsageError
        If the name holds anything but letters, digits, blanks, dots, dashes and underscores.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a model: use at most 100 letters, digits, dashes or "
            "underscores, such as --model city-requests."
        )


def _append_whole(file: IO[bytes], line: bytes) -> None:
    """Add a line, or nothing: when the disk is full, a part of it would stay."""
    n_bytes = file.tell()
    try:
        if file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        os.ftruncate(file.fileno(), n_bytes)
        raise StorageError(
            f"{file.name} cannot be written: {error.strerror}. Free some space."
        ) from error


def _to_json(value: Any, *, indent: int | None = None) -> bytes:
    return json.dumps(_plain(value), ensure_ascii=False, indent=indent, sort_keys=True).encode()


def _plain(value: Any) -> Any:
    """Return a value that every JSON reader takes: NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inside) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inside) for inside in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
