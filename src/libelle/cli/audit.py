"""Audit: texts drawn at random for a person to judge, and what their codes say of the promise."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from libelle.cli.console import print_json, print_lines, say
from libelle.cli.logged import choose_model, read_period
from libelle.cli.options import Json, NomenclatureFile, Since, Until
from libelle.cli.recording import read_log_options
from libelle.cli.registering import who_asks
from libelle.errors import DataError, UsageError
from libelle.settings import Settings, read_settings

if TYPE_CHECKING:
    from libelle.monitoring.audit import AuditEstimate, DrawRecord
    from libelle.monitoring.prediction_log import LogOptions

# All that a draw looks at.
COLUMNS = (
    "prediction_id",
    "id",
    "received_at",
    "model_name",
    "model_version",
    "model_digest",
    "threshold_id",
    "target_error",
    "decision",
    "top_code",
    "confidence",
    "text_hash",
    "text",
    "text_kind",
    "text_probability",
)

app = typer.Typer(no_args_is_help=True, help="Check the promise on texts that a person judges.")


@app.command("draw")
def draw_texts(
    output: Annotated[str, typer.Argument(metavar="OUT.csv", help="Sheet to fill in.")],
    since: Since = None,
    until: Until = None,
    automatic: Annotated[
        int, typer.Option(min=0, help="Texts drawn among those coded automatically.")
    ] = 300,
    review: Annotated[int, typer.Option(min=0, help="Texts drawn among those to review.")] = 50,
    seed: Annotated[int, typer.Option(help="Of the draw; not to be changed after a look.")] = 0,
    texts: Annotated[
        str | None,
        typer.Option("--texts", metavar="FILE", help="Your own texts, when the log keeps none."),
    ] = None,
    id: Annotated[  # noqa: A002
        str | None, typer.Option("--id", metavar="COL", help="Column of their identifiers.")
    ] = None,
    text: Annotated[str, typer.Option("--text", metavar="COL", help="Column of them.")] = "text",
    model: Annotated[
        str | None,
        typer.Option("--model", help="models:/…, a folder or a digest [the last that answered]."),
    ] = None,
    json: Json = False,
) -> None:
    """Draw texts to judge from the prediction log: a sheet to fill in, and its sample beside it.

    The sheet shows no answer of the model. Write in its column `code` the right code of each text,
    from the top, or ? when nobody can tell; stop whenever you like.

    Example: `libelle audit draw audit.csv --since 2026-03-01 --until 2026-04-01`
    """
    from libelle.monitoring import audit
    from libelle.monitoring.logged_models import rows_of_last_threshold

    if (texts is None) != (id is None):
        raise UsageError("Your own texts are found by their identifiers: --texts FILE --id COL.")
    settings = read_settings()
    options, storage = read_log_options(settings), settings.storage_options()
    audit.refuse_drawn(output, options=storage)
    period = read_period(options, since=since, until=until, columns=COLUMNS)
    chosen, rows = choose_model(period, model, settings)
    kept = rows_of_last_threshold(rows)
    if len(kept) < len(rows):
        say(f"{len(rows) - len(kept):,} rows under another threshold, or without one, left out.")
    sample = audit.draw(
        kept,
        n_automatic=automatic,
        n_review=review,
        seed=seed,
        texts="caller" if texts else "log",
    )
    if not len(sample):
        raise DataError(
            "There is no text to judge: none was asked for, or the log has none that is automatic "
            "or under review. Choose another period, or ask for some."
        )
    own = None if texts is None else _read_own_texts(texts, id or "", text, kept, sample, options)
    sheet, record = audit.make_sheet(sample, own), audit.DrawRecord.of(kept, seed=seed)
    if own is None:
        _note_drawn(sample, options)
    sample_uri = audit.write_draw(output, sheet, sample, record, options=storage)
    summary = _summary_of_draw(sample, record, chosen.digest, output, sample_uri)
    print_json(summary) if json else print_lines(_lines_of_draw(summary))


@app.command("estimate")
def estimate_errors(
    sample: Annotated[str, typer.Argument(metavar="SAMPLE.parquet", help="What `draw` wrote.")],
    answers: Annotated[
        str | None,
        typer.Argument(
            metavar="[ANSWERS.csv]",
            help="The sheet, filled in; the verdicts given in the log if absent.",
        ),
    ] = None,
    target_error: Annotated[
        float | None, typer.Option(help="Share of errors promised [the one in the log].")
    ] = None,
    delta: Annotated[float, typer.Option(help="Probability of a wrong verdict.")] = 0.05,
    nomenclature: NomenclatureFile = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Write the verdict to LIBELLE_VERDICT_URI.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="WHO", help="Who signs it [the account of this process]."),
    ] = None,
    json: Json = False,
) -> None:
    """Estimate the errors of a model from the codes that people gave, and judge its promise.

    People give them in the sheet, or in the pages of the dashboard, which are read without a sheet.

    The verdict may be read after every text: judge some, look, and judge more if it is in doubt.

    Example: `libelle audit estimate audit.sample.parquet audit.csv --nomenclature codes.csv`
    """
    from libelle.monitoring import audit

    settings = read_settings()
    if publish and settings.verdict_uri is None:
        raise UsageError(
            "Nobody would find the verdict: say where it goes with LIBELLE_VERDICT_URI, a file or "
            "s3://BUCKET/FILE."
        )
    storage = settings.storage_options()
    drawn, record = audit.read_sample(sample, options=storage)
    said = (
        _read_verdicts(drawn, settings)
        if answers is None
        else audit.read_answers(answers, options=storage)
    )
    given = audit.join_answers(drawn, said, codes=_codes(nomenclature, settings))
    estimate = audit.estimate(
        drawn,
        given,
        target_error=_promised(drawn) if target_error is None else target_error,
        delta=delta,
    )
    if publish:
        _publish(estimate, record, settings, by)
    if json:
        print_json({**estimate.to_dict(), "since": record.since, "until": record.until})
    else:
        print_lines(_lines_of_estimate(estimate, record))


def _read_verdicts(drawn: Any, settings: Settings) -> list[tuple[str, str]]:
    """Return what coders said of the texts drawn, as a sheet would; ? where they do not agree."""
    from libelle.monitoring.audit.sheet import NOBODY_CAN_TELL
    from libelle.monitoring.feedback.joining import read_judged_predictions

    options = read_log_options(settings)
    asked = set(drawn["prediction_id"].to_pylist())
    judged = read_judged_predictions(options.uri, options=options.storage).to_pylist()
    return [
        (one["prediction_id"], one["right_code"] or NOBODY_CAN_TELL)
        for one in judged
        if one["prediction_id"] in asked
    ]


def _read_own_texts(
    uri: str, identifier: str, text: str, rows: Any, sample: Any, options: "LogOptions"
) -> Mapping[str, str]:
    """Return the caller's texts by the identifiers of the log, and say if some are others."""
    from libelle.monitoring.audit import read_texts
    from libelle.monitoring.privacy import Pseudonyms

    pseudonyms = Pseudonyms(options.key)
    own = read_texts(uri, identifier=identifier, text=text, options=options.storage)
    if options.hash_ids:
        own = {str(pseudonyms.of_id(name)): value for name, value in own.items()}
    columns = (rows[name].to_pylist() for name in ("prediction_id", "text_hash"))
    hashes = dict(zip(*columns, strict=True))
    pairs = zip(*(sample[name].to_pylist() for name in ("prediction_id", "id")), strict=True)
    n_others = sum(
        name in own and pseudonyms.of_text(own[name]) != hashes[prediction_id]
        for prediction_id, name in pairs
    )
    if n_others:
        say(
            f"Beware: {n_others:,} of the {len(sample):,} texts drawn are not, to the letter, "
            "those that were answered, or the key of the log changed since."
        )
    return own


