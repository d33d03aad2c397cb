"""Logged: the rows of one model in a period of the prediction log, for commands that study them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from libelle.cli.console import say
from libelle.cli.predict import find_model, load_predictor
from libelle.errors import DataError, ModelError
from libelle.settings import Settings

if TYPE_CHECKING:
    from libelle.monitoring.logged_models import LoggedModel
    from libelle.monitoring.prediction_log import LogOptions

_DIGEST = re.compile(r"[0-9a-f]{8,64}")


def sample_period(
    options: "LogOptions",
    *,
    since: datetime | None,
    until: datetime | None,
    columns: Sequence[str],
    most: int,
) -> Any:
    """Return rows of a period drawn at random, and say so; all of them when they are few."""
    from libelle.monitoring.prediction_log.sampling import sample_log

    sample = sample_log(
        options.uri,
        most=most,
        since=since,
        until=until,
        columns=columns,
        spool_path=options.spool_path if options.spool_path.is_dir() else None,
        options=options.storage,
    )
    for problem in sample.problems:
        say(f"{problem.path}: {problem.why}")
    if len(sample.table) == most < sample.n_rows:
        say(f"Drawn at random: {most:,} of the {sample.n_rows:,} rows of this period.")
    return sample.table


def read_period(
    options: "LogOptions",
    *,
    since: datetime | None,
    until: datetime | None,
    columns: Sequence[str] | None = None,
) -> Any:
    """Return the rows of a period, those that wait in the spool of this machine too."""
    from libelle.monitoring.prediction_log.reading import read_log

    content = read_log(
        options.uri,
        since=since,
        until=until,
        columns=columns,
        spool_path=options.spool_path if options.spool_path.is_dir() else None,
        options=options.storage,
    )
    for problem in content.problems:
        say(f"{problem.path}: {problem.why}")
    return content.table


def choose_model(rows: Any, model: str | None, settings: Settings) -> "tuple[LoggedModel, Any]":
    """Return a model that answered, and its rows; say so when others answered too.

    Parameters
    ----------
    rows : Table
        Of the log.
    model : str or None
        Where the model is, or its digest; the last that answered when None.
    settings : Settings

    Raises
    ------
    DataError
        If there is no row.
    UsageError
        If that model did not answer.
    """
    from libelle.monitoring.logged_models import (
        find_logged_model,
        list_logged_models,
        rows_of_model,
    )

    answered = list_logged_models(rows)
    chosen = find_logged_model(answered, _digest_of(model, settings) if model else None)
    if len(answered) > 1:
        others = ", ".join(
            f"{one.name} {one.digest[:12]} ({one.n_rows:,})" for one in answered if one != chosen
        )
        say(
            f"Several models answered in this period. This is about {chosen.name} "
            f"{chosen.digest[:12]} ({chosen.n_rows:,} rows), not about {others}: see --model."
        )
    return chosen, rows_of_model(rows, chosen)


def choose_earlier(rows: Any, chosen: "LoggedModel", settings: Settings, *, studied: Any) -> Any:
    """Return the rows of an earlier period that a model answered.

    Parameters
    ----------
    rows : Table
        Of the earlier period.
    chosen : LoggedModel
    settings : Settings
    studied : Table
        All rows of the period that is studied: another model may have answered in both.

    Raises
    ------
    DataError
        If there is no row, or none of that model.
    """
    from libelle.monitoring.logged_models import list_logged_models

    answered = list_logged_models(rows)
    digests = [one.digest for one in answered]
    if chosen.digest in digests:
        return choose_model(rows, chosen.digest, settings)[1]
    listed = ", ".join(f"{one.name} {one.digest[:12]} ({one.n_rows:,} rows)" for one in answered)
    in_both = [one.digest for one in list_logged_models(studied) if one.digest in digests]
    advice = (
        f"Study one that answered in both: --model {in_both[0][:12]}."
        if in_both
        else "None of them answered in the period that is studied either: give periods that one "
        "model answered, with --model, or compare with the reference of the model, without "
        "--against-log."
    )
    raise DataError(
        f"{chosen.name} {chosen.digest[:12]} did not answer in the earlier period, and two models "
        f"cannot be compared. Those that did: {listed}. {advice}"
    )


def load_logged_model(
    logged: "LoggedModel", settings: Settings, *, named: str | None = None
) -> Any:
    """Return the predictor that answered.

    Parameters
    ----------
    logged : LoggedModel
    settings : Settings
    named : str or None
        Where it is; where the log says, when None, or the folder that the settings name if the log
        knows no version of it.

    Raises
    ------
    ModelError
        If what is there is another model.
    """
    place = named or _place_of(logged, settings)
    predictor = load_predictor(place, settings)
    if predictor.digest != logged.digest:
        raise ModelError(
            f"{place} is not the model that answered ({logged.name}, digest {logged.digest[:12]}). "
            "Say where that one is: models:/NAME/VERSION or a folder."
        )
    return predictor


def _place_of(logged: "LoggedModel", settings: Settings) -> str:
    is_folder = not settings.model.startswith("models:/")
    return settings.model if is_folder and not logged.version else logged.uri


def is_digest(model: str) -> bool:
    """Tell whether a model is named by its digest, or by the beginning of it."""
    return _DIGEST.fullmatch(model) is not None


def _digest_of(model: str, settings: Settings) -> str:
    from libelle.predictor.folder import find_folder, read_manifest

    if is_digest(model):
        return model
    return read_manifest(find_folder(find_model(model, settings)))[1]
