"""Dashboard: show what the service answers, and whether its promise holds."""

from typing import Annotated

import typer

from libelle.cli.beside import stop_when_input_closes
from libelle.cli.console import refuse_busy_port
from libelle.errors import MissingPackageError
from libelle.settings import read_settings


def dashboard(
    host: Annotated[str | None, typer.Option(help="Address to listen on [LIBELLE_HOST].")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on [LIBELLE_DASHBOARD_PORT].")
    ] = None,
    until_input_closes: Annotated[
        bool, typer.Option("--until-input-closes", hidden=True, help="Stop with who started it.")
    ] = False,
) -> None:
    """Show the figures of the service as pages: how much is automatic, how often it is wrong.

    Example: `libelle dashboard --port 8001`
    """
    if until_input_closes:
        stop_when_input_closes()
    given = {"host": host, "dashboard_port": port}
    settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    settings.share_with_mlflow()
    try:
        from libelle.dashboard.serving import serve_dashboard
    except ImportError as error:
        raise MissingPackageError(
            error.name or "fastapi", extra="dashboard", purpose="Showing the dashboard"
        ) from error
    refuse_busy_port(settings.host, settings.dashboard_port, by="--port or LIBELLE_DASHBOARD_PORT")
    serve_dashboard(settings, host=settings.host, port=settings.dashboard_port)
