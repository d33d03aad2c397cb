"""Predict: code the texts of a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from libelle.cli.console import print_json, print_lines
from libelle.cli.options import Json, Model
from libelle.settings import Settings, read_settings


def predict(
    model: Model,
    input: Annotated[str, typer.Argument(metavar="INPUT", help="File of texts.")],  # noqa: A002
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help=".csv or .parquet to write.")],
    text: Annotated[str, typer.Option("--text", metavar="COL", help="Column of the texts.")],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Candidates of each text.")] = 5,
    json: Json = False,
) -> None:
    """Code the texts of a file: every column of it, then the prediction's.

    Example: `libelle predict models:/demo@champion new.csv coded.csv --text text`
    """
    from libelle.bulk import predict_file

    settings = read_settings()
    predictor = load_predictor(model, settings)
    summary = predict_file(
        predictor, input, output, text=text, top_k=top_k, options=settings.storage_options()
    )
    print_json(summary.to_dict()) if json else print_lines(summary.lines())


def load_predictor(model: str, settings: Settings) -> Any:
    """Return the predictor that `models:/…` or a folder names, aimed as the settings say."""
    from libelle.predictor import Predictor

    predictor = Predictor.load(find_model(model, settings))
    predictor.aim_at(settings.target_error)
    return predictor


def find_model(model: str, settings: Settings) -> Path:
    """Return the folder of a model, brought here if it stands in a registry."""
    from libelle.cli.registering import tracking_uri

    if not model.startswith("models:/"):
        return Path(model)
    from libelle.tracking.registry import fetch_model

    fetched = fetch_model(
        model, tracking_uri=tracking_uri(settings), destination=settings.home / "models"
    )
    return fetched.path
