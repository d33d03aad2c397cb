"""Evaluate: how good a model is on coded texts, and whether its promise held."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from libelle.cli.console import print_json, print_lines, say
from libelle.cli.fingerprints import find_seen
from libelle.cli.options import Code, Data, Json, Model, NomenclatureFile, Text
from libelle.cli.predict import load_predictor
from libelle.errors import UsageError
from libelle.settings import read_settings

if TYPE_CHECKING:
    from libelle.storage import StorageOptions

LANGUAGES = ("fr", "en")


def evaluate(
    model: Model,
    data: Data,
    text: Text = None,
    code: Code = None,
    nomenclature: NomenclatureFile = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="COL", help="Column of segments to look at apart.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="MODEL", help="Second model, on the same texts."),
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", metavar="FILE.html", help="Report to write.")
    ] = None,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Quote some texts, which may be personal data.")
    ] = False,
    lang: Annotated[str, typer.Option(help="Language of the report: fr or en.")] = "fr",
    cost_review: Annotated[
        float | None, typer.Option(metavar="X", help="Cost of a manual coding.")
    ] = None,
    cost_error: Annotated[
        float | None, typer.Option(metavar="Y", help="Cost of a wrong code, in the same unit.")
    ] = None,
    json: Json = False,
) -> None:
    """Evaluate a model on coded texts: decisions, errors, calibration, and the promise.

    Example: `libelle evaluate models:/demo@champion coded.csv --text text --code code`
    """
    from libelle.evaluation import assess
    from libelle.reports.headline import headline

    _refuse_odd_options(report, lang, cost_review, cost_error, by=by, text=text)
    settings = read_settings()
    storage = settings.storage_options()
    dataset, segments = _read(data, text, code, by, storage)
    predictor = load_predictor(model, settings)
    seen, _ = find_seen(model, Path(model), settings)
    assessment = assess(
        predictor,
        dataset,
        seen=seen,
        segments=segments,
        segment_column=by or "",
        nomenclature=_read_nomenclature(nomenclature, storage),
        against=load_predictor(against, settings) if against else None,
        cost_review=cost_review,
        cost_error=cost_error,
        with_texts=with_texts,
    )
    if report:
        _write_report(report, assessment, lang, storage)
    sentences = headline(assessment, lang="en")
    if json:
        print_json({**assessment, "sentence": " ".join(sentences), "report": report})
    else:
        print_lines([*sentences, *_lines(assessment)])


def _refuse_odd_options(
    report: str | None,
    lang: str,
    cost_review: float | None,
    cost_error: float | None,
    *,
    by: str | None,
    text: str | None,
) -> None:
    """Refuse, before any work, what could not be done at the end of it."""
    if lang not in LANGUAGES:
        raise UsageError(f"--lang {lang}: the report is written in fr or in en.")
    if report and not report.lower().endswith(".html"):
        raise UsageError(f"{report}: the report to write must end in .html.")
    if (cost_review is None) != (cost_error is None):
        raise UsageError("A cost curve needs both costs: give --cost-review and --cost-error.")
    if by is not None and by == text:
        raise UsageError(f"--by {by}: a text is no segment. Name a column of few values.")


def _read(
    data: str, text: str | None, code: str | None, by: str | None, storage: "StorageOptions"
) -> Any:
    """Return the coded texts and the segment of each, read as a group to stay beside its text."""
    from dataclasses import replace

    from libelle.data.datasets import read_dataset

    dataset = read_dataset(data, text=text, code=code, group=by, options=storage)
    if dataset.n_missing_codes:
        say(f"  {dataset.n_missing_codes:,} of {dataset.n_rows_read:,} rows left out: no code")
    for warning in dataset.warnings:
        say(f"  {warning}")
    return (replace(dataset, groups=None), dataset.groups) if by else (dataset, None)


def _read_nomenclature(nomenclature: str | None, storage: "StorageOptions") -> Any:
    from libelle.data.nomenclature import read_nomenclature

    return read_nomenclature(nomenclature, storage) if nomenclature else None


def _write_report(
    report: str, assessment: Mapping[str, Any], lang: Any, storage: "StorageOptions"
) -> None:
    from datetime import UTC, datetime

    from libelle.reports import render_report
    from libelle.storage import write_atomically

    page = render_report(assessment, lang=lang, now=datetime.now(UTC))
    with write_atomically(report, storage) as stream:
        stream.write(page.encode("utf-8", "replace"))
    say(f"  Report written to {report}")


def _lines(assessment: Mapping[str, Any]) -> list[str]:
    """Return the metrics in words, and what one should not miss."""
    metrics, unknown = assessment["metrics"], assessment["unknown_codes"]["n_texts"]
    hygiene = assessment["hygiene"]
    log_loss = metrics["log_loss"]
    lines = [
        f"{metrics['n_texts']:,} texts: accuracy {metrics['accuracy']:.3f}, macro-F1 "
        f"{metrics['macro_f1']:.3f}, right code among the first three "
        f"{metrics['top_3_accuracy']:.3f}, log-loss "
        f"{'unknown' if log_loss is None else format(log_loss, '.3f')}, calibration error "
        f"{metrics['ece']:.3f}"
    ]
    if unknown:
        lines.append(f"{unknown:,} texts have a code that the model never saw: counted as errors.")
    if (part := hygiene["same_as"]) in ("fit", "certify"):
        lines.append(f"Beware: these are exactly the {part} texts of the training.")
    elif n_seen := hygiene["n_seen"]:
        lines.append(
            f"Beware: the model was made or tested with {n_seen:,} of these texts, on which it may "
            "do better than on others; what is said of the promise leaves them out."
        )
    return lines + _comparison_lines(assessment["comparison"]) + _cost_lines(assessment["costs"])


def _comparison_lines(comparison: Mapping[str, Any] | None) -> list[str]:
    if comparison is None:
        return []
    low, high = comparison["difference_interval"]
    return [
        f"Against {comparison['model']['name']}: accuracy {comparison['difference']:+.1%} (95 % "
        f"interval {low:+.1%} to {high:+.1%}; exact McNemar p = {comparison['p_value']:.4f})"
    ]


def _cost_lines(costs: Mapping[str, Any] | None) -> list[str]:
    if costs is None:
        return []
    target = costs["recommended_target_error"]
    if target is None:
        return ["At these costs, coding everything by hand is cheaper."]
    return [
        f"At these costs, the least is {costs['best']['cost']:.3g} a text, with {target:.1%} of "
        f"errors among {costs['best']['coverage']:.0%} of automatic texts: an exploration. Declare "
        "that target, then certify it on other texts."
    ]
