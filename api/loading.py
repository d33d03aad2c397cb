"""Loading: from what LIBELLE_MODEL says to a model in memory."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from libelle.data.code_search import CodeSearch
from libelle.errors import ModelError
from libelle.predictor import Predictor
from libelle.settings import Settings

REGISTRY_SCHEME = "models:/"


@dataclass(frozen=True)
class ModelSource:
    """A model on this machine, and what the registry calls it."""

    path: Path
    name: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory.

    Attributes
    ----------
    predictor : Predictor
    name : str
        In the registry; that given at training for a folder.
    version : str or None
        In the registry.
    loaded_at : datetime
        UTC.
    """

    predictor: Predictor
    name: str
    version: str | None
    loaded_at: datetime

    @cached_property
    def code_search(self) -> CodeSearch:
        """Return what finds the codes of the nomenclature; made at the first search."""
        return CodeSearch(self.predictor.nomenclature)


def find_model(settings: Settings) -> ModelSource:
    """Return where the model of the settings lies, brought here if it stands in a registry.

    Raises
    ------
    TrackingError
        If the registry is out of reach, or has no such model.
    """
    if not settings.model.startswith(REGISTRY_SCHEME):
        return ModelSource(Path(settings.model))
    # A service that reads a folder never pays for MLflow.
    from libelle.tracking.registry import fetch_model
    from libelle.tracking.runs import default_tracking_uri

    fetched = fetch_model(
        settings.model,
        tracking_uri=settings.mlflow_tracking_uri or default_tracking_uri(settings.home),
        destination=settings.home / "models",
    )
    return ModelSource(fetched.path, fetched.name, fetched.version)


def load_model(source: ModelSource, *, target_error: float | None = None) -> LoadedModel:
    """Read a model, under the promise of a target; of the first one declared if None.

    Raises
    ------
    ModelError
        If it cannot be read or trusted, or was not certified for this target.
    """
    predictor = Predictor.load(source.path)
    predictor.aim_at(target_error)
    return LoadedModel(predictor, source.name or predictor.name, source.version, datetime.now(UTC))


def refuse_wrong_answers(model: LoadedModel) -> None:
    """Make a model answer its golden texts.

    Raises
    ------
    ModelError
        If it answers otherwise than when it was made.
    """
    if not model.predictor.answers_golden_texts():
        raise ModelError(
            f"The model {model.name} does not answer its golden texts as when it was made. "
            "Check the versions of the packages, or train it again."
        )
