"""Models: what the registry holds, and who is champion there."""

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from libelle.cli.console import print_json, print_lines, say
from libelle.cli.options import Code, Json, Text
from libelle.cli.promises import promise
from libelle.cli.registering import tracking_uri, who_asks
from libelle.errors import DataError, MissingPackageError, UsageError
from libelle.settings import Settings, read_settings

if TYPE_CHECKING:
    from libelle.predictor import Predictor

_OVERLAY = "sspcloud"  # What `libelle deploy bump` writes unless told otherwise.

app = typer.Typer(no_args_is_help=True, help="List, show, promote and roll back models.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a model.")]
By = Annotated[
    str | None,
    typer.Option(
        "--by", metavar="WHO", help="Who asks, for the history [the account of this process]."
    ),
]


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the registered models.

    Example: `libelle models list`
    """
    from libelle.tracking.registry import list_models as list_registered

    models = list_registered(tracking_uri=tracking_uri(read_settings()))
    if json:
        print_json({"models": [asdict(model) for model in models]})
    else:
        print_lines([line for model in models for line in model.lines()] or ["No model yet."])


@app.command("show")
def show_model(
    name: Annotated[str, typer.Argument(help="Name of a model, or models:/NAME@ALIAS.")],
    json: Json = False,
) -> None:
    """Show the versions of a model: aliases, digest, metrics, and what each promises.

    Example: `libelle models show demo`
    """
    from libelle.tracking.registry import show_model as show_registered

    model = show_registered(name, tracking_uri=tracking_uri(read_settings()))
    if json:
        print_json(asdict(model))
        return
    print_lines([model.name])
    for version in model.versions:
        print_lines([version.line(), *(f"       {promise(one)}" for one in version.promises)])


@app.command("promote")
def promote(
    model: Annotated[
        str,
        typer.Argument(metavar="NAME[/VERSION]", help="Model; its challenger without a version."),
    ],
    data: Annotated[
        str, typer.Option("--data", metavar="DATA", help="Coded texts that neither model has seen.")
    ],
    text: Text = None,
    code: Code = None,
    margin: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="Accuracy that may be lost at most.")
    ] = 0.01,
    segment: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Column of the segments [the top-level code]."),
    ] = None,
    override: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Promote whatever the gate says; the reason is kept."),
    ] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Make a challenger champion if it passes the gate: both answer the same coded texts.

    Example: `libelle models promote demo --data fresh.csv --text text --code code`
    """
    from libelle.data.datasets import read_dataset
    from libelle.tracking.gate import Limits
    from libelle.tracking.promotion import promote as promote_model

    settings = read_settings()
    storage = settings.storage_options()
    promotion = promote_model(
        model,
        read_dataset(data, text=text, code=code, group=segment, options=storage),
        by=who_asks(by),
        tracking_uri=tracking_uri(settings),
        destination=settings.home / "models",
        segment=segment,
        override=override,
        limits=Limits(margin=margin),
        load=partial(load_from, settings=settings),
    )
    for warning in promotion.verdict["warnings"]:
        say(f"Warning: {warning}")
    print_json(promotion.to_dict()) if json else print_lines(promotion.lines())
    if promotion.move is None:
        raise typer.Exit(1)
    _say_how_to_deploy(promotion.verdict["name"], settings)


@app.command("rollback")
def roll_back(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; the history keeps it.")],
    to: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Version that was champion [the previous one]."),
    ] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Make the previous champion champion again.

    Example: `libelle models rollback demo --reason "wrong codes for roads since Monday"`
    """
    from libelle.tracking.promotion import parse_model
    from libelle.tracking.promotion import roll_back as roll_model_back

    settings, name = read_settings(), parse_model(name).name
    move = roll_model_back(
        name,
        reason=reason,
        to=to,
        by=who_asks(by),
        tracking_uri=tracking_uri(settings),
    )
    print_json(asdict(move)) if json else print_lines([move.line()])
    _say_how_to_deploy(name, settings)


@app.command("history")
def show_history(
    name: Name,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Who held each alias then: 2026-11-24T09:30, in UTC."),
    ] = None,
    json: Json = False,
) -> None:
    """Show which version held which alias, who moved it, when and why.

    Example: `libelle models history demo --at 2026-11-24T09:30`
    """
    from libelle.tracking.promotion import parse_model
    from libelle.tracking.registry.history import read_history

    moment = None if at is None else _parse_time(at)
    history = read_history(parse_model(name).name, tracking_uri=tracking_uri(read_settings()))
    if json:
        print_json(history.to_dict(at=moment))
    else:
        print_lines(history.lines() if moment is None else history.lines_at(moment))


def load_from(path: Path, *, settings: Settings) -> "Predictor":
    """Return the predictor of a folder, aimed as the settings say."""
    from libelle.predictor import Predictor

    predictor = Predictor.load(path)
    predictor.aim_at(settings.target_error)
    return predictor


def _say_how_to_deploy(name: str, settings: Settings) -> None:
    """Say what makes a pinned service serve the champion: there, an alias changes nothing."""
    if settings.model_digest is not None:
        where = "LIBELLE_MODEL_DIGEST"
    elif _is_clone_configured():
        where = f"overlay {_OVERLAY} of this clone"
    else:
        return
    from libelle.tracking.registry import show_model

    champion = show_model(f"models:/{name}@champion", tracking_uri=tracking_uri(settings))
    (version,) = champion.versions
    uri = quote(f"models:/{name}/{version.version}")
    digest = f" --digest {version.digest}" if version.digest else ""
    say(
        f"The service is pinned ({where}): it changes by a commit.\n"
        f"  libelle deploy bump --model {uri}{digest}"
    )


def _is_clone_configured() -> bool:
    """Tell whether the current folder is a clone that `libelle deploy bump` can change."""
    from libelle.deployment import DeploymentFiles, is_configured

    try:
        return is_configured(DeploymentFiles.read(Path(), _OVERLAY))
    except (OSError, UsageError, DataError, MissingPackageError):
        return False


def _parse_time(at: str) -> datetime:
    """Return a time, in UTC unless it says otherwise; a date alone is its first instant."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise UsageError(f"--at {at!r} is not a time. Write 2026-11-24T09:30, in UTC.") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
