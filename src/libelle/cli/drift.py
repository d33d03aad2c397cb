"""Drift: how far the texts of today are from those that a model was made for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from libelle.cli.console import print_json, print_lines, say
from libelle.cli.logged import (
    choose_earlier,
    choose_model,
    is_digest,
    load_logged_model,
    sample_period,
)
from libelle.cli.options import Json, Since, Until
from libelle.cli.recording import read_log_options
from libelle.errors import LibelleError, UsageError
from libelle.settings import Settings, read_settings

if TYPE_CHECKING:
    from libelle.monitoring.drift import DriftStudy, WeekCounts
    from libelle.monitoring.logged_models import LoggedModel
    from libelle.monitoring.prediction_log import LogOptions
    from libelle.storage import StorageOptions

LANGUAGES = ("fr", "en")
LEVELS = ("low", "medium", "high")
DRIFTED = 3
WEEKS_BEFORE = 12
# Shares are then known to a fifth of a point, and the least change that counts is half of one.
MOST_ROWS = 60_000


def drift(
    since: Since = None,
    until: Until = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="models:/…, a folder or a digest [the last that answered]."),
    ] = None,
    against_log: Annotated[
        tuple[datetime, datetime] | None,
        typer.Option(
            metavar="SINCE UNTIL",
            help="Compare with an earlier period of the log, not with the reference of the model: "
            "words are compared too, where texts are kept.",
        ),
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", metavar="FILE.html", help="Report to write.")
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="FILE.txt", help="Sentences to write, for a message."),
    ] = None,
    publish: Annotated[
        bool,
        typer.Option(
            help="Write the severity beside LIBELLE_VERDICT_URI, where the API looks for it."
        ),
    ] = False,
    lang: Annotated[str, typer.Option(help="Language of what is written: fr or en.")] = "fr",
    fail_at: Annotated[
        str | None, typer.Option(help="Severity that exits with 3: low, medium or high.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare the texts of a period with those that the model was made for, and say what changed.

    Exits with 0, whatever changed; with 3 when the severity reaches `--fail-at`; with 1 when there
    is nothing to compare, or to compare with; with 2 when the command is not one.

    Example: `libelle drift --since 2026-03-01 --report drift.html --fail-at high`
    """
    from libelle.monitoring.drift import COLUMNS, TEXT_COLUMNS, Severity, study_drift
    from libelle.monitoring.logged_models import rows_of_model

    _refuse_odd_options(report, lang, fail_at)
    _refuse_overlap(since, against_log)
    settings = read_settings()
    if publish and settings.verdict_uri is None:
        raise UsageError("--publish: LIBELLE_VERDICT_URI says beside what to write; it is not set.")
    columns = COLUMNS + TEXT_COLUMNS if against_log else COLUMNS
    options = read_log_options(settings)
    read = partial(sample_period, options, columns=columns, most=MOST_ROWS)
    period = read(since=since, until=until)
    chosen, current = choose_model(period, model, settings)
    earlier = None
    if against_log:
        before = read(since=against_log[0], until=against_log[1])
        earlier = choose_earlier(before, chosen, settings, studied=period)
    predictor = _find_predictor(chosen, model, settings, needed=against_log is None)
    reference = _reference_of(predictor, needed=against_log is None)
    study = study_drift(
        current,
        reference=None if against_log else reference,
        earlier=earlier,
        truth=reference,
        nomenclature=predictor.nomenclature if predictor else None,
    )
    # Weeks before the period are not studied: charts and segments show them beside it.
    shown_since = since - timedelta(weeks=WEEKS_BEFORE) if since else None
    shown_rows = read(since=shown_since, until=since) if since else current.slice(0, 0)
    found = _describe(
        study,
        shown=_count_weeks(options, chosen, since=shown_since, until=until),
        before=rows_of_model(shown_rows, chosen),
        current=current,
        chosen=chosen,
        predictor=predictor,
    )
    _write(found, report, digest, lang, settings.storage_options())
    if publish:
        _publish(study, chosen, settings)
    print_json(found) if json else print_lines(_lines(found))
    if fail_at and study.severity.rank >= Severity(fail_at).rank:
        raise typer.Exit(DRIFTED)


def _refuse_odd_options(report: str | None, lang: str, fail_at: str | None) -> None:
    if lang not in LANGUAGES:
        raise UsageError(f"--lang {lang}: the report is written in fr or in en.")
    if report and not report.lower().endswith(".html"):
        raise UsageError(f"{report}: the report to write must end in .html.")
    if fail_at and fail_at not in LEVELS:
        raise UsageError(f"--fail-at {fail_at}: a severity is low, medium or high.")


