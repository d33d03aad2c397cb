"""Measured: what audits, drift and feedback give to the pages, read again in the background."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from libelle.dashboard.model_view import DEADLINE_SECONDS, tracking_uri
from libelle.dashboard.parts import (
    AuditSeen,
    CodeFeedback,
    DriftSeen,
    DriftTable,
    Parts,
)
from libelle.dashboard.watching import Clock, Watched
from libelle.errors import DataError, LibelleError
from libelle.monitoring.prediction_log import LogOptions
from libelle.reports.formats import Language, format_number, format_share
from libelle.settings import Settings

AUDIT_SECONDS, FEEDBACK_SECONDS, DRIFT_SECONDS = 60.0, 60.0, 900.0
CURRENT_DAYS, EARLIER_DAYS = 28, 56
# A study of so many texts a day finds what a page has to say, in bounded memory.
ROWS_PER_DAY = 1_000
LEAST_EARLIER_ROWS = 1_000
MOST_ROWS = 20
LANGUAGES: tuple[Language, ...] = ("fr", "en")
_NOTES = {
    "too_few_texts": (
        "Trop peu de libellés pour comparer : il en faut cent distincts de chaque côté.",
        "Too few texts to compare: it takes a hundred distinct ones on each side.",
    ),
    "repeated_texts": (
        "Plus d’un libellé sur vingt se répète ; chacun compte une fois.",
        "More than one text in twenty repeats; each counts once.",
    ),
    "decisions_not_compared": (
        "Les parts automatiques ne sont pas comparées : les seuils diffèrent.",
        "Automatic shares are not compared: thresholds differ.",
    ),
    "domain_not_compared": (
        "Les périodes ne sont pas distinguées par un classifieur : trop peu de libellés.",
        "Periods are not told apart: too few texts.",
    ),
}


class MeasuredParts:
    """Reads the verdict, the verdicts of coders and the log, each when it is no longer fresh.

    Parameters
    ----------
    settings : Settings
    clock : callable
    """

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._audit = self._watch(self._read_audit, AUDIT_SECONDS)
        self._feedback = self._watch(self._read_feedback, FEEDBACK_SECONDS)
        self._drift = self._watch(self._read_drift, DRIFT_SECONDS)

    def read(self) -> Parts:
        """Return what is known now."""
        return Parts(
            audit=self._audit.look().value,
            drift=self._drift.look().value,
            feedback=self._feedback.look().value,
        )

    def wait(self, seconds: float) -> Parts:
        """Return what is known once what is being read is there, or the time is over."""
        for one in (self._audit, self._drift, self._feedback):
            one.look()
            one.wait(seconds)
        return self.read()

    def _watch(self, read: Any, seconds: float) -> Watched[Any]:
        return Watched(read, every_seconds=seconds, patience_seconds=0.1, clock=self._clock)

    def _read_audit(self) -> AuditSeen | None:
        from libelle.monitoring.audit import read_verdict

        if self._settings.verdict_uri is None:
            return None
        try:
            verdict = read_verdict(
                self._settings.verdict_uri, options=self._settings.storage_options()
            )
        except LibelleError as error:
            if isinstance(error.__cause__, FileNotFoundError):  # Nothing was published yet.
                return None
            raise
        return see_verdict(verdict)

    def _read_feedback(self) -> Mapping[str, CodeFeedback] | None:
        from libelle.monitoring.feedback.joining import read_judged_predictions

        options = self._settings.log_options()
        if options is None:
            return None
        judged = read_judged_predictions(options.uri, options=options.storage).to_pylist()
        n_verdicts, n_corrected = Counter[str](), Counter[str]()
        for one in judged:
            top_code, right_code = one.get("log_top_code"), one["right_code"]
            if top_code is not None and right_code is not None:
                n_verdicts[top_code] += 1
                n_corrected[top_code] += right_code != top_code
        if not n_verdicts:
            return None
        return {
            code: CodeFeedback(n_verdicts[code], n_corrected[code]) for code in sorted(n_verdicts)
        }

    def _read_drift(self) -> DriftSeen | None:
        options = self._settings.log_options()
        if options is None:
            return None
        now = self._clock()
        since = now - timedelta(days=CURRENT_DAYS)
        before = since - timedelta(days=EARLIER_DAYS)
        current = _sample(options, since=since, until=now)
        earlier = _sample(options, since=before, until=since)
        return study(current, earlier, _find_model(self._settings), now=now)


def see_verdict(verdict: Any) -> AuditSeen:
    """Return a published `Verdict` as the pages take it."""
    return AuditSeen(
        status=verdict.status.value,
        model_digest=verdict.model_digest,
        threshold_id=verdict.threshold_id,
        target_error=verdict.target_error,
        delta=verdict.delta,
        n_judged=verdict.n_judged,
        n_wrong=verdict.n_wrong,
        error_rate=verdict.error_rate,
        low=verdict.low,
        high=verdict.high,
        n_more_texts=verdict.n_more_texts,
        until=_as_moment(verdict.until or verdict.written_at),
        published=True,
        **_see_review(verdict.review),
    )


def _see_review(review: Any) -> dict[str, Any]:
    """Return the part of review; nothing of a verdict that says nothing of it."""
    if review is None:
        return {}
    return {
        "review_accuracy": review.accuracy,
        "review_low": review.low,
        "review_high": review.high,
        "n_review_judged": review.n_judged,
        "n_review_wrong": review.n_wrong,
    }


def study(current: Any, earlier: Any, predictor: Any, *, now: datetime) -> DriftSeen | None:
    """Return what changed in the rows of the model that answered last; None without any.

    Parameters
    ----------
    current, earlier : pyarrow.Table
        Rows of the log, with the columns that `monitoring.drift` names.
    predictor : Predictor or None
        The one on this machine: its reference counts only if it is the one that answered.
    now : datetime
    """
    from libelle.monitoring.drift import study_drift
    from libelle.monitoring.logged_models import list_logged_models, rows_of_model
    from libelle.profile import read_reference

    if not len(current):
        return None
    answered = list_logged_models(current)[0]
    rows, before = rows_of_model(current, answered), rows_of_model(earlier, answered)
    nomenclature = None if predictor is None else predictor.nomenclature
    if len(before) >= LEAST_EARLIER_ROWS:
        found = study_drift(rows, earlier=before, nomenclature=nomenclature)
    elif predictor is not None and predictor.digest == answered.digest:
        reference = read_reference(predictor.manifest)
        found = study_drift(rows, reference=reference, nomenclature=nomenclature)
    else:
        return None
    return describe_study(found, now=now)


def describe_study(found: Any, *, now: datetime) -> DriftSeen:
    """Return a `DriftStudy` as the pages take it."""
    from libelle.monitoring.drift import (
        Severity,
        describe_change,
        describe_expectation,
        describe_finding,
    )

    by_name = {one.comparison.name: one.severity for one in found.findings}
    told = [
        (one.severity, (describe_finding(one, "fr"), describe_finding(one, "en")))
        for one in found.findings
        if one.severity is not Severity.NONE
    ]
    of_codes = by_name.get("codes", Severity.LOW)
    told += [
        (of_codes, (describe_change(one, "fr"), describe_change(one, "en")))
        for one in found.codes[:5]
    ]
    told.sort(key=lambda one: -one[0].rank)
    expected = found.expected
    return DriftSeen(
        severity=found.severity.value,
        sentences=tuple((severity.value, both) for severity, both in told),
        expectation=(describe_expectation(expected, "fr"), describe_expectation(expected, "en")),
        reference=_describe_reference(found),
        current=_period(found.current),
        tables=_tables(found),
        notes=tuple(_NOTES[note] for note in found.notes if note in _NOTES),
        measured_at=now,
    )


def _tables(found: Any) -> tuple[DriftTable, ...]:
    before_and_now = (("Avant", "Before"), ("Maintenant", "Now"))
    since = (("Depuis", "Since"),)
    tables = []
    if found.codes:
        title = ("Codes dont la part change", "Codes whose share changed")
        rows = tuple((*_row(one), _day(one.since)) for one in found.codes[:MOST_ROWS])
        tables.append(DriftTable(title, (("Code", "Code"), *before_and_now, *since), rows))
    if found.words:
        title = ("Mots qui montent et baissent", "Words that rise and fall")
        rows = tuple(map(_row, found.words[:MOST_ROWS]))
        tables.append(DriftTable(title, (("Mot", "Word"), *before_and_now), rows))
    return tuple(tables)


def _row(change: Any) -> tuple[str, ...]:
    name = change.title if change.title == change.name else f"{change.name} {change.title}"
    shares = (format_share(one, "fr") for one in (change.share_before, change.share_after))
    return (name, *shares)


def _day(text: str | None) -> str:
    return date.fromisoformat(text[:10]).strftime("%d/%m/%Y") if text else "–"


def _describe_reference(found: Any) -> tuple[str, str]:
    if found.reference_kind == "model":
        return (
            "les libellés sur lesquels le modèle a été certifié",
            "the texts it was certified on",
        )
    return _period(found.reference)


def _period(profile: Any) -> tuple[str, str]:
    since, until = _day(profile.since), _day(profile.until)
    n_texts = {lang: format_number(profile.n_texts, lang, 0) for lang in LANGUAGES}
    return (
        f"{n_texts['fr']} libellés distincts du {since} au {until}",
        f"{n_texts['en']} distinct texts from {since} to {until}",
    )


def _sample(options: LogOptions, *, since: datetime, until: datetime) -> Any:
    """Return some rows of each day of a period, the same ones each time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from libelle.monitoring.drift import COLUMNS, TEXT_COLUMNS
    from libelle.monitoring.prediction_log.files import schema_of
    from libelle.monitoring.prediction_log.reading import iter_days

    columns = COLUMNS + TEXT_COLUMNS
    parts = [schema_of(columns).empty_table()]
    for _, content in iter_days(
        options.uri, since=since, until=until, columns=columns, options=options.storage
    ):
        table = content.table
        if len(table) > ROWS_PER_DAY:  # Identifiers are hashes: their order is that of chance.
            first = pc.select_k_unstable(
                table, ROWS_PER_DAY, sort_keys=[("prediction_id", "ascending")]
            )
            table = table.take(first)
        parts.append(table)
    return pa.concat_tables(parts)


def _find_model(settings: Settings) -> Any:
    """Return the model that the settings name; None when it is out of reach."""
    from libelle.predictor import Predictor
    from libelle.tracking.registry import fetch_model

    try:
        if not settings.model.startswith("models:"):
            return Predictor.load(Path(settings.model))
        fetched = fetch_model(
            settings.model,
            tracking_uri=tracking_uri(settings),
            destination=settings.home / "models",
            deadline_seconds=DEADLINE_SECONDS,
        )
        return Predictor.load(fetched.path)
    except LibelleError:
        return None


def _as_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError("The verdict has a date that is none: write it again.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
