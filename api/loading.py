"""Loading: from where a model lies to a model in memory, tried first in a process of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from api.server.trial import try_apart
from libelle.data.code_search import CodeSearch
from libelle.errors import ModelError
from libelle.predictor import Predictor
from libelle.predictor.folder import find_folder, read_digest
from libelle.settings import Settings

REGISTRY_SCHEME = "models:/"


class OtherModelError(ModelError):
    """A model that is not the one that is pinned.

    Attributes
    ----------
    why : str
        The same, as whoever asks may know it.
    """

    def __init__(self, path: Path, *, digest: str, pinned: str) -> None:
        super().__init__(
            f"The model {path} has the digest {digest[:12]}, not that of "
            f"LIBELLE_MODEL_DIGEST ({pinned[:12]}): it is another model, which is not served."
        )
        self.why = (
            f"the model found has the digest {digest[:12]}, {pinned[:12]} is pinned by "
            "LIBELLE_MODEL_DIGEST"
        )


@dataclass(frozen=True)
class ModelSource:
    """A model on this machine, and what the registry calls it.

    Attributes
    ----------
    path : Path
    name, version : str or None
    cached : bool
        The registry did not answer: the model is the last one that it gave.
    """

    path: Path
    name: str | None = None
    version: str | None = None
    cached: bool = False


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


def is_registered(model: str) -> bool:
    """Tell whether an address is that of a registry, rather than a folder."""
    return model.startswith(REGISTRY_SCHEME)


def is_alias(model: str) -> bool:
    """Tell whether an address may mean another model later."""
    return is_registered(model) and "@" in model


def load_safely(source: ModelSource, settings: Settings) -> LoadedModel:
    """Load a model that a child process has loaded first, and that answered its golden texts there.

    Raises
    ------
    ModelError
        If it cannot be read or trusted, crashes, or takes too long or too much memory; if it was
        not certified for the target of the settings.
    OtherModelError
        If its digest is not that of the settings.
    """
    if settings.model_digest is not None:
        _refuse_other_digest(
            source.path, read_digest(find_folder(source.path)), pinned=settings.model_digest
        )
    try_apart(
        partial(_load_and_question, source, settings),
        seconds=settings.load_seconds,
        n_bytes=settings.load_memory_bytes,
        purpose=f"load the model {source.path}",
    )
    return load_model(source, target_error=settings.target_error, digest=settings.model_digest)


def load_model(
    source: ModelSource, *, target_error: float | None = None, digest: str | None = None
) -> LoadedModel:
    """Read a model, under the promise of a target; of the first one declared if None.

    Parameters
    ----------
    source : ModelSource
    target_error : float or None
    digest : str or None
        What its digest must begin with.

    Raises
    ------
    ModelError
        If it cannot be read or trusted, is another one, or was not certified for this target.
    """
    predictor = Predictor.load(source.path)
    if digest is not None:
        _refuse_other_digest(source.path, predictor.digest, pinned=digest)
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


def _refuse_other_digest(path: Path, digest: str, *, pinned: str) -> None:
    if not digest.startswith(pinned):
        raise OtherModelError(path, digest=digest, pinned=pinned)


def _load_and_question(source: ModelSource, settings: Settings) -> None:
    refuse_wrong_answers(
        load_model(source, target_error=settings.target_error, digest=settings.model_digest)
    )
