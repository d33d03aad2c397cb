"""Measured: what audits, drift and feedback give to the pages, read again in the background."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from libelle.dashboard.alerting import AlertWatch
from libelle.dashboard.clients import name_clients
from libelle.dashboard.drift_seen import study
from libelle.dashboard.model_view import DEADLINE_SECONDS, tracking_uri
from libelle.dashboard.parts import AuditSeen, CodeFeedback, DriftSeen, Parts
from libelle.dashboard.watching import Clock, Look, Watched
from libelle.errors import DataError, LibelleError
from libelle.monitoring.prediction_log import LogOptions
from libelle.settings import Settings

AUDIT_SECONDS, FEEDBACK_SECONDS, DRIFT_SECONDS = 60.0, 60.0, 900.0
CURRENT_DAYS, EARLIER_DAYS = 28, 56
# A study of so many texts a day finds what a page has to say, in bounded memory.
ROWS_PER_DAY = 1_000


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
        url = settings.metrics_url
        self._alerts = None if url is None else AlertWatch(url, clock=clock)

    def start(self) -> None:
        """Begin to watch what must be watched even when nobody looks."""
        if self._alerts is not None:
            self._alerts.start()

    def read(self) -> Parts:
        """Return what is known now."""
        drift = self._drift.look()
        return Parts(
            audit=self._audit.look().value,
            drift=drift.value,
            feedback=self._feedback.look().value,
            alerts=None if self._alerts is None else self._alerts.seen,
            is_measuring=drift == Look(),
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
        predictor, clients = _find_model(self._settings), name_clients(self._settings)
        return study(current, earlier, predictor, now=now, clients=clients)


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
