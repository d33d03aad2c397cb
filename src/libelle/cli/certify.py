"""Certify: new promises for a model, proved on fresh coded texts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from libelle.cli.console import print_json, print_lines, say
from libelle.cli.options import Code, Data, Json, Model, Sets, Text
from libelle.cli.predict import find_model
from libelle.cli.promises import promise
from libelle.cli.registering import register, tracking_uri
from libelle.settings import Settings, read_settings

if TYPE_CHECKING:
    from libelle.data.fingerprints import Fingerprints


def certify(
    model: Model,
    data: Data,
    target_error: Annotated[
        list[float],
        typer.Option(help="Share of errors wanted among what is coded automatically; repeatable."),
    ],
    text: Text = None,
    code: Code = None,
    delta: Annotated[float, typer.Option(help="Probability that a promise does not hold.")] = 0.05,
    sets: Sets = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Vouch that the model never saw these texts, when nothing can tell."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the draw among repeated texts.")] = 0,
    json: Json = False,
) -> None:
    """Certify a model for a target on fresh coded texts: a new version, whose thresholds differ.

    Declare the target before you look at any result on these texts: choosing it afterwards voids
    the promise.

    Example: `libelle certify models:/demo@champion fresh.csv --text text --code code
    --target-error 0.08`
    """
    from libelle.data.datasets import read_dataset
    from libelle.prediction_sets import MARGINAL
    from libelle.predictor import Predictor
    from libelle.tracking.record import RunRecord
    from libelle.tracking.runs import LiveRunLog
    from libelle.training.certification import Targets
    from libelle.training.recertification import recertify

    settings = read_settings()
    targets = Targets(target_errors=tuple(target_error), delta=delta, sets=sets or MARGINAL)
    folder = find_model(model, settings)
    predictor = Predictor.load(folder)
    seen = find_seen(model, folder, settings, fresh=fresh)
    dataset = read_dataset(data, text=text, code=code, options=settings.storage_options())
    name = model.removeprefix("models:/").partition("@")[0].partition("/")[0]
    name = name if model.startswith("models:/") else predictor.name
    record = RunRecord.create(settings.home, name)
    live = LiveRunLog(record, tracking_uri=tracking_uri(settings), warn=say)
    done = recertify(
        predictor,
        dataset,
        targets,
        output=record.model_folder,
        seen=seen,
        seed=seed,
        run_log=live,
    )
    version = register(record, name, settings)
    if done.n_seen:
        say(f"{done.n_seen:,} rows left out: the model has seen their text already.")
    summary = {
        "model_uri": version.uri if version else str(done.folder),
        "alias": version.alias if version else None,
        "digest": done.predictor.digest,
        "certified_from": predictor.digest,
        "n_fresh": done.n_fresh,
        "n_seen": done.n_seen,
        "thresholds": done.predictor.manifest["thresholds"],
        "levels": done.predictor.manifest["levels"],
    }
    print_json(summary) if json else print_lines(_describe(summary))


def find_seen(
    model: str, folder: Path, settings: Settings, *, fresh: bool
) -> "Fingerprints | None":
    """Return what recognises the texts that a model has seen; None when someone vouches for them.

    Raises
    ------
    UsageError
        If nothing can tell, and nobody vouches.
    """
    from libelle.data.fingerprints import Fingerprints
    from libelle.errors import TrackingError, UsageError
    from libelle.tracking.registry import fetch_run_file
    from libelle.training.pipeline import FINGERPRINTS

    beside = folder.parent / "artifacts" / FINGERPRINTS
    content, why = None, "no run is known"
    if model.startswith("models:/"):
        try:
            content = fetch_run_file(model, FINGERPRINTS, tracking_uri=tracking_uri(settings))
            why = "its run has no such record"
        except TrackingError as error:
            why = str(error)
    elif beside.is_file():
        content = beside.read_bytes()
    if content is not None:
        return Fingerprints.from_bytes(content)
    if fresh:
        return None
    raise UsageError(
        f"Which texts {model} has seen cannot be told ({why}). If you know that all of these are "
        "new to it, say so with --fresh."
    )


def _describe(summary: dict[str, Any]) -> list[str]:
    lines = [f"Model {summary['model_uri']}, digest {summary['digest'][:12]}"]
    lines += [f"Code: {promise(threshold)}" for threshold in summary["thresholds"]]
    for depth, thresholds in summary["levels"].items():
        lines += [f"Level {depth}: {promise(threshold)}" for threshold in thresholds]
    return lines
