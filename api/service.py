"""Service: what one process holds to answer: a model, bounds, a key, a few threads."""

import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from api.errors import NOT_READY, ProblemError
from api.loading import LoadedModel, refuse_wrong_answers
from api.schemas import request_types
from libelle.errors import LibelleError
from libelle.settings import Settings

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LOG_KEY_BYTES = 32
# Prediction holds the interpreter most of the time: more threads would only wait for each other.
N_THREADS = 4


class Service:
    """The state of the application.

    Parameters
    ----------
    settings : Settings
    load_model : LoadedModel, or callable that returns one
        A callable is called in a thread while the service is live and not ready yet.

    Attributes
    ----------
    requests : RequestTypes
    log_key : bytes
        Key of the prediction identifiers.
    """

    def __init__(
        self, settings: Settings, load_model: LoadedModel | Callable[[], LoadedModel]
    ) -> None:
        self.requests = request_types(settings)
        self.log_key = read_log_key(settings)
        self._load_model = load_model
        self._model: LoadedModel | None = None
        self._limiter = CapacityLimiter(N_THREADS)

    @property
    def model(self) -> LoadedModel:
        """Return the model that answers.

        Raises
        ------
        ProblemError
            If there is none yet.
        """
        if self._model is None:
            raise ProblemError(NOT_READY, "The model is not loaded. Try again in a few seconds.")
        return self._model

    @property
    def loads_late(self) -> bool:
        """Tell whether the model is still to be loaded, which may take long."""
        return not isinstance(self._load_model, LoadedModel)

    async def prepare(self) -> None:
        """Load the model and make it answer its golden texts; a failure is logged."""
        try:
            self._model = await to_thread.run_sync(self._prepare, abandon_on_cancel=True)
        except LibelleError as error:
            logger.error("The service is not ready: %s", error)
        else:
            logger.info("Ready: model %s, digest %s", self.model.name, self.model.predictor.digest)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do some work in a thread, so that the event loop goes on answering."""
        return await to_thread.run_sync(partial(work, *args, **kwargs), limiter=self._limiter)

    def _prepare(self) -> LoadedModel:
        loads = self._load_model
        model = loads if isinstance(loads, LoadedModel) else loads()
        refuse_wrong_answers(model)
        return model


def read_log_key(settings: Settings) -> bytes:
    """Return the key of the settings, a random one without any."""
    return settings.log_key_bytes() or secrets.token_bytes(LOG_KEY_BYTES)
