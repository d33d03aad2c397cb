"""Runs: sent to MLflow while they go on, or later; a training never waits for it, nor fails."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from libelle.errors import LibelleError, UsageError
from libelle.tracking.client import Beat, Watched
from libelle.tracking.record import RunRecord, list_records
from libelle.tracking.registry import register_model
from libelle.tracking.sending import VERSION, Memory, PushReport, Sender, push_record

IDLE_SECONDS = 0.1
LATER = "The results are kept in {folder}: send them later with `libelle runs push`."


def default_tracking_uri(home: Path) -> str:
    """Return the address of the local store of a home: a SQLite file.

    Raises
    ------
    UsageError
        If the path holds a character that no address of SQLite can hold.
    """
    database = home.absolute() / "mlflow.db"
    if set("?#%") & set(str(database)):
        raise UsageError(
            f"{home.absolute()} holds ?, # or %, which no address of a database can hold. "
            "Set LIBELLE_HOME to another folder."
        )
    return f"sqlite:///{database}"


def push_all(
    home: Path, *, tracking_uri: str, by: str | None = None, deadline_seconds: float = 60.0
) -> list[PushReport]:
    """Send the runs kept in a home, then the models of those that finished, the oldest first.

    Runs that go on are left to their own process.

    Returns
    -------
    list of PushReport
        Of the runs of which something was sent.

    Raises
    ------
    TrackingError
        If MLflow refuses or is silent. What it received is remembered.
    """
    options: dict[str, Any] = {"tracking_uri": tracking_uri, "deadline_seconds": deadline_seconds}
    reports = []
    for record in list_records(home):
        if record.is_running():
            continue
        report = push_record(record, **options)
        if _awaits_registration(record, tracking_uri):
            version = register_model(record, name=record.model_name, by=by, **options)
            report = replace(report, version=version.version, changed=True)
        reports.append(report)
    return [report for report in reports if report.changed]


class LiveRunLog:
    """A run log that keeps a record on disk and sends it to MLflow as it grows.

    Sending is the work of a thread of its own, so that the training never waits. The first failure
    ends it, with one message: the record stays whole, and is sent later.

    Parameters
    ----------
    record : RunRecord
    tracking_uri : str
        Where to.
    warn : callable
        Receives the message.
    experiment : str or None
        Name of the experiment; the model's if None.
    deadline_seconds : float
        Longest silence of the server. Only `finish` may have to wait for so long.
    """

    def __init__(
        self,
        record: RunRecord,
        *,
        tracking_uri: str,
        warn: Callable[[str], None],
        experiment: str | None = None,
        deadline_seconds: float = 30.0,
    ) -> None:
        self.record = record
        self._warn, self._deadline_seconds = warn, deadline_seconds
        self._sender = Sender(record, tracking_uri=tracking_uri, experiment=experiment)
        self._news, self._last = Event(), Event()
        self._work = Watched(self._keep_sending, tracking_uri=tracking_uri, purpose="take the run")
        self._on = True

    def start(
        self, *, name: str, configuration: Mapping[str, Any], tags: Mapping[str, str]
    ) -> None:
        """Open the run."""
        self.record.start(name=name, configuration=configuration, tags=tags)
        self._work.start()
        self._tell()

    def log_input(self, *, role: str, name: str, uri: str, digest: str, n_texts: int) -> None:
        """Note texts that the run uses."""
        self.record.log_input(role=role, name=name, uri=uri, digest=digest, n_texts=n_texts)
        self._tell()

    def log_trial(self, trial: Mapping[str, Any]) -> None:
        """Note one trial that ended."""
        self.record.log_trial(trial)
        self._tell()

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Note numbers about the model."""
        self.record.log_metrics(metrics)
        self._tell()

    def log_artifact(self, name: str, content: bytes) -> None:
        """Keep a table or a picture."""
        self.record.log_artifact(name, content)
        self._tell()

    def log_model(self, folder: Path) -> None:
        """Keep a saved predictor; registering it is a step of its own."""
        self.record.log_model(folder)

    def finish(self, status: str) -> None:
        """Close the run, and wait until MLflow has it all, or is silent for too long."""
        self.record.finish(status)
        self._last.set()
        self._tell()
        if self._on:
            try:
                self._work.wait(self._deadline_seconds)
            except LibelleError as error:
                self._switch_off(error)

    def _keep_sending(self, beat: Beat) -> None:
        last = False
        while not last:
            while not self._news.wait(IDLE_SECONDS):
                beat()
            self._news.clear()
            last = self._last.is_set()
            self._sender.send(beat)

    def _tell(self) -> None:
        """Wake the thread up, unless it failed or hangs."""
        if not self._on:
            return
        if error := self._work.complaint(self._deadline_seconds):
            self._switch_off(error)
        else:
            self._news.set()

    def _switch_off(self, error: LibelleError) -> None:
        self._on = False
        self._warn(f"{error} {LATER.format(folder=self.record.path)}")


def _awaits_registration(record: RunRecord, tracking_uri: str) -> bool:
    return (
        record.about()["status"] == "finished"
        and record.model_folder.is_dir()
        and Memory(record, tracking_uri)[VERSION] is None
    )
