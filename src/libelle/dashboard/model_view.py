"""Model view: what the registry, or a folder, says of the models; read with a deadline."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from libelle.dashboard.watching import Clock, Look, Watched
from libelle.errors import LibelleError
from libelle.predictor.folder import find_folder, read_manifest, read_strings
from libelle.settings import Settings

if TYPE_CHECKING:  # The registry needs MLflow: it is imported when it is read.
    from libelle.tracking.registry.history import History
    from libelle.tracking.registry.versions import ModelVersion

EVERY_SECONDS, PATIENCE_SECONDS, DEADLINE_SECONDS = 60.0, 4.0, 8.0
CURVE_FILE = "coverage.json"


@dataclass(frozen=True)
class ModelFacts:
    """What is known of the model that the settings name.

    Attributes
    ----------
    name : str
    digest : str or None
    thresholds : tuple of mapping
        As the manifest writes them, the first declared first.
    curve : tuple of mapping
        `threshold`, `coverage` and `error` on out-of-fold scores; empty when the run kept none.
    titles : mapping of str to str
        Title of each code; empty when the files of the model are not on this machine.
    versions : tuple of ModelVersion
        The newest first; none for a folder.
    history : History or None
    """

    name: str
    digest: str | None = None
    thresholds: tuple[Mapping[str, Any], ...] = ()
    curve: tuple[Mapping[str, float], ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    versions: tuple["ModelVersion", ...] = ()
    history: "History | None" = None


class Models:
    """Reads the models in the background.

    Parameters
    ----------
    settings : Settings
    clock : callable
    """

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self._settings = settings
        self._watched = Watched(
            self._read,
            every_seconds=EVERY_SECONDS,
            patience_seconds=PATIENCE_SECONDS,
            clock=clock,
        )
        self._local_titles: Mapping[str, str] | None = None
        self.is_registered = settings.model.startswith("models:")

    def start(self) -> None:
        """Begin to read."""
        self._watched.refresh()

    def view(self) -> Look[ModelFacts]:
        """Return what is known now, after a few seconds at most."""
        return self._watched.look()

    def titles(self) -> Mapping[str, str]:
        """Return the titles of the codes, from what is on this machine already."""
        facts = self._watched.wait(0).value
        if facts is None and self._local_titles is None:
            self._local_titles = local_titles(self._settings)
        return facts.titles if facts is not None else self._local_titles or {}

    def _read(self) -> ModelFacts:
        if not self.is_registered:
            return read_folder(Path(self._settings.model))
        return read_registered(self._settings)


def local_titles(settings: Settings) -> dict[str, str]:
    """Return the titles of a model folder, or of the model that was fetched last; maybe none."""
    from libelle.tracking.registry import cached_model

    try:
        if not settings.model.startswith("models:"):
            return _titles(find_folder(Path(settings.model)))
        cached = cached_model(settings.model, destination=settings.home / "models")
    except LibelleError:
        return {}
    return _titles(cached.path) if cached else {}


def read_folder(path: Path) -> ModelFacts:
    """Return what a model folder says of itself.

    Raises
    ------
    ModelError
        If it holds no model.
    """
    folder = find_folder(path)
    manifest, digest = read_manifest(folder)
    return ModelFacts(
        name=str(manifest.get("name") or path.name),
        digest=digest,
        thresholds=tuple(manifest.get("thresholds", ())),
        titles=_titles(folder),
    )


def read_registered(settings: Settings) -> ModelFacts:
    """Return what the registry says of a name: its versions, its moves, a run.

    Raises
    ------
    LibelleError
        If the registry is out of reach, has no such model or is not installed.
    """
    from libelle.tracking.registry import show_model
    from libelle.tracking.registry.history import read_history
    from libelle.tracking.registry.versions import parse_uri

    where: dict[str, Any] = {
        "tracking_uri": tracking_uri(settings),
        "deadline_seconds": DEADLINE_SECONDS,
    }
    name = parse_uri(settings.model).name
    versions = show_model(name, **where).versions
    asked = show_model(settings.model, **where).versions
    return ModelFacts(
        name=name,
        digest=asked[0].digest if asked else None,
        thresholds=asked[0].promises if asked else (),
        curve=_curve(settings.model, where),
        titles=local_titles(settings) or _fetched_titles(settings, where),
        versions=versions,
        history=read_history(name, **where),
    )


def tracking_uri(settings: Settings) -> str:
    """Return where models are registered."""
    from libelle.tracking.runs import default_tracking_uri

    return settings.mlflow_tracking_uri or default_tracking_uri(settings.home)


def _curve(uri: str, where: Mapping[str, Any]) -> tuple[Mapping[str, float], ...]:
    """Return the exploration of the run of a version; nothing if the run kept none."""
    from libelle.tracking.registry import fetch_run_files

    try:
        content = fetch_run_files(uri, CURVE_FILE, **where)[0]
        return tuple(json.loads(content or "{}").get("curve", ()))
    except (LibelleError, ValueError, AttributeError):
        return ()


def _fetched_titles(settings: Settings, where: Mapping[str, Any]) -> dict[str, str]:
    from libelle.tracking.registry import fetch_model

    try:
        fetched = fetch_model(settings.model, destination=settings.home / "models", **where)
    except LibelleError:
        return {}
    return _titles(fetched.path)


def _titles(folder: Path) -> dict[str, str]:
    try:
        codes, titles = (
            read_strings(folder, f"nomenclature_{name}") for name in ("codes", "titles")
        )
    except (OSError, ValueError):
        return {}
    return dict(zip(codes, titles, strict=False))
