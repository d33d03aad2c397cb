"""Certify: new promises for a model, proved on fresh coded texts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from libelle.cli.console import print_json, print_lines, say
from libelle.cli.fingerprints import Seen, find_seen
from libelle.cli.options import Code, Data, Json, Model, Sets, Text
from libelle.cli.predict import find_model
from libelle.cli.promises import promise
from libelle.cli.registering import register, tracking_uri
from libelle.settings import Settings, read_settings


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
    seen = _find_seen(model, folder, settings, fresh=fresh)
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
        known=None if seen is None else seen.own,
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
        "roll_up": done.predictor.manifest["roll_up"],
    }
    print_json(summary) if json else print_lines(_describe(summary))


def _find_seen(model: str, folder: Path, settings: Settings, *, fresh: bool) -> "Seen | None":
    """Return what recognises the texts seen; someone vouches for what it cannot tell."""
    from libelle.errors import UsageError

    seen, why = find_seen(model, folder, settings)
    if seen is not None and not seen.complete:
        why = "it was certified before on texts that someone vouched for"
    if (seen is None or not seen.complete) and not fresh:
        raise UsageError(
            f"Which texts {model} has seen cannot be told ({why}). If you know that all of these "
            "are new to it, say so with --fresh."
        )
    return seen


def _describe(summary: dict[str, Any]) -> list[str]:
    lines = [f"Model {summary['model_uri']}, digest {summary['digest'][:12]}"]
    lines += [f"Code: {promise(threshold)}" for threshold in summary["thresholds"]]
    for depth, thresholds in summary["levels"].items():
        lines += [f"Level {depth}, all texts: {promise(threshold)}" for threshold in thresholds]
    return lines + [
        f"Texts in doubt, code above: {promise(one)}" for one in summary["roll_up"] if one
    ]
