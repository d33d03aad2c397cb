"""Feedback: verdicts of coders are kept apart from the work of predicting, within a deadline."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from api.bodies import parse_json
from api.errors import BUSY, CONFLICT, UNAVAILABLE, ProblemError
from api.errors import describe_field_errors as describe
from api.errors import invalid_request
from api.loading import LoadedModel
from api.schemas import FEEDBACK_TYPE
from libelle.errors import StorageError
from libelle.monitoring.feedback import (
    FeedbackConflictError,
    FeedbackSource,
    FeedbackStore,
    FeedbackVerdict,
    Given,
    NewFeedback,
    give_feedback,
)
from libelle.monitoring.feedback.rows import find_code_complaint
from libelle.monitoring.prediction_log import LogOptions
from libelle.monitoring.privacy import Pseudonyms

N_THREADS = 4
MAX_WAITING = 32
CALL_SECONDS = 3.0
GIVE_SECONDS = 10.0
RETRY_SECONDS = 5


@dataclass(frozen=True)
class AskedFeedback:
    """A verdict, as `POST /v1/feedback` gives it; `coder` is None when the client is the coder."""

    prediction_id: str
    verdict: FeedbackVerdict
    code: str | None
    coder: str | None
    replaces: str | None


def read_feedback_body(body: bytes, model: LoadedModel) -> AskedFeedback:
    """Return the verdict that the body of `POST /v1/feedback` gives.

    Raises
    ------
    ProblemError
        If the body is not as the schema says, or its code is not one of the model's nomenclature.
    """
    try:
        asked = FEEDBACK_TYPE.validate_python(parse_json(body))
    except ValidationError as error:
        complaints = error.errors(include_url=False, include_context=False, include_input=False)
        raise invalid_request(describe(complaints)) from None
    names = ("code", "coder", "replaces")
    feedback = AskedFeedback(
        asked["prediction_id"],
        FeedbackVerdict(asked["verdict"]),
        **{name: asked.get(name) for name in names},
    )
    if complaint := _complain_of_code(feedback, model):
        raise invalid_request([{"pointer": "#/code", "detail": complaint}])
    return feedback


def _complain_of_code(feedback: AskedFeedback, model: LoadedModel) -> str | None:
    code = feedback.code
    if complaint := find_code_complaint(feedback.verdict, code):
        return complaint
    if code is None or code in model.predictor.nomenclature or code in model.predictor.codes:
        return None
    return "The nomenclature has no such code. Codes are text: was a leading zero lost?"


class FeedbackDesk:
    """Where verdicts are handed in: a few threads, which no prediction waits for.

    Parameters
    ----------
    log : LogOptions or None
        The log beside which verdicts are kept; without one, they are refused.
    """

    def __init__(self, log: LogOptions | None) -> None:
        self._log = log
        self._pseudonyms = None if log is None else Pseudonyms(log.key)
        self._threads = ThreadPoolExecutor(N_THREADS, "libelle-feedback")
        self._n_waiting = 0

    async def give(self, asked: AskedFeedback, *, client: str) -> Given:
        """Keep a verdict.

        Parameters
        ----------
        asked : AskedFeedback
        client : str
            Whose key it was; empty when no key is asked for.

        Raises
        ------
        ProblemError
            If another verdict of this coder stands; if there is no log, or it does not answer.
        """
        if self._pseudonyms is None:
            raise ProblemError(
                UNAVAILABLE,
                "The service keeps no log, so it has no place for verdicts: whoever runs it sets "
                "LIBELLE_LOG_URI.",
            )
        new = NewFeedback(
            prediction_id=asked.prediction_id,
            coder=self._pseudonyms.of_coder(client if asked.coder is None else asked.coder),
            verdict=asked.verdict,
            code=asked.code,
            given_at=datetime.now(UTC),
            source=FeedbackSource.API,
            replaces=asked.replaces,
        )
        return await self._give_in_time(new)

    def close(self) -> None:
        """Take no more verdicts; those being kept are, within their deadlines."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _give_in_time(self, new: NewFeedback) -> Given:
        if self._n_waiting >= MAX_WAITING:
            raise ProblemError(
                BUSY, "Too many verdicts wait to be kept. Try again.", retry_seconds=RETRY_SECONDS
            )
        self._n_waiting += 1
        giving = asyncio.get_running_loop().run_in_executor(self._threads, self._give, new)
        try:
            return await asyncio.wait_for(giving, GIVE_SECONDS)
        except FeedbackConflictError as error:
            raise ProblemError(CONFLICT, str(error), feedback_id=error.feedback_id) from error
        except TimeoutError as error:
            raise StorageError("A verdict could not be kept in time.") from error
        finally:
            self._n_waiting -= 1

    def _give(self, new: NewFeedback) -> Given:
        return give_feedback(self._store, new)

    @cached_property
    def _store(self) -> FeedbackStore:
        # Made in the process that uses it: connections to S3 do not outlive a fork.
        assert self._log is not None  # noqa: S101
        storage = replace(self._log.storage, deadline_seconds=CALL_SECONDS)
        return FeedbackStore(self._log.uri, storage)


def describe_feedback(given: Given) -> dict[str, Any]:
    """Return a verdict as the schemas have it."""
    row = given.feedback
    return {
        "feedback_id": row.feedback_id,
        "prediction_id": row.prediction_id,
        "verdict": row.verdict,
        "code": row.code,
        "given_at": row.given_at,
        "replaces": row.replaces,
    }