def _refuse_overlap(since: datetime | None, against_log: tuple[datetime, datetime] | None) -> None:
    if against_log and (since is None or against_log[1] > since):
        raise UsageError(
            "--against-log: the earlier period must end before the one that is studied begins. "
            "Give --since, no earlier than that end."
        )


def _count_weeks(
    options: "LogOptions",
    chosen: "LoggedModel",
    *,
    since: datetime | None,
    until: datetime | None,
) -> "WeekCounts":
    """Count all answers of a model week by week, in the memory of one day."""
    from libelle.monitoring.drift import WEEK_COLUMNS, WeekCounts
    from libelle.monitoring.logged_models import rows_of_model
    from libelle.monitoring.prediction_log.reading import iter_days, read_spool

    period: dict[str, Any] = {"since": since, "until": until, "columns": WEEK_COLUMNS}
    counts = WeekCounts()
    if options.spool_path.is_dir():
        counts.add(rows_of_model(read_spool(options.spool_path, **period), chosen))
    for _, content in iter_days(options.uri, **period, options=options.storage):
        counts.add(rows_of_model(content.table, chosen))
    return counts


def _find_predictor(
    chosen: "LoggedModel", model: str | None, settings: Settings, *, needed: bool
) -> Any:
    """Return the model that answered; None if it is not found, and only titles are missed."""
    named = None if model is None or is_digest(model) else model
    try:
        return load_logged_model(chosen, settings, named=named)
    except LibelleError as error:
        if needed:
            raise
        say(f"Codes have no titles, and no accuracy can be expected: {error}")
        return None


def _reference_of(predictor: Any, *, needed: bool) -> Any:
    """Return the reference of the model; None if there is none, and only the truth is missed."""
    from libelle.profile import read_reference

    try:
        return None if predictor is None else read_reference(predictor.manifest)
    except LibelleError as error:
        if needed:
            raise
        say(f"No accuracy can be expected: {error}")
        return None


def _describe(
    study: "DriftStudy",
    *,
    shown: "WeekCounts",
    before: Any,
    current: Any,
    chosen: "LoggedModel",
    predictor: Any,
) -> dict[str, Any]:
    from libelle.monitoring.drift import find_segments

    nomenclature = predictor.nomenclature if predictor else None
    segments = find_segments(before, current, nomenclature=nomenclature)
    tops = [one for one in segments if one.kind == "top_code"]
    return {
        "model": {"name": chosen.name, "version": chosen.version, "digest": chosen.digest},
        **study.to_dict(),
        "weeks": shown.weeks(),
        "codes_by_week": shown.codes(study.codes, nomenclature=nomenclature),
        "segments": [segment.to_dict() for segment in segments],
        "top_codes_by_week": shown.codes(tops, nomenclature=nomenclature),
    }


def _write(
    found: Mapping[str, Any],
    report: str | None,
    digest: str | None,
    lang: str,
    storage: "StorageOptions",
) -> None:
    from libelle.reports import render_drift_digest, render_drift_report
    from libelle.storage import write_atomically

    language = cast(Literal["fr", "en"], lang)
    pages = {}
    if report:
        pages[report] = render_drift_report(
            found,
            model=found["model"],
            weeks=found["weeks"],
            codes_by_week=found["codes_by_week"],
            segments=found["segments"],
            top_codes_by_week=found["top_codes_by_week"],
            lang=language,
            now=datetime.now(UTC),
        )
    if digest:
        pages[digest] = render_drift_digest(found, model=found["model"], lang=language)
    for uri, page in pages.items():
        with write_atomically(uri, storage) as stream:
            stream.write(page.encode("utf-8", "replace"))
        say(f"  Written: {uri}")


def _publish(study: "DriftStudy", chosen: "LoggedModel", settings: Settings) -> None:
    from libelle.monitoring.drift import PublishedDrift, drift_beside, publish_drift
    from libelle.storage import redact

    uri = drift_beside(str(settings.verdict_uri))
    result = PublishedDrift.of(
        study, model_name=chosen.name, model_digest=chosen.digest, now=datetime.now(UTC)
    )
    publish_drift(result, uri, options=settings.storage_options())
    say(f"  Published: {redact(uri)}")


def _lines(found: Mapping[str, Any]) -> list[str]:
    """Return the sentences, then what they are about."""
    from libelle.reports.drift_words import ENGLISH

    model, current = found["model"], found["current"]
    return [
        *found["sentences"]["en"],
        f"Severity: {found['severity']}.",
        *(ENGLISH[f"note_{note}"] for note in found["notes"]),
        f"Model {model['name']} {model['digest'][:12]}, "
        f"{current['n_texts']:,} distinct texts, from {current['since']} to {current['until']}.",
    ]
