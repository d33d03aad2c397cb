"""Sending: a record goes to MLflow piece by piece, each piece once."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from libelle.storage import write_atomically
from libelle.tracking.client import (
    Beat,
    artifact_location,
    connect,
    error_code,
    public_address,
    within,
)
from libelle.tracking.record import RunRecord

PUSHED = "pushed.json"
RUN, VERSION = "run", "version"  # Pieces that are identifiers of MLflow.
RECORD_TAG, TRIAL_TAG, STATE_TAG = "libelle.record", "libelle.trial", "libelle.state"
PARENT_TAG, COMMIT_TAG, CONTEXT_TAG = (
    "mlflow.parentRunId",
    "mlflow.source.git.commit",
    "mlflow.data.context",
)
RUN_STATUSES = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
TRIAL_STATUSES = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
# Limits of MLflow's requests and columns.
_UNLIKED_BY_MLFLOW = re.compile(r"[^\w. /:-]")
ALL_RUNS = 3  # `ViewType.ALL`: those that a person deleted too.
MAX_PARAMS, MAX_METRICS, MAX_PARAM_CHARACTERS, MAX_DIGEST_CHARACTERS = 100, 1000, 6000, 36


@dataclass(frozen=True)
class PushReport:
    """What MLflow received from a record this time.

    Attributes
    ----------
    record : str
        Name of the run on disk.
    run_id : str
        MLflow's identifier of the run.
    n_trials, n_artifacts : int
        Sent this time; what had been sent before is not counted.
    changed : bool
        Whether anything was sent.
    version : str or None
        Registered version of its model, if it was registered this time.
    """

    record: str
    run_id: str
    n_trials: int = 0
    n_artifacts: int = 0
    changed: bool = False
    version: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)

    def line(self) -> str:
        """Return the report in words."""
        model = f", model registered as version {self.version}" if self.version else ""
        return (
            f"{self.record}: {self.n_trials} trials and {self.n_artifacts} files sent "
            f"to run {self.run_id}{model}"
        )


def push_record(
    record: RunRecord,
    *,
    tracking_uri: str,
    experiment: str | None = None,
    deadline_seconds: float = 30.0,
) -> PushReport:
    """Send to MLflow what it has not received yet of a record; doing it twice changes nothing.

    A run that a person deleted there stays deleted; one that MLflow has lost is sent again.

    Parameters
    ----------
    record : RunRecord
        Finished or not.
    tracking_uri : str
        Where to.
    experiment : str or None
        Name of the experiment; the model's if None.
    deadline_seconds : float
        Longest silence of the server.

    Raises
    ------
    TrackingError
        If MLflow refuses, cannot be reached, or is silent for too long. What it received is
        remembered.
    """
    sender = Sender(record, tracking_uri=tracking_uri, experiment=experiment)
    return within(deadline_seconds, sender.send, tracking_uri=tracking_uri, purpose="take the run")


class Memory:
    """What one MLflow has received of a record, by piece: a digest, or the identifier it gave.

    Written after each piece. A process killed before it could write finds its runs again by their
    tags, and sends pieces again that MLflow takes as the same.
    """

    def __init__(self, record: RunRecord, tracking_uri: str) -> None:
        self._path, self._address = record.path / PUSHED, public_address(tracking_uri)
        self._pieces: dict[str, dict[str, str]] = _read_pieces(self._path)

    def __getitem__(self, piece: str) -> str | None:
        """Return what is known of a piece."""
        return self._pieces.get(self._address, {}).get(piece)

    def __setitem__(self, piece: str, value: str) -> None:
        """Remember a piece."""
        self._pieces.setdefault(self._address, {})[piece] = value
        self._write()

    def forget(self) -> None:
        """Forget everything: this MLflow has lost it."""
        self._pieces[self._address] = {}
        self._write()

    def _write(self) -> None:
        with write_atomically(self._path) as stream:
            stream.write(
                json.dumps(self._pieces, ensure_ascii=False, indent=1, sort_keys=True).encode()
            )


class Sender:
    """Sends one record, as often as it is asked to.

    Parameters
    ----------
    record : RunRecord
    tracking_uri : str
    experiment : str or None
        The model's name if None.
    """

    def __init__(
        self, record: RunRecord, *, tracking_uri: str, experiment: str | None = None
    ) -> None:
        self._record, self._tracking_uri = record, tracking_uri
        self._experiment = experiment or record.model_name
        self._memory = Memory(record, tracking_uri)
        self._client: Any = None
        self._experiment_id = ""
        self._found: dict[str, str] = {}
        self._deleted: set[str] = set()

    def send(self, beat: Beat) -> PushReport:
        """Send what was not, calling `beat` after each answer of the server."""
        about = self._record.about()
        self._open(beat)
        if (deleted := self._found.get(RUN)) in self._deleted:
            return PushReport(record=self._record.run_name, run_id=str(deleted))
        run_id, opened = self._send_start(about, beat)
        trials = [self._send_trial(trial, run_id, beat) for trial in self._record.trials()]
        artifacts = [
            self._send_artifact(name, path, run_id, beat)
            for name, path in self._record.artifacts().items()
        ]
        others = [
            self._send_inputs(run_id, beat),
            self._send_metrics(about, run_id, beat),
            self._send_status(about, run_id, beat),
        ]
        return PushReport(
            record=self._record.run_name,
            run_id=run_id,
            n_trials=sum(trials),
            n_artifacts=sum(artifacts),
            changed=opened or any(chain(trials, artifacts, others)),
        )

    def _open(self, beat: Beat) -> None:
        """Connect, and look for the runs that an earlier process may have created."""
        if self._client:
            return
        client = connect(self._tracking_uri)
        beat()
        self._experiment_id = open_experiment(client, self._experiment, self._tracking_uri)
        beat()
        self._found = self._find_runs(client)
        beat()
        if self._memory[RUN] not in (None, self._found.get(RUN)):
            self._memory.forget()
        self._client = client

    def _find_runs(self, client: Any) -> dict[str, str]:
        query = f"tags.`{RECORD_TAG}` = '{self._record.run_name}'"
        runs = list(all_pages(client.search_runs, [self._experiment_id], query, ALL_RUNS))
        self._deleted = {run.info.run_id for run in runs if run.info.lifecycle_stage == "deleted"}
        return {run.data.tags.get(TRIAL_TAG, RUN): run.info.run_id for run in runs}

    def _send_start(self, about: Mapping[str, Any], beat: Beat) -> tuple[str, bool]:
        """Create the run with its configuration, and return its identifier."""
        if known := self._memory[RUN]:
            return known, False
        environment = about["environment"]
        run_id = self._found.get(RUN) or self._create_run(
            self._record.run_name,
            {**about["tags"], **_environment_tags(environment), RECORD_TAG: self._record.run_name},
            start_time=_milliseconds(about["started_at"]),
        )
        beat()
        log_batch(self._client, run_id, params=flatten(about["configuration"]))
        for name in ("configuration", "environment"):
            content = json.dumps(about[name], ensure_ascii=False, indent=1, sort_keys=True)
            self._client.log_text(run_id, content, f"{name}.json")
            beat()
        self._memory[RUN] = run_id
        return run_id, True

    def _send_trial(self, trial: Mapping[str, Any], parent_id: str, beat: Beat) -> bool:
        number = str(trial["number"])
        if self._memory[f"trial {number}"]:
            return False
        ended = _milliseconds(trial["finished_at"])
        started = ended - int(1000 * (trial.get("seconds") or 0))
        tags = {
            RECORD_TAG: self._record.run_name,
            TRIAL_TAG: number,
            STATE_TAG: trial["state"],
            PARENT_TAG: parent_id,
        }
        run_id = self._found.get(number) or self._create_run(
            f"trial {number}", tags, start_time=started
        )
        beat()
        # With times of their own, metrics sent twice are the same metrics.
        log_batch(
            self._client,
            run_id,
            params=flatten(trial["parameters"]),
            metrics=list(_trial_metrics(trial, ended)),
        )
        beat()
        status = TRIAL_STATUSES.get(trial["state"], "FAILED")
        self._client.set_terminated(run_id, status=status, end_time=ended)
        beat()
        self._memory[f"trial {number}"] = run_id
        return True

    def _send_inputs(self, run_id: str, beat: Beat) -> bool:
        inputs = self._record.inputs()
        send = partial(self._client.log_inputs, run_id, list(map(_dataset_input, inputs)))
        return bool(inputs) and self._send_once("inputs", inputs, send, beat)

    def _send_metrics(self, about: Mapping[str, Any], run_id: str, beat: Beat) -> bool:
        metrics = self._record.metrics()
        sent_at = _milliseconds(about["started_at"])
        rows = [(name, value, sent_at, 0) for name, value in metrics.items() if value is not None]
        send = partial(log_batch, self._client, run_id, metrics=rows)
        return bool(rows) and self._send_once("metrics", metrics, send, beat)

    def _send_artifact(self, name: str, path: Path, run_id: str, beat: Beat) -> bool:
        folder = name.rpartition("/")[0] or None
        send = partial(self._client.log_artifact, run_id, str(path), folder)
        return self._send_once(f"artifact {name}", path.read_bytes(), send, beat)

    def _send_status(self, about: Mapping[str, Any], run_id: str, beat: Beat) -> bool:
        status = RUN_STATUSES.get(about["status"])
        ended = _milliseconds(about["finished_at"]) if "finished_at" in about else None
        send = partial(self._client.set_terminated, run_id, status=status, end_time=ended)
        return bool(status) and self._send_once("status", about["status"], send, beat)

    def _send_once(self, piece: str, content: Any, send: Callable[[], object], beat: Beat) -> bool:
        """Send a piece unless this content of it was sent; tell whether it was sent now."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = hashlib.sha256(data).hexdigest()
        if self._memory[piece] == digest:
            return False
        send()
        beat()
        self._memory[piece] = digest
        return True

    def _create_run(self, name: str, tags: Mapping[str, str], *, start_time: int) -> str:
        run = self._client.create_run(
            self._experiment_id, run_name=name, tags=dict(tags), start_time=start_time
        )
        return str(run.info.run_id)


