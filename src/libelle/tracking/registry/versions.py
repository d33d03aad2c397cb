"""Versions: what a registry holds, and what an address of a model names there."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from libelle.errors import TrackingError
from libelle.tracking.client import Beat, connect, database_path, error_code, within
from libelle.tracking.record import NAME
from libelle.tracking.sending import all_pages

CHAMPION, CHALLENGER = "champion", "challenger"
DIGEST_TAG, ROOT_TAG, FIRST_TAG, PACKAGE_TAG, METRIC_TAG, PROMISE_TAG = (
    "libelle.digest",
    "libelle.root",
    "libelle.first",
    "libelle.version",
    "libelle.metric.",
    "libelle.promise.",
)
MODEL_URI = re.compile(
    rf"models:/(?P<name>{NAME.pattern})(?:@(?P<alias>[\w-]+)|/(?P<version>[1-9]\d{{0,8}}))"
)


@dataclass(frozen=True)
class ModelVersion:
    """What the registry says of a version; `first` if it became champion without any contest.

    `promises` are the thresholds of the codes, as the manifest has them, the first declared first.
    """

    version: str
    aliases: tuple[str, ...]
    digest: str | None
    created_at: str
    metrics: Mapping[str, float]
    first: bool
    run_id: str | None
    promises: tuple[Mapping[str, Any], ...] = ()

    def line(self) -> str:
        """Return the version in words."""
        shown = ("test_accuracy", "test_macro_f1", "test_log_loss")
        metrics = [
            f"{name.removeprefix('test_')} {self.metrics[name]:.3f}"
            for name in shown
            if name in self.metrics
        ]
        facts = [", ".join(self.aliases), self.created_at[:16].replace("T", " "), *metrics]
        return (
            f"  {self.version:>3}  {(self.digest or '')[:12]:12}  {'  '.join(filter(None, facts))}"
        )


@dataclass(frozen=True)
class RegisteredModel:
    """A registered name and its versions, the newest first."""

    name: str
    versions: tuple[ModelVersion, ...]

    def lines(self) -> list[str]:
        """Return the model in words, one line for each version."""
        return [self.name, *(version.line() for version in self.versions)]


def list_models(*, tracking_uri: str, deadline_seconds: float = 30.0) -> list[RegisteredModel]:
    """Return every registered model, by name.

    Raises
    ------
    TrackingError
        If the registry cannot be reached, or is silent for too long.
    """
    if _is_missing(tracking_uri):
        return []

    def work(beat: Beat) -> list[RegisteredModel]:
        client = connect(tracking_uri)
        return [_describe_model(client, name, beat) for name in _names(client)]

    purpose = "list the models"
    return within(deadline_seconds, work, tracking_uri=tracking_uri, purpose=purpose)


def show_model(name: str, *, tracking_uri: str, deadline_seconds: float = 30.0) -> RegisteredModel:
    """Return a model with its versions; of `models:/NAME@ALIAS` or `models:/NAME/3`, that one only.

    Raises
    ------
    TrackingError
        If there is no such model, version or alias; if the registry cannot be reached.
    """
    asked = parse_uri(name) if name.startswith("models:") else Asked(name, None, None)
    refuse_missing(asked, tracking_uri)

    def work(beat: Beat) -> RegisteredModel:
        client = connect(tracking_uri)
        registered = get_model(client, asked.name)
        beat()
        model = _describe_model(client, asked.name, beat)
        if asked.alias is None and asked.version is None:
            return model
        wanted = version_asked(client, registered, asked)
        only = tuple(one for one in model.versions if one.version == str(wanted.version))
        return RegisteredModel(model.name, only)

    purpose = f"show the model {asked.name!r}"
    return within(deadline_seconds, work, tracking_uri=tracking_uri, purpose=purpose)


@dataclass(frozen=True)
class Asked:
    """The parts of an address of a model."""

    name: str
    alias: str | None
    version: str | None


def parse_uri(uri: str) -> Asked:
    """Return the parts of an address, or refuse it with a `TrackingError`."""
    if match := MODEL_URI.fullmatch(uri):
        return Asked(**match.groupdict())
    raise TrackingError(
        f"{uri!r} is not the address of a model. Write models:/NAME@champion or models:/NAME/3."
    )


def refuse_missing(asked: Asked, tracking_uri: str) -> None:
    """Refuse with a `TrackingError` a local store that was never made."""
    if _is_missing(tracking_uri):
        raise TrackingError(
            f"No model {asked.name!r}: {database_path(tracking_uri)} does not exist. Train one, "
            "set LIBELLE_HOME to the folder that holds it, or MLFLOW_TRACKING_URI to a server."
        )


def get_model(client: Any, name: str) -> Any:
    """Return a model of MLflow, or raise a `TrackingError` with the names that exist."""
    try:
        return client.get_registered_model(name)
    except Exception as error:
        if error_code(error) != "RESOURCE_DOES_NOT_EXIST":
            raise
        names = ", ".join(_names(client)) or "none"
        raise TrackingError(f"No model is called {name!r}. Registered models: {names}.") from error


def version_asked(client: Any, registered: Any, asked: Asked) -> Any:
    """Return a version of MLflow, or raise a `TrackingError` with those that exist."""
    number = asked.version
    if asked.alias and (number := registered.aliases.get(asked.alias)) is None:
        aliases = ", ".join(sorted(registered.aliases)) or "none"
        raise TrackingError(
            f"Model {asked.name!r} has no alias {asked.alias!r}. Its aliases: {aliases}."
        )
    try:
        return client.get_model_version(asked.name, number)
    except Exception as error:
        if error_code(error) != "RESOURCE_DOES_NOT_EXIST":
            raise
        numbers = [str(version.version) for version in search_versions(client, asked.name)]
        raise TrackingError(
            f"Model {asked.name!r} has no version {number}. "
            f"Its versions: {', '.join(reversed(numbers)) or 'none'}."
        ) from error


def search_versions(client: Any, name: str) -> list[Any]:
    """Return the versions of a name, the newest first."""
    found = all_pages(client.search_model_versions, f"name='{name}'", 100, None)
    return sorted(found, key=lambda version: int(version.version), reverse=True)


def aliases_of(registered: Any, number: str) -> tuple[str, ...]:
    """Return the aliases of one version of a model of MLflow."""
    return tuple(sorted(alias for alias, one in registered.aliases.items() if str(one) == number))


def main_alias(aliases: Sequence[str]) -> str | None:
    """Return the alias to show when there are several."""
    return CHAMPION if CHAMPION in aliases else next(iter(aliases), None)


def _is_missing(tracking_uri: str) -> bool:
    """Tell whether a local store was never made; asking MLflow would make it."""
    database = database_path(tracking_uri)
    return database is not None and not database.exists()


def _names(client: Any) -> list[str]:
    return sorted(
        model.name for model in all_pages(client.search_registered_models, None, 100, None)
    )


def _describe_model(client: Any, name: str, beat: Beat) -> RegisteredModel:
    registered = client.get_registered_model(name)
    beat()
    versions = search_versions(client, name)
    beat()
    return RegisteredModel(name, tuple(_describe(version, registered) for version in versions))


def _describe(version: Any, registered: Any) -> ModelVersion:
    created_at = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
    metrics = {
        name.removeprefix(METRIC_TAG): float(value)
        for name, value in version.tags.items()
        if name.startswith(METRIC_TAG)
    }
    return ModelVersion(
        version=str(version.version),
        aliases=aliases_of(registered, str(version.version)),
        digest=version.tags.get(DIGEST_TAG),
        created_at=created_at.isoformat(timespec="seconds"),
        metrics=metrics,
        first=version.tags.get(FIRST_TAG) == "true",
        run_id=version.run_id or None,
        promises=tuple(
            json.loads(content)
            for name, content in sorted(version.tags.items())
            if name.startswith(PROMISE_TAG)
        ),
    )
