"""Registry: models get a name, a version and an alias in MLflow, and are fetched from there."""

from libelle.tracking.registry.fetching import FetchedModel, cached_model, fetch_model
from libelle.tracking.registry.registering import (
    RegisteredVersion,
    register_model,
    write_mlflow_model,
)
from libelle.tracking.registry.run_files import fetch_run_files
from libelle.tracking.registry.versions import (
    ModelVersion,
    RegisteredModel,
    list_models,
    show_model,
)

__all__ = [
    "FetchedModel",
    "ModelVersion",
    "RegisteredModel",
    "RegisteredVersion",
    "cached_model",
    "fetch_model",
    "fetch_run_files",
    "list_models",
    "register_model",
    "show_model",
    "write_mlflow_model",
]
