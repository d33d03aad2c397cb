"""Registering: where runs and models are tracked, who asks, and how a new version is registered."""

import os
import pwd
from typing import Any

from libelle.cli.console import say
from libelle.errors import UsageError
from libelle.settings import Settings


def tracking_uri(settings: Settings) -> str:
    """Return where runs and models are tracked, once MLflow has what it takes to reach it."""
    from libelle.tracking.runs import default_tracking_uri

    settings.share_with_mlflow()
    return settings.mlflow_tracking_uri or default_tracking_uri(settings.home)


def account() -> str | None:
    """Return the account of this process; None where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return None


def who_asks(by: str | None) -> str:
    """Return who asks: what is given, then the account of this process."""
    if (name := by or account()) is None:
        raise UsageError("Nobody knows who asks: give a name with --by.")
    return name


def register(record: Any, name: str, settings: Settings) -> Any:
    """Register the model of a run; one that cannot be is kept, and None is returned."""
    from libelle.errors import TrackingError
    from libelle.tracking.registry import register_model

    try:
        return register_model(record, name=name, tracking_uri=tracking_uri(settings), by=account())
    except TrackingError as error:
        say(
            f"The model is kept in {record.model_folder} but could not be registered: {error} "
            "Send it later with `libelle runs push`."
        )
        return None
