"""Serving: what `libelle serve` runs; a process that supervises, and those that answer."""

import logging
import os
import secrets
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from socket import socket
from types import FrameType

from pydantic import SecretStr

from api.judgement import PromiseWatch
from api.loading import LoadedModel, ModelSource, OtherModelError, is_registered, load_safely
from api.main import create_app
from api.metrics import Report
from api.metrics.exposition import CONTENT_TYPE
from api.metrics.families import Layout
from api.security.access import read_key_ring
from api.server import (
    AnsweringServer,
    Deadlines,
    Exporter,
    Ledger,
    Page,
    Supervisor,
    listen,
    refuse_busy_port,
)
from api.server.board import Board, Notice
from api.server.companion import Companion
from api.server.logs import configure_logs
from api.service import LOG_KEY_BYTES
from api.uploading import refuse_unusable_spool, upload_until_told
from api.watching import Failure, Watcher
from libelle.errors import LibelleError, ModelError, UsageError
from libelle.monitoring.prediction_log import PredictionLog
from libelle.settings import Settings

__all__ = ["refuse_busy_port", "serve"]

logger = logging.getLogger(__name__)

# A thread that has to wait for the interpreter waits that long; the default, 5 ms, is as long as
# the whole time in which a single text should be answered.
SWITCH_SECONDS = 0.0005
SPARE_SECONDS = 5.0
UPLOAD_SECONDS = 10.0  # After the last answer, to bring what waits in the spool to the log.
FIRST_WORD_SECONDS = 10.0
# Workers of so many models may drain at the same time and still be counted.
MAX_GENERATIONS = 16


def serve(settings: Settings) -> None:
    """Answer requests until a signal asks to stop.

    Raises
    ------
    UsageError
        If no key is known and nothing says that none is needed; if the address cannot be listened
        on, because another program does for instance.
    LibelleError
        If the model cannot be loaded.
    """
    _exit_cleanly()
    configure_logs()
    settings = _with_secrets(settings)
    with ExitStack() as opened:
        listener = opened.enter_context(listen(settings.host, settings.port))
        metrics_listener = _listen_for_metrics(settings)
        if metrics_listener is not None:
            opened.enter_context(metrics_listener)
        host, port = listener.getsockname()[:2]
        logger.info("Listening on http://%s:%d: see /docs", host, port)
        if settings.auth == "none":
            logger.warning("LIBELLE_AUTH=none: whoever reaches %s is answered", host)
        _Serving(settings, listener, metrics_listener).run()


