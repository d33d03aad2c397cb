"""Runs: results kept on disk, sent to MLflow when it answers."""

import typer

from libelle.cli.console import print_json, print_lines
from libelle.cli.options import Json
from libelle.cli.train import tracking_uri
from libelle.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="Send the runs kept on disk.")


@app.command("push")
def push(json: Json = False) -> None:
    """Send to MLflow what it has not received yet: runs, then models.

    Example: `MLFLOW_TRACKING_URI=https://mlflow.example.org libelle runs push`
    """
    from libelle.tracking.runs import push_all

    settings = read_settings()
    reports = push_all(settings.home, tracking_uri=tracking_uri(settings))
    if json:
        print_json({"runs": [report.to_dict() for report in reports]})
    else:
        print_lines([report.line() for report in reports] or ["Nothing to send."])


@app.callback()
def begin() -> None:
    """Send the runs kept on disk."""
