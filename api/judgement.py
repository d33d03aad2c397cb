"""Judgement: what audits and drift studies say, looked up by one process for all workers."""

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from socket import socket

from api.server.board import Board
from api.server.companion import Companion
from libelle.errors import LibelleError
from libelle.storage import StorageOptions

logger = logging.getLogger(__name__)

FIRST_WORD_SECONDS = 5.0
_LOOK_SECONDS = 0.5
BROKEN = "broken"
STATUSES = ("holds", "in_doubt", BROKEN)
SEVERITIES = ("none", "low", "medium", "high")


@dataclass(frozen=True)
class Judgement:
    """The last verdict that could be read.

    Attributes
    ----------
    looked : bool
        Whether somebody has looked for it, in vain or not.
    status : str or None
        One of `STATUSES`; None when there is no verdict.
    model_digest, threshold_id : str
        What it judges.
    broken : list of [str, str]
        Digest and threshold of the promises found broken: no later verdict mends one.
    written_at : str or None
        UTC.
    failed : bool
        Whether the last look was in vain although there may be a verdict.
    """

    looked: bool = False
    status: str | None = None
    model_digest: str = ""
    threshold_id: str = ""
    broken: Sequence[Sequence[str]] = ()
    written_at: str | None = None
    failed: bool = False

    def condemns(self, digest: str | None, threshold_id: str | None) -> bool:
        """Tell whether a promise of a model was found broken."""
        return any(list(one) == [digest, threshold_id] for one in self.broken)

    def status_of(self, digest: str | None, threshold_id: str | None) -> str | None:
        """Return what is known of a promise of a model; None if it was not judged."""
        if self.condemns(digest, threshold_id):
            return BROKEN
        same = (digest, threshold_id) == (self.model_digest, self.threshold_id)
        return self.status if same else None


@dataclass(frozen=True)
class DriftNotice:
    """The last drift study that could be read.

    Attributes
    ----------
    severity : str or None
        One of `SEVERITIES`; None when there is no study.
    model_digest : str
        The model whose texts were studied.
    written_at : float
        When the study was made, in seconds since 1970; 0 when there is none.
    failed : bool
        Whether the last look was in vain although there may be a study.
    """

    severity: str | None = None
    model_digest: str = ""
    written_at: float = 0.0
    failed: bool = False

    def severity_of(self, digest: str | None) -> str | None:
        """Return how much the texts of a model changed; None if nobody studied them."""
        return self.severity if digest == self.model_digest else None


class PromiseWatch:
    """The process that looks for the verdict, and the drift study beside it, again and again.

    Parameters
    ----------
    uri : str
        Where verdicts are published.
    options : StorageOptions
    seconds : float
        Between two looks.
    leave : sequence of socket
        Those that are not for that process.

    Attributes
    ----------
    board : Board of Judgement
        Where it says what audits found.
    drift : Board of DriftNotice
        Where it says what the drift study found.
    """

    def __init__(
        self, uri: str, options: StorageOptions, *, seconds: float, leave: Sequence[socket] = ()
    ) -> None:
        self._uri, self._options, self._seconds = uri, options, seconds
        self.board: Board[Judgement] = Board(Judgement())
        self.drift: Board[DriftNotice] = Board(DriftNotice())
        self._companion = Companion("looks for the verdict", self._look_until_left, leave=leave)

    def look_after(self) -> None:
        """Start the process, unless it runs."""
        self._companion.look_after()

    def stop(self) -> None:
        """End the process."""
        self._companion.stop()

    def wait_for_first_look(self) -> None:
        """Wait until it has looked once, not for long: a broken promise is not served meanwhile."""
        until = time.monotonic() + FIRST_WORD_SECONDS
        while not self.board.read().looked and time.monotonic() < until:
            time.sleep(0.02)

    def _look_until_left(self) -> None:
        parent = os.getppid()
        judgement, drift = self.board.read(), self.drift.read()
        while os.getppid() == parent:
            judgement = look(self._uri, self._options, before=judgement)
            self.board.write(judgement)
            drift = look_for_drift(self._uri, self._options, before=drift)
            self.drift.write(drift)
            until = time.monotonic() + self._seconds
            while time.monotonic() < until and os.getppid() == parent:
                time.sleep(min(_LOOK_SECONDS, max(0.01, until - time.monotonic())))


def look(uri: str, options: StorageOptions, *, before: Judgement) -> Judgement:
    """Return what the published verdict says; what was known before when it cannot be read."""
    from libelle.monitoring.audit import read_verdict

    try:
        verdict = read_verdict(uri, options=options)
    except LibelleError as error:
        if isinstance(error.__cause__, FileNotFoundError):  # Nothing was published yet.
            return replace(before, looked=True, failed=False)
        if not before.failed:
            logger.error("The verdict cannot be read, the one before stands: %s", error)
        return replace(before, looked=True, failed=True)
    broken = [list(one) for one in before.broken]
    if verdict.status == BROKEN:
        judged = [verdict.model_digest, verdict.threshold_id]
        broken += [] if judged in broken else [judged]
    if verdict.written_at != before.written_at:
        logger.info(
            "Verdict of %s on %s: %s",
            verdict.written_at or datetime.now(UTC).isoformat(),
            verdict.model_digest[:12],
            verdict.status.value,
        )
    return Judgement(
        looked=True,
        status=verdict.status.value,
        model_digest=verdict.model_digest,
        threshold_id=verdict.threshold_id,
        broken=broken[-16:],
        written_at=verdict.written_at,
    )


def look_for_drift(uri: str, options: StorageOptions, *, before: DriftNotice) -> DriftNotice:
    """Return what the study beside a verdict says; what was known before when it is unreadable."""
    from libelle.monitoring.drift import drift_beside, read_drift

    try:
        result = read_drift(drift_beside(uri), options=options)
    except LibelleError as error:
        if isinstance(error.__cause__, FileNotFoundError):  # Nothing was published yet.
            return replace(before, failed=False)
        if not before.failed:
            logger.error("The drift study cannot be read, the one before stands: %s", error)
        return replace(before, failed=True)
    written_at = datetime.fromisoformat(result.written_at).timestamp()
    if written_at != before.written_at:
        logger.info("Drift of %s: %s", result.model_digest[:12], result.severity.value)
    return DriftNotice(result.severity.value, result.model_digest, written_at)
