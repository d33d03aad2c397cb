"""Predict: code the texts of a file."""

from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from libelle.cli.console import print_json, print_lines
from libelle.cli.options import Json, Model
from libelle.cli.recording import read_log_options, recording
from libelle.settings import Settings, read_settings
from libelle.storage import StorageOptions, open_binary


def predict(
    model: Model,
    input: Annotated[str, typer.Argument(metavar="INPUT", help="File of texts.")],  # noqa: A002
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help=".csv or .parquet to write.")],
    text: Annotated[str, typer.Option("--text", metavar="COL", help="Column of the texts.")],
    id: Annotated[  # noqa: A002
        str | None, typer.Option("--id", metavar="COL", help="Column of your own identifiers.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Candidates of each text.")] = 5,
    log: Annotated[
        bool, typer.Option("--log", help="Write the predictions to the log, as the API does.")
    ] = False,
    json: Json = False,
) -> None:
    """Code the texts of a file: every column of it, then the prediction's.

    Example: `libelle predict models:/demo@champion new.csv coded.csv --text text`
    """
    from libelle.bulk import predict_file

    settings = read_settings()
    options = settings.storage_options()
    log_options = read_log_options(settings) if log else None
    predictor, version = load_version(model, settings)
    code = partial(
        predict_file,
        predictor,
        input,
        output,
        text=text,
        identifier=id,
        top_k=top_k,
        options=options,
    )
    if log_options is None:
        summary = code()
    else:
        from libelle.monitoring.recording import NIGHT_FILES

        # The same file under the same model is the same rows, however often it is coded.
        request_id = f"file-{_digest_of(input, options)[:32]}"
        with recording(
            log_options, predictor, request_id=request_id, version=version, client=NIGHT_FILES
        ) as recorder:
            summary = code(recorder=recorder)
    print_json(summary.to_dict()) if json else print_lines(summary.lines())


def _digest_of(uri: str, options: StorageOptions) -> str:
    with open_binary(uri, options) as stream:
        digest = sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()


def load_predictor(model: str, settings: Settings) -> Any:
    """Return the predictor that `models:/…` or a folder names, aimed as the settings say."""
    return load_version(model, settings)[0]


def load_version(model: str, settings: Settings) -> tuple[Any, str | None]:
    """Return the predictor and its version in the registry, None for a folder."""
    from libelle.predictor import Predictor

    path, version = _locate(model, settings)
    predictor = Predictor.load(path)
    predictor.aim_at(settings.target_error)
    return predictor, version


def find_model(model: str, settings: Settings) -> Path:
    """Return the folder of a model, brought here if it stands in a registry."""
    return _locate(model, settings)[0]


def _locate(model: str, settings: Settings) -> tuple[Path, str | None]:
    from libelle.cli.registering import tracking_uri

    if not model.startswith("models:/"):
        return Path(model), None
    from libelle.tracking.registry import fetch_model

    fetched = fetch_model(
        model, tracking_uri=tracking_uri(settings), destination=settings.home / "models"
    )
    return fetched.path, fetched.version
