"""Serve: answer requests over HTTP."""

from typing import Annotated

import typer

from libelle.cli.console import print_lines
from libelle.settings import read_settings


def serve(
    model: Annotated[
        str | None,
        typer.Option(help="models:/NAME@champion, models:/NAME/3 or a folder [LIBELLE_MODEL]."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [LIBELLE_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [LIBELLE_PORT].")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes [LIBELLE_WORKERS].")] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Print a new key and its entry, and stop.")
    ] = False,
    name: Annotated[str, typer.Option(help="Client whose new key it is.")] = "client",
    scopes: Annotated[
        str, typer.Option(help="What the new key lets do: predict, read, review.")
    ] = "predict,read",
) -> None:
    """Serve a model over HTTP, with Swagger at /docs.

    Example: `libelle serve --model models:/demo@champion --port 8000`
    """
    if new_key:
        print_lines(describe_new_key(name, scopes))
        return
    from api.serving import serve as serve_http

    given = {"model": model, "host": host, "port": port, "workers": workers}
    settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    settings.share_with_mlflow()
    serve_http(settings)


def describe_new_key(name: str, scopes: str) -> list[str]:
    """Make a key, which nothing keeps, and say what to do with it.

    Raises
    ------
    UsageError
        If the name or the scopes are not those that a key may have.
    """
    from api.security.keys import make_key

    secret, key = make_key(name, scopes.replace("+", ",").split(","))
    return [
        "Key, for the client alone; it is shown once:",
        secret,
        "Entry, for LIBELLE_API_KEYS or the file of LIBELLE_API_KEYS_FILE:",
        key.entry(),
    ]
