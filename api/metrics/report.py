"""Report: the sum of what all workers counted, and what the supervising process knows."""

from collections.abc import Iterator
from pathlib import Path

from api.judgement import SEVERITIES, STATUSES, DriftNotice, Judgement
from api.metrics.exposition import Series, render_family
from api.metrics.families import Family, Floats, Layout
from api.server.board import FAILURES, Board, Notice
from api.server.ledger import Ledger
from libelle.monitoring.prediction_log import read_state
from libelle.monitoring.prediction_log.store import FailureKind

DIGEST_CHARACTERS = 12
NAME_CHARACTERS = 200

_FREE: tuple[str, ...] = ()
STARTED_AT = Family(
    "process_start_time_seconds", "When the service started, in seconds since 1970.", "gauge"
)
READY = Family("libelle_ready", "1 once a model answers, 0 before.", "gauge")
WORKERS = Family("libelle_workers", "Processes that answer, those that drain too.", "gauge")
RESTARTS = Family(
    "libelle_worker_restarts_total",
    "Workers that ended by themselves and were replaced.",
    "counter",
)
MODEL = Family(
    "libelle_model_info",
    "The model that is served.",
    "gauge",
    {"name": _FREE, "version": _FREE, "digest": _FREE},
)
RELOADS = Family("libelle_reloads_total", "Models that took the place of another one.", "counter")
FAILED_RELOADS = Family(
    "libelle_failed_reloads_total", "Models that were refused, or could not be had.", "counter"
)
FAILURE = Family(
    "libelle_reload_failure",
    "1 since the last reload failed in this way, until one succeeds.",
    "gauge",
    {"kind": FAILURES},
)
FROM_CACHE = Family(
    "libelle_model_from_cache", "1 if the registry was down when the service started.", "gauge"
)
VERDICT = Family(
    "libelle_promise_verdict",
    "1 for what the last audit says of the promise that is served, 0 for all if none does.",
    "gauge",
    {"status": STATUSES},
)
VERDICT_UNREADABLE = Family(
    "libelle_promise_verdict_unreadable", "1 if the verdict could not be looked up.", "gauge"
)
DRIFT = Family(
    "libelle_drift_severity",
    "1 for how much the texts changed in the last study of the model that is served, 0 for all if "
    "there is none.",
    "gauge",
    {"severity": SEVERITIES},
)
DRIFT_AT = Family(
    "libelle_drift_studied_timestamp_seconds",
    "When the last drift study was published, in seconds since 1970; 0 if none was.",
    "gauge",
)
DRIFT_UNREADABLE = Family(
    "libelle_drift_unreadable", "1 if the drift study could not be looked up.", "gauge"
)
BACKLOG_BYTES = Family(
    "libelle_log_backlog_bytes", "Rows of the log that wait in the spool.", "gauge"
)
BACKLOG_SECONDS = Family(
    "libelle_log_backlog_seconds",
    "Age of the oldest rows that could not be uploaded; 0 when uploads succeed.",
    "gauge",
)
UPLOADED_ROWS = Family(
    "libelle_log_uploaded_rows_total", "Rows brought to the log since the spool exists.", "counter"
)
UPLOADED_FILES = Family(
    "libelle_log_uploaded_files_total",
    "Files brought to the log since the spool exists.",
    "counter",
)
UPLOAD_FAILURES = (*(kind.value for kind in FailureKind), "spool")
UPLOAD_FAILURE = Family(
    "libelle_log_upload_failure",
    "1 since the last upload failed in this way, until one succeeds.",
    "gauge",
    {"kind": UPLOAD_FAILURES},
)
UNREADABLE = Family(
    "libelle_log_unreadable_total",
    "Pieces of the spool that were set aside because they could not be read.",
    "counter",
)


