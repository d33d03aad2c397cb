"""Serve: answer requests over HTTP."""

from typing import Annotated

import typer

from libelle.settings import read_settings


def serve(
    model: Annotated[
        str | None,
        typer.Option(help="models:/NAME@champion, models:/NAME/3 or a folder [LIBELLE_MODEL]."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [LIBELLE_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [LIBELLE_PORT].")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes [LIBELLE_WORKERS].")] = None,
) -> None:
    """Serve a model over HTTP, with Swagger at /docs.

    Example: `libelle serve --model models:/demo@champion --port 8000`
    """
    from api.main import serve as serve_http

    given = {"model": model, "host": host, "port": port, "workers": workers}
    settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    settings.share_with_mlflow()
    serve_http(settings)
