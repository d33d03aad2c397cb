"""Registering: a predictor becomes a version of a regular MLflow model, once."""

import json
import platform
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import libelle
from libelle.tracking.client import Beat, connect, error_code, patient_requests, within
from libelle.tracking.record import RunRecord, check_model_name
from libelle.tracking.registry.folders import DATA, read_manifest
from libelle.tracking.registry.history import MoveKind, Order, move_aliases
from libelle.tracking.registry.versions import (
    CHALLENGER,
    CHAMPION,
    DIGEST_TAG,
    FIRST_TAG,
    METRIC_TAG,
    PACKAGE_TAG,
    PROMISE_TAG,
    ROOT_TAG,
    aliases_of,
    main_alias,
    search_versions,
)
from libelle.tracking.sending import VERSION, Memory, open_experiment, push_record

UPLOAD_SECONDS = 60  # Longest answer to the upload of one file.
RUNTIME_PACKAGES = ("mlflow", "nltk", "numpy", "pandas", "scipy", "unidecode")


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a model, as it was just registered or found again.

    Attributes
    ----------
    name, version : str
    alias : str or None
        `champion` or `challenger`, if it has one.
    digest : str
        SHA-256 of the manifest.
    uri : str
        `models:/NAME/VERSION`.
    """

    name: str
    version: str
    alias: str | None
    digest: str
    uri: str


def register_model(
    model: RunRecord | Path,
    *,
    name: str,
    tracking_uri: str,
    run_id: str | None = None,
    by: str | None = None,
    deadline_seconds: float = 90.0,
) -> RegisteredVersion:
    """Register a predictor as a regular MLflow model, once.

    Parameters
    ----------
    model : RunRecord or Path
        A record that holds a model, or a predictor folder.
    name : str
        Name in the registry.
    tracking_uri : str
    run_id : str or None
        Run that the model comes from; that of the record, sent at need, or a new one if None.
    by : str or None
        Who registers it, for the history.
    deadline_seconds : float
        Longest silence of the server.

    Returns
    -------
    RegisteredVersion
        A name's first version becomes champion, later ones challenger. A digest registered
        already keeps its version.

    Raises
    ------
    ModelError
        If the folder holds no model.
    TrackingError
        If MLflow refuses, cannot be reached, or is silent for too long.
    """
    check_model_name(name)
    folder = model.model_folder if isinstance(model, RunRecord) else model
    manifest, digest = read_manifest(folder)
    if isinstance(model, RunRecord) and run_id is None:
        options: dict[str, Any] = {"tracking_uri": tracking_uri}
        run_id = push_record(model, deadline_seconds=deadline_seconds, **options).run_id

    def work(beat: Beat) -> RegisteredVersion:
        registration = _Registration(connect(tracking_uri), name, tracking_uri, by, beat)
        return registration.register(folder, manifest, digest, run_id)

    purpose = f"register the model {name!r}"
    version = within(deadline_seconds, work, tracking_uri=tracking_uri, purpose=purpose)
    if isinstance(model, RunRecord):
        Memory(model, tracking_uri)[VERSION] = version.version
    return version


class _Registration:
    """The steps of registering one predictor; each may have been done by a process since dead."""

    def __init__(
        self, client: Any, name: str, tracking_uri: str, by: str | None, beat: Beat
    ) -> None:
        self._client, self._name, self._tracking_uri = client, name, tracking_uri
        self._by, self._beat = by, beat

    def register(
        self, folder: Path, manifest: Mapping[str, Any], digest: str, run_id: str | None
    ) -> RegisteredVersion:
        versions = self._versions()
        known = [version for version in versions if version.tags.get(DIGEST_TAG) == digest]
        if known:
            version, newest = known[0], versions[0]
        else:
            run_id = run_id or self._create_run(digest)
            with patient_requests(UPLOAD_SECONDS):
                source = self._upload(folder, run_id)
            self._client.set_tag(run_id, DIGEST_TAG, digest)
            self._beat()
            tags = _version_tags(manifest, digest, first=not versions)
            version = newest = self._create_version(source, run_id, tags)
        alias = self._give_alias(version, is_newest=version.version == newest.version)
        number = str(version.version)
        return RegisteredVersion(
            self._name, number, alias, digest, f"models:/{self._name}/{number}"
        )

    def _versions(self) -> list[Any]:
        """Return the versions of the name, the newest first."""
        versions = search_versions(self._client, self._name)
        self._beat()
        return versions

    def _create_run(self, digest: str) -> str:
        experiment_id = open_experiment(self._client, self._name, self._tracking_uri)
        tags = {DIGEST_TAG: digest}
        run = self._client.create_run(experiment_id, run_name=f"register {digest[:12]}", tags=tags)
        self._client.set_terminated(run.info.run_id)
        self._beat()
        return str(run.info.run_id)

    def _upload(self, folder: Path, run_id: str) -> str:
        """Send the MLflow model file by file, and return its address."""
        with tempfile.TemporaryDirectory(prefix="libelle-") as temporary:
            root = write_mlflow_model(folder, Path(temporary) / "model", run_id=run_id)
            for path in sorted(path for path in root.rglob("*") if path.is_file()):
                place = Path("model", path.parent.relative_to(root)).as_posix()
                self._client.log_artifact(run_id, str(path), place)
                self._beat()
        return f"{self._client.get_run(run_id).info.artifact_uri}/model"

    def _create_version(self, source: str, run_id: str, tags: dict[str, str]) -> Any:
        try:
            self._client.create_registered_model(self._name)
        except Exception as error:
            if error_code(error) != "RESOURCE_ALREADY_EXISTS":
                raise
        self._beat()
        version = self._client.create_model_version(self._name, source, run_id=run_id, tags=tags)
        self._beat()
        return version

    def _give_alias(self, version: Any, *, is_newest: bool) -> str | None:
        """Make the first version champion and a newer one challenger; leave the others alone."""
        registered = self._client.get_registered_model(self._name)
        number = str(version.version)
        if aliases := aliases_of(registered, number):
            return main_alias(aliases)
        is_first = version.tags.get(FIRST_TAG) == "true" and CHAMPION not in registered.aliases
        if not is_first and not is_newest:
            return None
        alias = CHAMPION if is_first else CHALLENGER
        kind = MoveKind.FIRST if is_first else MoveKind.REGISTER
        why = "first version of the name" if is_first else "newest version"
        order = Order(kind, {alias: number}, by=self._by, why=why)
        clock = partial(datetime.now, UTC)
        move_aliases(self._client, self._name, order, beat=self._beat, clock=clock)
        return alias


def write_mlflow_model(folder: Path, path: Path, *, run_id: str | None = None) -> Path:
    """Write a predictor folder as an MLflow model: `MLmodel` and requirements beside `predictor/`.

    It holds no code: `libelle` must be installed where MLflow loads it.
    """
    import mlflow

    pyfunc: Any = mlflow.pyfunc
    shutil.copytree(folder, path / DATA)
    (path / "requirements.txt").write_text(_requirements(), encoding="utf-8")
    (path / "python_env.yaml").write_text(_python_env(), encoding="utf-8")
    model = mlflow.models.Model(artifact_path="model", run_id=run_id, signature=_signature())
    options = {"data": DATA, "python_env": "python_env.yaml"}
    pyfunc.add_to_model(model, loader_module="libelle.predictor", **options)
    model.save(str(path / "MLmodel"))
    return path


def _requirements() -> str:
    pins = [f"{name}=={package_version(name)}" for name in RUNTIME_PACKAGES]
    missing = f"# And libelle-codes {libelle.__version__}, from its repository: no index has it."
    return "\n".join([missing, *pins, ""])


def _python_env() -> str:
    requirements = "build_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"
    return f"python: {platform.python_version()}\n{requirements}"


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Array, Object, Property

    text, number = DataType.string, DataType.double
    candidate = Object(
        [
            Property("rank", DataType.long),
            Property("code", text),
            Property("title", text),
            Property("probability", number),
        ]
    )
    answers: list[Any] = [
        ColSpec(text, "code", required=False),
        ColSpec(text, "title", required=False),
        ColSpec(number, "confidence"),
        ColSpec(text, "decision"),
        ColSpec(text, "reason"),
        ColSpec(text, "top_code", required=False),
        ColSpec(Array(candidate), "candidates"),
    ]
    return ModelSignature(
        inputs=Schema([ColSpec(text, "text")]),
        outputs=Schema(answers),
        params=ParamSchema([ParamSpec("top_k", DataType.long, 5)]),
    )


def _version_tags(manifest: Mapping[str, Any], digest: str, *, first: bool) -> dict[str, str]:
    # Versions that were certified again keep the digest of the model that was trained.
    root = [*manifest.get("certified_from", []), digest][0]
    tags = {DIGEST_TAG: digest, ROOT_TAG: root, PACKAGE_TAG: libelle.__version__}
    for part, metrics in manifest.get("metrics", {}).items():
        for name, value in metrics.items():
            tags[f"{METRIC_TAG}{part}_{name}"] = repr(value)
    for rank, threshold in enumerate(manifest.get("thresholds") or [], start=1):
        tags[f"{PROMISE_TAG}{rank:02d}"] = json.dumps(threshold)
    return {**tags, FIRST_TAG: "true"} if first else tags