def _note_drawn(sample: Any, options: "LogOptions") -> None:
    """Note what is drawn before anybody may judge it, so that a purge leaves its texts."""
    from libelle.monitoring.audit.records import RecordKind, note_predictions

    note_predictions(
        options.uri,
        RecordKind.DRAWN,
        sample["prediction_id"].to_pylist(),
        now=datetime.now(UTC),
        options=options.storage,
    )


def _summary_of_draw(
    sample: Any, record: "DrawRecord", digest: str, output: str, sample_uri: str
) -> dict[str, Any]:
    arms = {}
    for arm in ("automatic", "review"):
        own = sample.filter([one == arm for one in sample["arm"].to_pylist()])
        counts = {
            name: own[name][0].as_py() if len(own) else 0
            for name in ("n_population", "n_out_of_reach")
        }
        arms[arm] = {"n_drawn": len(own), **counts}
    return {
        "sheet": output,
        "sample": sample_uri,
        "model_digest": digest,
        "since": record.since,
        "until": record.until,
        "seed": record.seed,
        **arms,
    }


def _lines_of_draw(summary: Mapping[str, Any]) -> list[str]:
    automatic, review = summary["automatic"], summary["review"]
    lines = [
        f"{automatic['n_drawn']:,} of {automatic['n_population']:,} distinct texts coded "
        f"automatically, {review['n_drawn']:,} of {review['n_population']:,} under review, from "
        f"{summary['since']} to {summary['until']}.",
        f"Fill in the column `code` of {summary['sheet']}, from the top; ? when nobody can tell.",
        f"Keep {summary['sample']} from whoever does: it holds the answers of the model.",
        f"Then: libelle audit estimate {summary['sample']} {summary['sheet']}",
    ]
    if n_out_of_reach := automatic["n_out_of_reach"] + review["n_out_of_reach"]:
        lines.insert(1, f"Of {n_out_of_reach:,} more, the log keeps no text: nothing will be said.")
    return lines


def _codes(nomenclature: str | None, settings: Settings) -> Collection[str] | None:
    from libelle.data.nomenclature import read_nomenclature

    if nomenclature is None:
        say("Codes are not checked against a nomenclature: see --nomenclature.")
        return None
    rows = read_nomenclature(nomenclature, settings.storage_options()).to_rows()
    return {code for code, _, _ in rows}


def _promised(sample: Any) -> float:
    """Return the target error that the log promised for the texts of a sample."""
    targets = set(sample["target_error"].to_pylist()) - {None}
    if len(targets) != 1:
        raise UsageError(
            f"The log names {len(targets)} promises for these texts: say which one to check with "
            "--target-error."
        )
    return float(targets.pop())


def _publish(
    estimate: "AuditEstimate", record: "DrawRecord", settings: Settings, by: str | None
) -> None:
    from libelle.monitoring.audit import Verdict, publish
    from libelle.storage import redact

    verdict = Verdict.of(
        estimate,
        model_name=record.model_name,
        since=record.since,
        until=record.until,
        now=datetime.now(UTC),
        written_by=who_asks(by),
    )
    uri = str(settings.verdict_uri)
    publish(verdict, uri, options=settings.storage_options())
    say(f"Verdict written to {redact(uri)}, signed {verdict.written_by}.")


def _lines_of_estimate(estimate: "AuditEstimate", record: "DrawRecord") -> list[str]:
    from libelle.cli.verdicts import describe_audit

    return describe_audit(estimate, model=record.model_name, since=record.since, until=record.until)
