"""Train: from coded texts to a registered model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from libelle.cli.console import TrainingProgress, print_json, print_lines, say
from libelle.cli.options import Code, ConfigFile, Data, Json, NomenclatureFile, Sets, Text
from libelle.cli.promises import promise, sentence
from libelle.cli.registering import register, tracking_uri
from libelle.settings import Settings, read_settings

if TYPE_CHECKING:
    from libelle.data.datasets import Dataset
    from libelle.data.nomenclature import Nomenclature
    from libelle.training.pipeline import TrainingResult


def train(
    data: Data,
    text: Text = None,
    code: Code = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Name; the file's by default.")
    ] = None,
    nomenclature: NomenclatureFile = None,
    date: Annotated[
        str | None, typer.Option(metavar="COL", help="Column of dates: test is the latest part.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COL", help="Column of groups, never cut in two.")
    ] = None,
    test: Annotated[
        str | None, typer.Option(metavar="DATA", help="Coded texts to test on, kept whole.")
    ] = None,
    config: ConfigFile = None,
    trials: Annotated[int | None, typer.Option(help="Trials of the search [30].")] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of the cross-validation [5].")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Ask for no trial after that time: not reproducible.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="macro_f1 (default), accuracy or log_loss.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="french (default) or english: stop words and stems.")
    ] = None,
    family: Annotated[
        list[str] | None,
        typer.Option(help="Classifiers to try: blend, svm, softmax, fasttext [all]."),
    ] = None,
    target_error: Annotated[
        list[float] | None,
        typer.Option(
            help="Share of errors wanted among what is coded automatically [0.05]; may be repeated."
        ),
    ] = None,
    delta: Annotated[
        float | None, typer.Option(help="Probability that a promise does not hold [0.05].")
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="How a threshold is looked for: anchored (default), planned.")
    ] = None,
    sets: Sets = None,
    indicative: Annotated[
        bool | None,
        typer.Option(
            "--indicative", help="Where nothing is proved, take a threshold that proves nothing."
        ),
    ] = None,
    rule_off: Annotated[
        list[str] | None,
        typer.Option(help="Rule of refusal to do without, such as only_digits; may be repeated."),
    ] = None,
    cost_review: Annotated[
        float | None, typer.Option(help="Cost of a manual coding, for the cost curve.")
    ] = None,
    cost_error: Annotated[
        float | None, typer.Option(help="Cost of a wrong code, in the same unit.")
    ] = None,
    purpose: Annotated[
        str | None, typer.Option(help="What the codes are used for: transparency sheet.")
    ] = None,
    contact: Annotated[
        str | None, typer.Option(help="Who answers for them: transparency sheet.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of everything left to chance [0].")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of the search [one for each core].")
    ] = None,
    json: Json = False,
) -> None:
    """Train a model on coded texts: tuned, tracked in MLflow, tested once, registered.

    Example: `libelle train requests.csv --text request --code theme --trials 30`
    """
    options: dict[str, Any] = {
        "n_trials": trials,
        "n_folds": folds,
        "minutes": minutes,
        "metric": metric,
        "language": language,
        "families": tuple(family) if family else None,
        "seed": seed,
        "target_errors": tuple(target_error) if target_error else None,
        "delta": delta,
        "rule": rule,
        "sets": sets,
        "indicative": indicative,
        "rules_off": tuple(rule_off) if rule_off else None,
        "cost_review": cost_review,
        "cost_error": cost_error,
        "purpose": purpose,
        "contact": contact,
    }
    summary = run_training(
        read_settings(),
        data,
        text=text,
        code=code,
        name=model,
        nomenclature=nomenclature,
        date=date,
        group=group,
        test=test,
        config=config,
        options=options,
        n_workers=workers,
    )
    print_json(summary) if json else print_lines(describe(summary))


def run_training(
    settings: Settings,
    data: str,
    *,
    text: str | None,
    code: str | None,
    name: str | None = None,
    nomenclature: str | None = None,
    date: str | None = None,
    group: str | None = None,
    test: str | None = None,
    config: Path | None = None,
    options: dict[str, Any],
    n_workers: int | None = None,
) -> dict[str, Any]:
    """Train and register; return what `--json` prints."""
    from libelle.data.datasets import read_dataset
    from libelle.data.nomenclature import read_nomenclature

    storage = settings.storage_options()
    dataset = read_dataset(data, text=text, code=code, date=date, group=group, options=storage)
    tested = (
        read_dataset(test, text=text, code=code, group=group, options=storage) if test else None
    )
    known = read_nomenclature(nomenclature, storage) if nomenclature else None
    _say_what_was_read(dataset, known)
    if tested is not None:
        _say_what_was_read(tested, known)
    return learn(
        settings,
        dataset,
        name=name or model_name(data),
        nomenclature=known,
        test=tested,
        config=config,
        options=options,
        n_workers=n_workers,
        asked=_note_files(
            data, text, code, date=date, group=group, test=test, nomenclature=nomenclature
        ),
    )


def learn(
    settings: Settings,
    dataset: "Dataset",
    *,
    name: str,
    nomenclature: "Nomenclature | None" = None,
    test: "Dataset | None" = None,
    config: Path | None = None,
    options: dict[str, Any],
    n_workers: int | None = None,
    asked: dict[str, Any],
) -> dict[str, Any]:
    """Train on coded texts and register; return what `--json` prints.

    Parameters
    ----------
    settings : Settings
    dataset, test : Dataset
    name : str
        Of the model.
    nomenclature : Nomenclature or None
    config, options, n_workers
        As the command line gives them.
    asked : dict
        What was asked, as the run keeps it.
    """
    from libelle.tracking.record import RunRecord
    from libelle.tracking.runs import LiveRunLog
    from libelle.training.configuration import TrainingConfiguration
    from libelle.training.pipeline import train as train_model

    configuration = TrainingConfiguration.from_options(config, **options)
    record = RunRecord.create(settings.home, name)
    live = LiveRunLog(record, tracking_uri=tracking_uri(settings), warn=say)
    progress = TrainingProgress(configuration.metric)
    try:
        result = train_model(
            dataset,
            name=name,
            home=settings.home,
            output=record.model_folder,
            configuration=configuration,
            nomenclature=nomenclature,
            test=test,
            n_workers=n_workers,
            run_log=live,
            progress=progress,
            asked=asked,
        )
    finally:
        progress.close()
    version = register(record, name, settings)
    return _summarize(result, version)


def _note_files(
    data: str, text: str | None, code: str | None, **others: str | None
) -> dict[str, str]:
    """Return where the texts come from, without what an address holds of secrets."""
    from libelle.storage import redact

    asked = {"data": data, "text": text, "code": code, **others}
    files = ("data", "test", "nomenclature")
    return {
        f"asked_{name}": redact(value) if name in files else value
        for name, value in asked.items()
        if value is not None
    }


def _say_what_was_read(dataset: "Dataset", nomenclature: "Nomenclature | None") -> None:
    """Say what was left out or looks wrong: a training should surprise nobody."""
    if dataset.n_missing_codes:
        say(
            f"  {dataset.name}: {dataset.n_missing_codes:,} of {dataset.n_rows_read:,} rows left "
            "out: no code"
        )
    for warning in dataset.warnings:
        say(f"  {warning}")
    if nomenclature is not None:
        unknown = sorted({code for code in dataset.codes if code not in nomenclature})
        if unknown:
            shown = ", ".join(unknown[:5])
            say(
                f"  {len(unknown)} codes are not in the nomenclature and are their own titles: "
                f"{shown}. Was a leading zero lost? See `libelle check`."
            )


def model_name(data: str) -> str:
    """Return the name of a model from that of its file: letters, digits and dashes."""
    stem = data.rstrip("/").rpartition("/")[2].split(".")[0]
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in stem.lower())
    return kept.strip("-") or "model"


def describe(summary: dict[str, Any]) -> list[str]:
    """Return a training's result in words, the sentence for a head of unit last."""
    metrics = summary["metrics"]
    return [
        f"Model {summary['model_uri']}, digest {summary['digest'][:12]}",
        f"Test part: accuracy {metrics['accuracy']:.3f}, macro-F1 {metrics['macro_f1']:.3f}, "
        f"right code among the first three {metrics['top_3_accuracy']:.3f}, "
        f"log-loss {metrics['log_loss']:.3f}, calibration error {metrics['ece']:.3f}",
        *_other_promises(summary),
        summary["sentence"],
    ]


