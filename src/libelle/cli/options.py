"""Options: those that several commands share."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="CSV, Parquet, NDJSON or .xlsx: a path, any fsspec address (s3://, https://), or an "
        "examples/*.toml.",
    ),
]
Text = Annotated[str | None, typer.Option("--text", metavar="COL", help="Column of the texts.")]
Code = Annotated[str | None, typer.Option("--code", metavar="COL", help="Column of the codes.")]
NomenclatureFile = Annotated[
    str | None,
    typer.Option("--nomenclature", metavar="FILE", help="CSV or Parquet of code, title, parent."),
]
Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="models:/NAME@champion, models:/NAME/3 or a folder."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, alone on standard output.")
]
Sets = Annotated[
    str | None,
    typer.Option(
        help="Prediction sets keep their promise over all texts (marginal, default) or over those "
        "of each code (per_code)."
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file of the training's choices."),
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", metavar="DATE", help="Requests from that day on (UTC)."),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", metavar="DATE", help="Requests before that day (UTC)."),
]
