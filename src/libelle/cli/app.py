"""App: the commands of libelle, put together."""

from typing import Annotated

import typer

import libelle
from libelle.cli import certify, check, demo, evaluate, models, predict, runs, serve, train

app = typer.Typer(
    name="libelle",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Give each short text its official code, with a guarantee on the error rate.",
)


@app.callback()
def begin(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Give each short text its official code, with a guarantee on the error rate."""
    if version:
        typer.echo(f"libelle {libelle.__version__}")
        raise typer.Exit


app.command("check")(check.check)
app.command("train")(train.train)
app.command("certify")(certify.certify)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("serve")(serve.serve)
app.add_typer(models.app, name="models")
app.add_typer(runs.app, name="runs")
app.add_typer(demo.app, name="demo")
