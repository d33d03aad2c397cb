"""Models: what the registry holds."""

from dataclasses import asdict
from typing import Annotated

import typer

from libelle.cli.console import print_json, print_lines
from libelle.cli.options import Json
from libelle.cli.train import tracking_uri
from libelle.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="List and show registered models.")


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
    """Show the versions of a model: aliases, digest, metrics.

    Example: `libelle models show demo`
    """
    from libelle.tracking.registry import show_model as show_registered

    model = show_registered(name, tracking_uri=tracking_uri(read_settings()))
    print_json(asdict(model)) if json else print_lines(model.lines())
