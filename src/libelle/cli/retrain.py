"""Retrain: from what coders said to a challenger, judged against the champion."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from libelle.cli.console import print_json, print_lines, say
from libelle.cli.models import By, load_from
from libelle.cli.options import Code, ConfigFile, Data, Json, NomenclatureFile, Text
from libelle.cli.recording import read_log_options
from libelle.cli.registering import tracking_uri, who_asks
from libelle.cli.train import describe, learn
from libelle.errors import TrackingError, UsageError
from libelle.settings import Settings, read_settings

if TYPE_CHECKING:
    from libelle.data.datasets import Dataset
    from libelle.monitoring.prediction_log import LogOptions
    from libelle.retraining import AuditedTexts


def retrain(
    data: Data,
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Model to retrain.")],
    text: Text = None,
    code: Code = None,
    nomenclature: NomenclatureFile = None,
    audit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHEET", help="Sheet that `libelle audit draw` wrote, filled in; several times."
        ),
    ] = None,
    texts: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Texts by your identifiers, when the log keeps none."),
    ] = None,
    id: Annotated[  # noqa: A002
        str | None, typer.Option("--id", metavar="COL", help="Column of these identifiers.")
    ] = None,
    held: Annotated[
        float,
        typer.Option(min=0.05, max=0.95, help="Share of the new texts kept to compare models on."),
    ] = 0.3,
    promote: Annotated[
        bool, typer.Option("--promote", help="Make the challenger champion if it passes.")
    ] = False,
    config: ConfigFile = None,
    trials: Annotated[int | None, typer.Option(help="Trials of the search [30].")] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of the cross-validation [5].")] = None,
    target_error: Annotated[
        list[float] | None, typer.Option(help="Share of errors wanted [0.05]; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything left to chance.")] = 0,
    by: By = None,
    json: Json = False,
) -> None:
    """Learn again with audited verdicts, and judge the challenger against the champion.

    DATA is what the model learnt from before. Nothing is promoted without --promote: the exit code
    is 1 when the challenger does not pass. Under the text policy `review`, the next `libelle log
    purge` takes the audited texts that served out of the log.

    Example: `libelle retrain demo.csv --model demo --text text --code code --audit audit.csv`
    """
    from libelle.retraining import read_audited_texts

    settings = read_settings()
    options = read_log_options(settings)
    if (texts is None) != (id is None):
        raise UsageError("--texts names a file and --id its column of identifiers: give both.")
    drawn, answers = _read_audits(audit or (), settings)
    audited = read_audited_texts(
        options.uri,
        name=model,
        drawn=drawn,
        answers=answers,
        texts=None if texts is None else _texts(texts, str(id), text, settings),
        held_share=held,
        seed=seed,
        options=options.storage,
    )
    for line in audited.lines():
        say(line)
    summary = _learn(
        settings, data, text, code, model, nomenclature, audited,
        config=config,
        options={
            "n_trials": trials,
            "n_folds": folds,
            "target_errors": tuple(target_error) if target_error else None,
            "seed": seed,
        },
    )  # fmt: skip
    judgement = _judge(settings, summary, audited.held, by=who_asks(by), moves=promote)
    _note_learnt(options, audited)
    if json:
        print_json({"training": summary, "gate": judgement.to_dict()})
    else:
        print_lines([*describe(summary), "", *judgement.lines()])
    if not judgement.verdict["passed"]:
        raise typer.Exit(1)


def _read_audits(
    sheets: Sequence[str], settings: Settings
) -> tuple[set[str], dict[str, str | None]]:
    """Return the predictions that audits drew, and the codes that their sheets give."""
    from libelle.monitoring import audit

    options = settings.storage_options()
    drawn: set[str] = set()
    said: dict[str, str | None] = {}
    for sheet in sheets:
        sample, _ = audit.read_sample(audit.sample_uri_of(sheet), options=options)
        drawn |= set(sample["prediction_id"].to_pylist())
        said |= audit.join_answers(sample, audit.read_answers(sheet, options=options))
    return drawn, said


def _texts(uri: str, identifier: str, text: str | None, settings: Settings) -> dict[str, str]:
    from libelle.monitoring.audit import read_texts

    options = settings.storage_options()
    return read_texts(uri, identifier=identifier, text=text or "text", options=options)


def _learn(
    settings: Settings,
    data: str,
    text: str | None,
    code: str | None,
    model: str,
    nomenclature: str | None,
    audited: "AuditedTexts",
    *,
    config: Path | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    from libelle.data.datasets import read_dataset
    from libelle.data.nomenclature import read_nomenclature
    from libelle.retraining import add_texts
    from libelle.storage import redact

    storage = settings.storage_options()
    known = read_dataset(data, text=text, code=code, options=storage)
    titles = read_nomenclature(nomenclature, storage) if nomenclature else None
    summary = learn(
        settings,
        add_texts(known, audited.learnt, held=audited.held),
        name=model,
        nomenclature=titles,
        config=config,
        options=options,
        asked={"asked_data": redact(data), "feedback_texts": str(len(audited.learnt))},
    )
    if not summary["model_uri"].startswith("models:/"):
        raise TrackingError(
            "The challenger could not be registered, so it was not judged. Send it with `libelle "
            "runs push`, then judge it with `libelle models promote`."
        )
    return summary


def _note_learnt(options: "LogOptions", audited: "AuditedTexts") -> None:
    """Note which texts served, so that they may leave the log."""
    from libelle.monitoring.audit.records import RecordKind, note_predictions

    note_predictions(
        options.uri,
        RecordKind.LEARNT,
        audited.prediction_ids,
        now=datetime.now(UTC),
        options=options.storage,
    )


def _judge(
    settings: Settings, summary: dict[str, Any], held: "Dataset", *, by: str, moves: bool
) -> Any:
    from libelle.tracking.promotion import promote

    return promote(
        summary["model_uri"],
        held,
        by=by,
        tracking_uri=tracking_uri(settings),
        destination=settings.home / "models",
        moves=moves,
        load=partial(load_from, settings=settings),
    )