def open_experiment(client: Any, name: str, tracking_uri: str) -> str:
    """Return the identifier of an experiment, created at need; local artifacts go beside it."""
    if experiment := client.get_experiment_by_name(name):
        return str(experiment.experiment_id)
    try:
        return str(client.create_experiment(name, artifact_location(tracking_uri)))
    except Exception as error:
        if error_code(error) != "RESOURCE_ALREADY_EXISTS":
            raise
        # Another process was quicker.
        return str(client.get_experiment_by_name(name).experiment_id)


def log_batch(
    client: Any,
    run_id: str,
    *,
    params: Mapping[str, str] | None = None,
    metrics: Sequence[tuple[str, float, int, int]] = (),
) -> None:
    """Log parameters and metrics (name, value, milliseconds, step) in one call if they fit."""
    from mlflow.entities import Metric, Param

    all_params = [Param(name, value) for name, value in (params or {}).items()]
    all_metrics = [Metric(*metric) for metric in metrics]
    n_calls = max(
        -(-len(all_params) // MAX_PARAMS), -(-len(all_metrics) // (MAX_METRICS - MAX_PARAMS))
    )
    for call in range(n_calls):
        client.log_batch(
            run_id,
            params=_part(all_params, call, MAX_PARAMS),
            metrics=_part(all_metrics, call, MAX_METRICS - MAX_PARAMS),
        )


def all_pages(search: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
    """Give every result of a search of MLflow, page after page."""
    token = None
    while True:
        page = search(*arguments, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def flatten(value: Any, prefix: str = "") -> dict[str, str]:
    """Return nested values as MLflow's parameters: dotted names, texts of a bounded length."""
    if isinstance(value, Mapping) and value:
        parts = [flatten(inside, f"{prefix}{name}.") for name, inside in value.items()]
        return {name: text for part in parts for name, text in part.items()}
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    name = _UNLIKED_BY_MLFLOW.sub("_", prefix.rstrip("."))
    return {name: text[:MAX_PARAM_CHARACTERS]} if name else {}


def _part(values: Sequence[Any], call: int, size: int) -> Sequence[Any]:
    return values[call * size : (call + 1) * size]


def _trial_metrics(trial: Mapping[str, Any], sent_at: int) -> Iterator[tuple[str, float, int, int]]:
    """Give the means of a trial, then what each fold gave, with the fold as step."""
    means = {**trial["metrics"], "seconds": trial.get("seconds")}
    for name, value in means.items():
        if _is_number(value):
            yield name, float(value), sent_at, 0
    for fold in trial.get("folds", []):
        for name, value in fold.items():
            if name != "fold" and _is_number(value):
                yield f"fold_{name}", float(value), sent_at, int(fold["fold"])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _dataset_input(used: Mapping[str, Any]) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    profile = {"num_rows": used["n_texts"], "digest": used["digest"]}
    dataset = Dataset(
        name=used["name"],
        digest=used["digest"].removeprefix("sha256:")[:MAX_DIGEST_CHARACTERS],
        source_type="uri",
        source=json.dumps({"uri": used["uri"]}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, tags=[InputTag(CONTEXT_TAG, used["role"])])


def _environment_tags(environment: Mapping[str, Any]) -> dict[str, str]:
    tags = {
        "libelle.version": environment["libelle"],
        "libelle.python": environment["python"],
        "libelle.platform": environment["platform"],
        COMMIT_TAG: environment["git_commit"],
    }
    return {name: value for name, value in tags.items() if value}


def _milliseconds(moment: str) -> int:
    return int(1000 * datetime.fromisoformat(moment).timestamp())


def _read_pieces(path: Path) -> dict[str, dict[str, str]]:
    try:
        pieces: dict[str, dict[str, str]] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return pieces
