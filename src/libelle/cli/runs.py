"""Runs: results kept on disk, sent to MLflow when it answers."""

import subprocess
import sys
from typing import Annotated

import typer

from libelle.cli.console import print_json, print_lines, refuse_busy_port, say
from libelle.cli.options import Json
from libelle.cli.registering import account, tracking_uri
from libelle.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="Send the runs kept on disk.")


@app.command("push")
def push(json: Json = False) -> None:
    """Send to MLflow what it has not received yet: runs, then models.

    Example: `MLFLOW_TRACKING_URI=https://mlflow.example.org libelle runs push`
    """
    from libelle.tracking.runs import push_all

    settings = read_settings()
    reports = push_all(settings.home, tracking_uri=tracking_uri(settings), by=account())
    if json:
        print_json({"runs": [report.to_dict() for report in reports]})
    else:
        print_lines([report.line() for report in reports] or ["Nothing to send."])


@app.command("open")
def open_runs(
    port: Annotated[int, typer.Option(help="Port of the MLflow server.")] = 5000,
) -> None:
    """Open the runs and models in MLflow, on this machine only.

    Example: `libelle runs open --port 5001`
    """
    settings = read_settings()
    uri = tracking_uri(settings)
    if uri.startswith("http"):
        from libelle.tracking.client import public_address

        print_lines([f"The runs are at {public_address(uri)}"])
        return
    refuse_busy_port("127.0.0.1", port, by="--port")
    say(f"MLflow at http://127.0.0.1:{port} (stop it with Ctrl-C)")
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    subprocess.run(command, check=False)


@app.callback()
def begin() -> None:
    """Send the runs kept on disk."""