def _other_promises(summary: dict[str, Any]) -> list[str]:
    """Return what else was asked to be promised: other targets, levels, texts in doubt."""
    lines = [f"Code: {promise(one)}" for one in summary["thresholds"][1:]]
    for depth, thresholds in summary["levels"].items():
        lines += [f"Level {depth}, all texts: {promise(one)}" for one in thresholds]
    lines += [f"Texts in doubt, code above: {promise(one)}" for one in summary["roll_up"] if one]
    return lines


def _summarize(result: "TrainingResult", version: Any) -> dict[str, Any]:
    from dataclasses import asdict

    manifest = result.predictor.manifest
    return {
        "model_uri": version.uri if version else str(result.folder),
        "alias": version.alias if version else None,
        "digest": result.predictor.digest,
        "metrics": asdict(result.metrics),
        "automation": result.automation,
        "guarantee": asdict(result.predictor.guarantee),
        "thresholds": manifest["thresholds"],
        "levels": manifest["levels"],
        "roll_up": manifest["roll_up"],
        "parameters": result.trial.specification.to_dict(),
        "calibration": manifest["calibration"]["method"],
        "split": {side: len(getattr(result.split, side)) for side in ("fit", "certify", "test")},
        "n_left_out": dict(result.split.n_left_out),
        "n_leaked_keys": result.split.n_leaked_keys,
        "sentence": sentence(result.automation, manifest["thresholds"][0]),
    }