class _Serving:
    """The supervising process: which model the workers serve, and from where it comes."""

    def __init__(
        self, settings: Settings, listener: socket, metrics_listener: socket | None
    ) -> None:
        self._settings, self._listener = settings, listener
        self._listeners = [one for one in (listener, metrics_listener) if one is not None]
        # A worker that asked for it might be an orphan already, and would never end.
        self._pid = os.getpid()
        self._board = Board(Notice())
        self._log = settings.log_options()
        layout = create_app(settings, None).state.service.meter.layout
        ledger = Ledger(
            layout.n_numbers, layout.n_lasting, n_pages=MAX_GENERATIONS * settings.workers
        )
        self._promise = self._watch_promise()
        self._judgements = None if self._promise is None else self._promise.board
        self._uploader = self._upload_log()
        self._exporter = self._export(metrics_listener, layout, ledger)
        self._served: LoadedModel | None = None
        self._supervisor: Supervisor[LoadedModel | None] = Supervisor(
            self._answer,
            ledger,
            n_workers=settings.workers,
            patience_seconds=settings.drain_seconds + settings.shutdown_seconds + SPARE_SECONDS,
        )

    def _watch_promise(self) -> PromiseWatch | None:
        """Return what looks for the verdict of audits, if one may be published."""
        settings = self._settings
        if settings.verdict_uri is None:
            return None
        return PromiseWatch(
            settings.verdict_uri,
            settings.storage_options(),
            seconds=settings.follow_seconds,
            leave=self._listeners,
        )

    def _upload_log(self) -> Companion | None:
        """Return what brings predictions to the log, if there is one."""
        if self._log is None:
            return None
        refuse_unusable_spool(self._log.spool_path)
        return Companion(
            "brings predictions to the log",
            partial(upload_until_told, self._log),
            leave=self._listeners,
        )

    def _export(self, listener: socket | None, layout: Layout, ledger: Ledger) -> Exporter | None:
        """Return what shows the metrics, if they have a port."""
        if listener is None:
            return None
        report = Report(
            layout,
            ledger,
            self._board,
            started_at=time.time(),
            spool_path=None if self._log is None else self._log.spool_path,
            judgements=self._judgements,
            drift=None if self._promise is None else self._promise.drift,
        )
        return Exporter(listener, report.render, content_type=CONTENT_TYPE, leave=[self._listener])

    def run(self) -> None:
        """Serve a folder, or follow a registry, until a signal asks to stop."""
        try:
            self._look_after_companions()  # Before the model: they need none of that memory.
            if self._promise is not None:
                self._promise.wait_for_first_look()
            self._run()
        finally:
            if self._uploader is not None:
                self._uploader.stop(patience_seconds=UPLOAD_SECONDS)
            for companion in (self._promise, self._exporter):
                if companion is not None:
                    companion.stop()

    def _run(self) -> None:
        settings = self._settings
        if not is_registered(settings.model):
            self._serve_folder(Path(settings.model))
            self._supervisor.handle_signals()
            self._supervisor.run(on_look=self._look_after_companions)
            return
        watcher = Watcher(settings)
        try:
            # A registry that answers soon gives the model before anything is served; otherwise the
            # service is live, and ready later.
            if select.select([watcher.reader], [], [], FIRST_WORD_SECONDS)[0]:
                self._hear(watcher)
            self._supervisor.handle_signals()
            if self._served is None:
                self._supervisor.serve(None)
            self._supervisor.run(
                [watcher.reader] if watcher.speaks else [],
                lambda _: self._hear(watcher),
                on_look=self._look_after_companions,
            )
        finally:
            watcher.stop()

    def _serve_folder(self, path: Path) -> None:
        """Serve a folder; one that is not the pinned model leaves a service that says so."""
        try:
            model = load_safely(ModelSource(path), self._settings)
        except OtherModelError as error:
            self._fail("refused", error)
            self._supervisor.serve(None)
        else:
            self._serve(model)

    def _serve(self, model: LoadedModel) -> None:
        logger.info(
            "Serving %s version %s, digest %s", model.name, model.version, model.predictor.digest
        )
        self._served = model
        self._board.write(
            replace(
                self._board.read(),
                model_name=model.name,
                model_version=model.version,
                model_digest=model.predictor.digest,
                threshold_id=model.predictor.guarantee.threshold_id,
            )
        )
        self._supervisor.serve(model)

    def _look_after_companions(self) -> None:
        for companion in (self._promise, self._uploader, self._exporter):
            if companion is not None:
                companion.look_after()

    def _hear(self, watcher: Watcher) -> bool:
        """Do what the registry says; tell whether it may say more."""
        for one in watcher.read():
            if isinstance(one, Failure):
                self._note_failure(one)
            else:
                self._take(one)
        return watcher.speaks

    def _take(self, source: ModelSource) -> None:
        """Serve another model, unless it is refused: the one before then goes on."""
        try:
            model = load_safely(source, self._settings)
        except LibelleError as error:
            wrong = isinstance(error, OtherModelError)  # Starting again would not make it right.
            if self._served is None and self._settings.model_digest is not None and not wrong:
                raise
            self._fail("refused", error)
            return
        served, notice = self._served, self._board.read()
        if served is not None and served.predictor.digest == model.predictor.digest:
            self._board.write(
                replace(notice, failure=None, failed_at=None, why=None, from_cache=False)
            )
            return
        n_reloads = notice.n_reloads + (served is not None)
        self._board.write(
            replace(
                notice,
                n_reloads=n_reloads,
                failure=None,
                failed_at=None,
                why=None,
                from_cache=source.cached,
            )
        )
        self._serve(model)

    def _note_failure(self, failure: Failure) -> None:
        pinned = self._settings.model_digest is not None  # Nobody starts it by hand, and looks.
        if self._served is None and not failure.unreachable and not pinned:
            raise ModelError(failure.message)
        self._fail("unreachable" if failure.unreachable else "refused", failure.message)

    def _fail(self, kind: str, why: object) -> None:
        goes_on = "the model before is kept" if self._served else "there is no model yet"
        logger.error("No other model is served, %s: %s", goes_on, why)
        notice = self._board.read()
        self._board.write(
            replace(
                notice,
                n_failed_reloads=notice.n_failed_reloads + 1,
                failure=kind,
                failed_at=datetime.now(UTC).isoformat(timespec="seconds"),
                why=_tell(kind, why),
            )
        )

    def _answer(
        self, model: LoadedModel | None, page: Page, say_started: Callable[[], None]
    ) -> None:
        """Be a worker."""
        if self._exporter is not None:
            self._exporter.leave()
        sys.setswitchinterval(SWITCH_SECONDS)
        sink = None if self._log is None else PredictionLog(self._log)
        app = create_app(
            self._settings,
            model,
            board=self._board,
            page=page,
            sink=sink,
            judgements=self._judgements,
        )
        server = AnsweringServer(
            app, _deadlines(self._settings), supervisor_pid=self._pid, say_started=say_started
        )
        server.answer(self._listener)


def _tell(kind: str, why: object) -> str:
    """Return why there is no model in words for whoever asks: no path, no address."""
    if isinstance(why, OtherModelError):
        return why.why
    if kind == "unreachable":
        return "the registry cannot be reached, and is tried again"
    return "it was refused, as the log of the service says"


def _with_secrets(settings: Settings) -> Settings:
    """Read the secrets once, and refuse those that are worth nothing.

    All workers have one log key, so that a text has one identifier whichever answers a retry; and
    a file of keys that changes, or breaks, changes nothing until the next start.
    """
    read_key_ring(settings)
    settings.log_options()
    log_key, api_keys = settings.log_key_bytes(), settings.api_keys_bytes()
    secret = secrets.token_hex(LOG_KEY_BYTES) if log_key is None else log_key.decode("latin-1")
    return settings.model_copy(
        update={
            "log_key": SecretStr(secret),
            "log_key_file": None,
            "api_keys": None if api_keys is None else SecretStr(api_keys.decode("ascii")),
            "api_keys_file": None,
        }
    )


def _listen_for_metrics(settings: Settings) -> socket | None:
    if settings.metrics_port is None:
        return None
    if settings.metrics_port == settings.port:
        raise UsageError(
            f"Port {settings.port} is that of the API, where metrics are never shown: choose "
            "another one with LIBELLE_METRICS_PORT."
        )
    return listen(
        settings.metrics_host or settings.host,
        settings.metrics_port,
        set_host="LIBELLE_METRICS_HOST",
        set_port="LIBELLE_METRICS_PORT",
    )


def _deadlines(settings: Settings) -> Deadlines:
    return Deadlines(
        header_seconds=settings.header_seconds,
        body_seconds=settings.body_seconds,
        drain_seconds=settings.drain_seconds,
        shutdown_seconds=settings.shutdown_seconds,
        max_connections=settings.max_connections,
    )


def _exit_cleanly() -> None:
    """End with status 0 on SIGTERM and Ctrl-C, before the supervisor takes them."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
