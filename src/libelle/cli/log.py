"""Log: keep the prediction log small and lawful."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from libelle.cli.console import print_json, print_lines, say
from libelle.cli.options import Json
from libelle.cli.recording import read_log_options
from libelle.errors import StorageError, UsageError
from libelle.settings import read_settings

if TYPE_CHECKING:
    from libelle.monitoring.prediction_log.reading import Problem

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
    """Delete the days that are too old, and the texts of those that are less so.

    Example: `libelle log purge --days 180`
    """
    from libelle.monitoring.prediction_log.retention import forget_texts, purge

    settings = read_settings()
    options, now = read_log_options(settings), datetime.now(UTC)
    older_than_days = days or settings.log_days
    gone = purge(options.uri, older_than_days=older_than_days, now=now, options=options.storage)
    bare = forget_texts(options.uri, older_than_days=text_days, now=now, options=options.storage)
    if json:
        print_json({"days": asdict(gone), "texts": asdict(bare)})
        return
    print_lines(
        [
            f"{gone.n_days:,} days over since more than {older_than_days} days deleted, "
            f"{gone.n_files:,} files.",
            f"{bare.n_texts:,} texts over since more than {text_days} days taken out of "
            f"{bare.n_files:,} files.",
        ]
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
    """Erase the rows of a person's texts, in the spool and in the log, and look again.

    A text on the command line stays in the history of the shell: `--text -` keeps it out.

    Example: `libelle log erase --id DOSSIER-1234`
    """
    from libelle.monitoring.prediction_log.erasure import erase

    options = read_log_options(read_settings())
    keys = [options.key, *map(_read_key, old_key_file or ())]
    erased = erase(
        options.uri,
        keys=keys,
        prediction_ids=prediction_id or (),
        ids=id or (),
        texts=_read_texts(text or ()),
        spool_path=options.spool_path,
        options=options.storage,
    )
    _say_problems(erased.problems)
    if json:
        print_json(asdict(erased))
    else:
        print_lines(
            [
                f"{erased.n_rows:,} rows erased, in {erased.n_files:,} files of the log and "
                f"{erased.n_segments:,} pieces of the spool; {erased.n_rows_left:,} are left."
            ]
        )
    if erased.n_rows_left or erased.problems:
        raise StorageError(
            "The erasure is not proved: rows are left, or files could not be looked at. Run the "
            "same command again, and see to the files that are named."
        )


@app.command("compact")
def compact_days(json: Json = False) -> None:
    """Merge the small files of each day before today into one.

    Example: `libelle log compact`
    """
    from libelle.monitoring.prediction_log.compaction import compact

    options = read_log_options(read_settings())
    done = compact(options.uri, now=datetime.now(UTC), options=options.storage)
    _say_problems(done.problems)
    if json:
        print_json(asdict(done))
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
