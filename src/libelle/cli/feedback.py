"""Feedback: predictions go to coders, and their verdicts come back."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from libelle.cli.console import print_json, print_lines
from libelle.cli.options import Json
from libelle.cli.predict import load_predictor
from libelle.errors import DataError, UsageError
from libelle.settings import Settings, read_settings
from libelle.storage import open_binary, redact, write_atomically

if TYPE_CHECKING:
    from libelle.monitoring.feedback.exporting import Export
    from libelle.monitoring.feedback.importing import ReadAnswers
    from libelle.monitoring.prediction_log import LogOptions

app = typer.Typer(no_args_is_help=True, help="Send predictions to coders, take their verdicts.")


class Format(StrEnum):
    """How predictions and verdicts are written."""

    LABEL_STUDIO = "label-studio"
    CSV = "csv"


class Which(StrEnum):
    """Predictions, by what became of them."""

    REVIEW = "review"
    AUTOMATIC = "automatic"
    ALL = "all"


File = Annotated[str, typer.Argument(metavar="FILE", help="A path, or any fsspec address.")]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="Of the file [csv for .csv, label-studio otherwise]."),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="Model whose codes and titles are used."),
]


@app.command("import")
def import_file(
    file: File,
    format: FormatOption = None,  # noqa: A002
    coder: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who answered, where a CSV does not say.")
    ] = None,
    model: ModelOption = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Take the place of other verdicts of the same coders."),
    ] = False,
    json: Json = False,
) -> None:
    """Keep the verdicts of a file: all of them, or none if one is not as it should be.

    Example: `libelle feedback import annotations.json --model models:/demo@champion`
    """
    from libelle.monitoring.feedback.importing import import_feedback

    settings = read_settings()
    log = _log_of(settings)
    known = None if model is None else _known_codes(model, settings)
    summary = import_feedback(
        log.uri,
        _read(file, format or _guess(file), coder, settings),
        key=log.key,
        now=datetime.now(UTC),
        known_codes=known,
        replace=replace,
        options=log.storage,
    )
    print_json(summary.to_dict()) if json else print_lines([summary.line()])


@app.command("export")
def export_file(
    file: File,
    format: FormatOption = None,  # noqa: A002
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
            help="Of requests that came since, in UTC.",
        ),
    ] = None,
    decision: Annotated[Which, typer.Option(help="Predictions to export.")] = Which.REVIEW,
    model: ModelOption = None,
    json: Json = False,
) -> None:
    """Write predictions for coders: Label Studio tasks, beside which stands their XML, or CSV.

    Example: `libelle feedback export to-review.json --since 2026-11-01`
    """
    from libelle.decision import Decision
    from libelle.monitoring.feedback.exporting import read_items

    settings = read_settings()
    log = _log_of(settings)
    wanted = None if decision is Which.ALL else Decision(decision.value)
    items = read_items(log.uri, since=since, decision=wanted, options=log.storage)
    export = _export(items, format or _guess(file), model, settings)
    for added, content in export.contents.items():
        with write_atomically(file + added, settings.storage_options()) as stream:
            stream.write(content)
    if json:
        counts = {"n_exported": export.n_exported, "n_without_text": export.n_without_text}
        print_json({**counts, "files": [file + added for added in export.contents]})
    else:
        print_lines(export.lines(file))


def _log_of(settings: Settings) -> "LogOptions":
    log = settings.log_options()
    if log is None:
        raise UsageError("There is no prediction log: LIBELLE_LOG_URI says where it stands.")
    return log


def _guess(file: str) -> Format:
    return Format.CSV if file.lower().endswith(".csv") else Format.LABEL_STUDIO


def _read(file: str, kind: Format, coder: str | None, settings: Settings) -> "ReadAnswers":
    from libelle.monitoring.feedback.label_studio import import_annotations
    from libelle.monitoring.feedback.sheets import import_sheet

    with open_binary(file, settings.storage_options()) as stream:
        content = stream.read()
    try:
        if kind is Format.CSV:
            return import_sheet(content, coder=coder)
        return import_annotations(content)
    except DataError as error:
        raise DataError(f"{redact(file)}: {error}") from error.__cause__


def _export(items: Any, kind: Format, model: str | None, settings: Settings) -> "Export":
    from libelle.monitoring.feedback.label_studio import export_tasks
    from libelle.monitoring.feedback.sheets import export_sheet

    if kind is Format.CSV:
        return export_sheet(items)
    if model is None:
        return export_tasks(items)
    predictor = load_predictor(model, settings)
    nomenclature = predictor.nomenclature
    codes = (*nomenclature.codes, *predictor.codes)
    return export_tasks(items, codes=codes, title_of=nomenclature.title_of)


def _known_codes(model: str, settings: Settings) -> frozenset[str]:
    predictor = load_predictor(model, settings)
    return frozenset((*predictor.nomenclature.codes, *predictor.codes))
