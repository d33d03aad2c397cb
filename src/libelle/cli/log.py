"""Log: keep the prediction log small and lawful."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from libelle.cli.console import print_json, print_lines, say
from libelle.cli.options import Json
from libelle.cli.recording import read_log_options
from libelle.errors import StorageError, UsageError
from libelle.settings import read_settings

if TYPE_CHECKING:
    from libelle.monitoring.prediction_log import LogOptions
    from libelle.monitoring.prediction_log.reading import Problem
    from libelle.monitoring.prediction_log.retention import SpentSummary

app = typer.Typer(no_args_is_help=True, help="Keep the prediction log small and lawful.")

TEXT_DAYS = 30


@app.command("purge")
def purge_log(
    days: Annotated[
        int | None, typer.Option(min=1, help="Days to leave; LIBELLE_LOG_DAYS if absent.")
    ] = None,
    text_days: Annotated[
        int, typer.Option(min=1, help="Days after which a row loses its text.")
    ] = TEXT_DAYS,
    json: Json = False,
) -> None:
    """Delete the days and verdicts that are too old, and the texts that nobody may keep any more.

    Under the text policy `review`, texts leave at the verdict, those of audits once `libelle
    retrain` used them, and all of them after --text-days.

    Example: `libelle log purge --days 180`
    """
    from libelle.monitoring.audit.records import purge_records
    from libelle.monitoring.feedback.erasure import purge_feedback
    from libelle.monitoring.keeping import keeps_until_verdict
    from libelle.monitoring.prediction_log.retention import forget_texts, purge

    settings = read_settings()
    options, now = read_log_options(settings), datetime.now(UTC)
    older_than_days = days or settings.log_days
    old: dict[str, Any] = {"older_than_days": older_than_days, "now": now}
    gone = purge(options.uri, **old, options=options.storage)
    verdicts = purge_feedback(options.uri, **old, options=options.storage)
    records = purge_records(options.uri, **old, options=options.storage)
    bare = forget_texts(options.uri, older_than_days=text_days, now=now, options=options.storage)
    spent = None
    if keeps_until_verdict(settings.text_policy):
        spent = _forget_spent_texts(options, within_days=text_days, now=now)
    unseen = [*bare.problems, *(spent.problems if spent else ())]
    _say_problems([*verdicts.problems, *records.problems, *unseen])
    if json:
        told = {"days": asdict(gone), "texts": asdict(bare), "n_verdicts": verdicts.n_verdicts}
        print_json({**told, "spent_texts": asdict(spent) if spent else None})
    else:
        print_lines(
            [
                f"{gone.n_days:,} days over since more than {older_than_days} days deleted, "
                f"{gone.n_files:,} files and {verdicts.n_verdicts:,} verdicts.",
                f"{bare.n_texts:,} texts over since more than {text_days} days taken out.",
                *([_describe_spent(spent)] if spent else ()),
            ]
        )
    if unseen or (spent and spent.n_left):
        raise StorageError(
            "Not all texts that nobody may keep are proved to be gone. Run the same command again, "
            "and see to the files that are named."
        )


def _forget_spent_texts(
    options: "LogOptions", *, within_days: int, now: datetime
) -> "SpentSummary":
    from libelle.monitoring.keeping import find_spent_texts
    from libelle.monitoring.prediction_log.retention import forget_spent_texts

    spent = find_spent_texts(options.uri, key=options.key, options=options.storage)
    return forget_spent_texts(
        options.uri, spent, within_days=within_days, now=now, options=options.storage
    )


def _describe_spent(spent: "SpentSummary") -> str:
    return (
        f"{spent.n_texts:,} texts that coders judged, or that taught a model, taken out of "
        f"{spent.n_files:,} files; {spent.n_left:,} are left."
    )


@app.command("erase")
def erase_rows(
    prediction_id: Annotated[
        list[str] | None,
        typer.Option("--prediction-id", metavar="ID", help="Of predictions; several times."),
    ] = None,
    id: Annotated[  # noqa: A002
        list[str] | None, typer.Option("--id", metavar="ID", help="Of your own; several times.")
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option("--text", help="As it was sent; - reads one on each line of the input."),
    ] = None,
    old_key_file: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A key of before, when it was changed; several times."),
    ] = None,
    json: Json = False,
) -> None:
    """Erase what a person's texts left in the spool, the log, verdicts and audits, and look again.

    A text on the command line stays in the history of the shell: `--text -` keeps it out.

    Example: `libelle log erase --id DOSSIER-1234`
    """
    from libelle.monitoring.audit.records import erase_records
    from libelle.monitoring.feedback.erasure import erase_feedback
    from libelle.monitoring.prediction_log.erasure import erase, find_predictions

    options = read_log_options(read_settings())
    wanted: dict[str, Any] = {
        "keys": [options.key, *map(_read_key, old_key_file or ())],
        "prediction_ids": prediction_id or (),
        "ids": id or (),
        "texts": _read_texts(text or ()),
        "spool_path": options.spool_path,
        "options": options.storage,
    }
    # Verdicts first: once the rows are gone, nothing leads from a text to them.
    found = find_predictions(options.uri, **wanted)
    verdicts = erase_feedback(options.uri, found, options=options.storage)
    records = erase_records(options.uri, found, options=options.storage)
    erased = erase(options.uri, **wanted)
    problems = [*erased.problems, *verdicts.problems, *records.problems]
    n_left = erased.n_rows_left + verdicts.n_left
    _say_problems(problems)
    if json:
        print_json({**asdict(erased), "n_verdicts": verdicts.n_verdicts})
    else:
        print_lines(
            [
                f"{erased.n_rows:,} rows erased, in {erased.n_files:,} files of the log and "
                f"{erased.n_segments:,} pieces of the spool, and {verdicts.n_verdicts:,} verdicts; "
                f"{n_left:,} are left."
            ]
        )
    if n_left or problems:
        raise StorageError(
            "The erasure is not proved: rows are left, or files could not be looked at. Run the "
            "same command again, and see to the files that are named."
        )


@app.command("compact")
def compact_days(json: Json = False) -> None:
    """Merge the small files of each day before today into one, and the verdicts into one.

    Example: `libelle log compact`
    """
    from libelle.monitoring.feedback.compaction import compact_feedback
    from libelle.monitoring.prediction_log.compaction import compact

    options = read_log_options(read_settings())
    done = compact(options.uri, now=datetime.now(UTC), options=options.storage)
    verdicts = compact_feedback(options.uri, options=options.storage)
    _say_problems([*done.problems, *verdicts.problems])
    if json:
        print_json({**asdict(done), "verdicts": asdict(verdicts)})
        return
    print_lines(
        [
            f"{done.n_files_before:,} files of {done.n_days:,} days became {done.n_files_after:,}, "
            f"{done.n_rows:,} rows."
        ]
    )


def _say_problems(problems: "list[Problem]") -> None:
    for problem in problems:
        say(f"{problem.path}: {problem.why}")


def _read_key(path: Path) -> bytes:
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    if not key:
        raise UsageError(f"{path} is empty: a file of a key holds one.")
    return key


def _read_texts(texts: list[str] | tuple[()]) -> list[str]:
    if list(texts) == ["-"]:
        return [line.removesuffix("\n") for line in sys.stdin if line.strip()]
    return list(texts)
