"""Service: what one process holds to answer: a model, bounds, a key, a thread."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from api.answers import answer_texts
from api.asking import AskedText
from api.errors import BUSY, NOT_READY, ProblemError
from api.feedback import FeedbackDesk
from api.files.spool import DiskAllowance
from api.judgement import Judgement
from api.keeping import Keeper
from api.loading import LoadedModel
from api.metrics import Meter
from api.metrics.families import OTHER
from api.schemas import request_types
from api.server.board import Board, Notice
from api.work import Workroom
from libelle.monitoring.prediction_sink import NullSink, PredictionRows, PredictionSink
from libelle.settings import Settings

logger = logging.getLogger(__name__)

LOG_KEY_BYTES = 32
RETRY_SECONDS = 1


class Service:
    """The state of the application.

    Parameters
    ----------
    settings : Settings
    model : LoadedModel or None
        The one that answers for the whole life of the process; None while there is none yet.
    board : Board or None
        What the supervising process says of the model's life.
    meter : Meter or None
        Where what happens is counted.
    sink : PredictionSink or None
        Where predictions go; nowhere if None.
    judgements : Board of Judgement or None
        What audits say of the promise; nothing if None.

    Attributes
    ----------
    settings : Settings
    requests : RequestTypes
    log_key : bytes
        Key of the prediction identifiers.
    work : Workroom
    spools : DiskAllowance
        What answers to files may take on disk.
    feedback : FeedbackDesk
    board : Board
    meter : Meter
    sink : PredictionSink
    draining : bool
        A signal asked to stop: the service answers, and says that it is not ready.
    leaving : bool
        The process ends soon: each connection is closed after its answer.
    """

    def __init__(
        self,
        settings: Settings,
        model: LoadedModel | None,
        *,
        board: Board[Notice] | None = None,
        meter: Meter | None = None,
        sink: PredictionSink | None = None,
        judgements: Board[Judgement] | None = None,
    ) -> None:
        self.settings = settings
        self.requests = request_types(settings)
        self.log_key = read_log_key(settings)
        self.work: Workroom[AskedText, bytes] = Workroom(partial(answer_texts, note=self.note))
        self.spools = DiskAllowance(settings.max_spool_bytes)
        self.feedback = FeedbackDesk(settings.log_options())
        self.board = board or Board(Notice())
        self.meter = meter or Meter([OTHER])
        self.sink: PredictionSink = sink or NullSink()
        self._keeper = None if sink is None else Keeper(sink)
        self.draining = self.leaving = False
        self._judgements = judgements or Board(Judgement())
        self._condemned = False
        self._model = model
        self._n_requests = 0
        self._n_bytes = 0

    @property
    def model(self) -> LoadedModel:
        """Return the model that answers.

        Raises
        ------
        ProblemError
            If there is none yet.
        """
        if self._model is None:
            why = self.board.read().why
            raise ProblemError(
                NOT_READY,
                f"The model is not loaded{f': {why}' if why else ''}. Try again in a few seconds.",
                retry_seconds=RETRY_SECONDS,
            )
        return self._model

    def drain(self) -> None:
        """Begin to end: not ready any more, every connection closed after its answer."""
        self.draining = self.leaving = True

    def retire(self) -> None:
        """Begin to leave the place to a process that serves another model."""
        self.leaving = True

    @property
    def log_state(self) -> str:
        """Return whether predictions are logged."""
        if self._keeper is None:
            return "off"
        return "degraded" if self.sink.is_dropping else "kept"

    async def keep(self) -> None:
        """Wait until what was predicted is safe: no answer leaves before.

        Raises
        ------
        StorageError
            If it cannot be, and no answer may leave without its trace.
        """
        if self._keeper is not None:
            await self._keeper.keep()

    def note(self, rows: PredictionRows) -> None:
        """Hand over and count predictions, from the thread that made them."""
        self.sink.append(rows)
        self.meter.count_predictions(rows.predictions)

    @property
    def verdict(self) -> str | None:
        """Return what the last audit says of the promise that is served; None without any."""
        if self._model is None:
            return None
        predictor = self._model.predictor
        judgement = self._judgements.read()
        return judgement.status_of(predictor.digest, predictor.guarantee.threshold_id)

    def obey(self) -> None:
        """Suspend a promise that was found broken, if the settings say so; it is so for good."""
        if self._model is None or self._condemned:
            return
        predictor = self._model.predictor
        judgement = self._judgements.read()
        if not judgement.condemns(predictor.digest, predictor.guarantee.threshold_id):
            return
        self._condemned = True
        if self.settings.on_broken == "suspend":
            logger.error("The promise of %s was found broken: suspended", predictor.digest[:12])
            predictor.suspend()
        else:
            logger.error("The promise of %s was found broken", predictor.digest[:12])

    def show(self) -> None:
        """Write down what is worked on now."""
        self.meter.show(
            n_requests=self._n_requests,
            n_waiting=self.work.n_waiting,
            n_dropped=self.sink.n_dropped,
        )

    def close(self) -> None:
        """Finish what is in flight, then bring its predictions to safety."""
        self.work.close()
        self.feedback.close()
        if self._keeper is not None:
            self._keeper.close()
        self.show()

    @asynccontextmanager
    async def admission(self) -> AsyncIterator[None]:
        """Admit a request among those that are worked on.

        Raises
        ------
        ProblemError
            If there are as many as the settings allow: nothing of it was read.
        """
        if self._n_requests >= self.settings.max_requests:
            raise ProblemError(
                BUSY,
                "As many requests are worked on as the service allows. Try again in a second.",
                retry_seconds=RETRY_SECONDS,
            )
        self._n_requests += 1
        try:
            yield
        finally:
            self._n_requests -= 1

    def hold_bytes(self, n_bytes: int) -> None:
        """Count bytes of bodies that are kept in memory; a negative number gives them back.

        Raises
        ------
        ProblemError
            If all bodies together have more than the settings allow.
        """
        if n_bytes > 0 and self._n_bytes + n_bytes > self.settings.max_waiting_bytes:
            raise ProblemError(
                BUSY,
                "The bodies that wait take all the memory allowed. Try again in a second.",
                retry_seconds=RETRY_SECONDS,
            )
        self._n_bytes += n_bytes


def read_log_key(settings: Settings) -> bytes:
    """Return the key of the settings, a random one without any."""
    return settings.log_key_bytes() or secrets.token_bytes(LOG_KEY_BYTES)