class Report:
    """What Prometheus reads.

    Parameters
    ----------
    layout : Layout
        Of the numbers of each worker.
    ledger : Ledger
    board : Board
    started_at : float
        Seconds since 1970.
    spool_path : Path or None
        Of the prediction log, when there is one.
    judgements : Board of Judgement or None
        What audits say of the promise.
    drift : Board of DriftNotice or None
        What the drift study says.
    """

    def __init__(
        self,
        layout: Layout,
        ledger: Ledger,
        board: Board[Notice],
        *,
        started_at: float,
        spool_path: Path | None = None,
        judgements: Board[Judgement] | None = None,
        drift: Board[DriftNotice] | None = None,
    ) -> None:
        self._layout, self._ledger, self._board = layout, ledger, board
        self._started_at, self._spool_path = started_at, spool_path
        self._judgements, self._drift = judgements, drift

    def render(self) -> bytes:
        """Return the metrics as they are now."""
        text = "".join(
            [
                *self._render_life(),
                *self._render_promise(),
                *self._render_drift(),
                *self._render_log(),
                *self._render_counts(),
            ]
        )
        return text.encode("utf-8", "replace")  # The name of a model may hold a lone surrogate.

    def _render_life(self) -> Iterator[str]:
        notice = self._board.read()
        yield render_family(STARTED_AT, _one(self._started_at))
        yield render_family(READY, _one(notice.model_digest is not None))
        yield render_family(WORKERS, _one(self._ledger.n_open))
        yield render_family(RESTARTS, _one(self._ledger.n_replaced))
        yield render_family(MODEL, _describe_model(notice))
        yield render_family(RELOADS, _one(notice.n_reloads))
        yield render_family(FAILED_RELOADS, _one(notice.n_failed_reloads))
        kinds = [((kind,), [float(notice.failure == kind)]) for kind in FAILURES]
        yield render_family(FAILURE, kinds)
        yield render_family(FROM_CACHE, _one(notice.from_cache))

    def _render_promise(self) -> Iterator[str]:
        if self._judgements is None:
            return
        judgement, notice = self._judgements.read(), self._board.read()
        found = judgement.status_of(notice.model_digest, notice.threshold_id)
        statuses = [((status,), [float(status == found)]) for status in STATUSES]
        yield render_family(VERDICT, statuses)
        yield render_family(VERDICT_UNREADABLE, _one(judgement.failed))

    def _render_drift(self) -> Iterator[str]:
        if self._drift is None:
            return
        drift = self._drift.read()
        found = drift.severity_of(self._board.read().model_digest)
        severities = [((severity,), [float(severity == found)]) for severity in SEVERITIES]
        yield render_family(DRIFT, severities)
        yield render_family(DRIFT_AT, _one(drift.written_at))
        yield render_family(DRIFT_UNREADABLE, _one(drift.failed))

    def _render_log(self) -> Iterator[str]:
        if self._spool_path is None:
            return
        state = read_state(self._spool_path)
        yield render_family(BACKLOG_BYTES, _one(state.backlog_bytes))
        yield render_family(BACKLOG_SECONDS, _one(state.backlog_seconds))
        yield render_family(UPLOADED_ROWS, _one(state.n_rows))
        yield render_family(UPLOADED_FILES, _one(state.n_files))
        yield render_family(UNREADABLE, _one(state.n_unreadable))
        kinds = [
            ((kind,), [float(state.n_failures > 0 and state.last_failure == kind)])
            for kind in UPLOAD_FAILURES
        ]
        yield render_family(UPLOAD_FAILURE, kinds)

    def _render_counts(self) -> Iterator[str]:
        numbers = self._ledger.sum()
        for family in self._layout.families:
            yield render_family(family, _series(family, numbers[self._layout.place(family)]))


def _one(number: float) -> list[Series]:
    return [((), [float(number)])]


def _describe_model(notice: Notice) -> list[Series]:
    if notice.model_digest is None:
        return []
    name = (notice.model_name or "")[:NAME_CHARACTERS]
    version, digest = notice.model_version or "", notice.model_digest[:DIGEST_CHARACTERS]
    return [((name, version, digest), [1.0])]


def _series(family: Family, numbers: Floats) -> Iterator[Series]:
    return zip(family.label_sets(), numbers.reshape(-1, family.n_cells).tolist(), strict=True)
