"""Alerting: the metrics of every replica, read again and again, and the alerts that they raise."""

import http.client
import logging
import socket
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from urllib.parse import urlsplit

from libelle.dashboard.watching import Clock
from libelle.errors import DataError
from libelle.monitoring.alerts import (
    FAMILIES,
    AlertState,
    AlertStates,
    History,
    read_exposition,
)
from libelle.monitoring.alerts.exposition import Series

logger = logging.getLogger(__name__)

EVERY_SECONDS = 15.0
DEADLINE_SECONDS = 3.0
MOST_BYTES = 4_000_000
MOST_REPLICAS = 64


@dataclass(frozen=True)
class AlertsSeen:
    """The alerts at the last look.

    Attributes
    ----------
    states : tuple of AlertState
    n_replicas : int
        How many showed their metrics.
    seen_at : datetime
    """

    states: tuple[AlertState, ...]
    n_replicas: int
    seen_at: datetime


class AlertWatch:
    """Reads the metrics in a thread, as long as the process lives.

    Parameters
    ----------
    url : str
        Of the metrics; each address of its host is a replica.
    clock : callable
    every_seconds : float
    """

    def __init__(self, url: str, *, clock: Clock, every_seconds: float = EVERY_SECONDS) -> None:
        self._url, self._clock, self._every_seconds = url, clock, every_seconds
        self._history, self._states = History(), AlertStates()
        self._stopped = Event()
        self._is_silent = False
        self._seen: AlertsSeen | None = None

    @property
    def seen(self) -> AlertsSeen | None:
        """Return the alerts at the last look; None before the first one."""
        return self._seen

    def start(self) -> None:
        """Begin to look."""
        Thread(target=self._look_until_stopped, name="libelle-alerts", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def look(self) -> None:
        """Ask every replica, then see which alerts are raised."""
        now = self._clock()
        shown = self._ask_all()
        for replica, series in shown.items():
            self._history.add(replica, now.timestamp(), series)
        states = self._states.look(self._history, now.timestamp())
        self._seen = AlertsSeen(states, len(shown), now)

    def _look_until_stopped(self) -> None:
        while not self._stopped.is_set():
            try:
                self.look()
            except Exception:  # A thread: what fails now is tried again, and is told.
                logger.exception("The alerts could not be looked at")
            self._stopped.wait(self._every_seconds)

    def _ask_all(self) -> dict[str, dict[Series, float]]:
        shown: dict[str, dict[Series, float]] = {}
        failure: Exception | None = None
        try:
            for replica in _addresses(self._url):
                try:
                    shown[replica] = read_metrics(self._url, replica)
                except (OSError, http.client.HTTPException, DataError) as error:
                    failure = error
        except OSError as error:
            failure = error
        self._tell(failure if not shown else None)
        return shown

    def _tell(self, failure: Exception | None) -> None:
        """Log a silence when it begins, and when it ends."""
        if (failure is not None) != self._is_silent:
            self._is_silent = failure is not None
            if failure is None:
                logger.info("The metrics of the API are read")
            else:
                logger.warning("The metrics of the API cannot be read: %s", failure)


def read_metrics(url: str, address: str) -> dict[Series, float]:
    """Return what one replica shows.

    Parameters
    ----------
    url : str
    address : str
        Of the replica, one of those of the host.

    Raises
    ------
    DataError
        If what answers does not show metrics.
    OSError, http.client.HTTPException
        If it does not answer in time.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(address, parts.port or 80, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", parts.path or "/", headers={"Host": parts.netloc})
        response = connection.getresponse()
        content = response.read(MOST_BYTES + 1)
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise DataError(f"What answers with {response.status} does not show metrics.")
    if len(content) > MOST_BYTES:
        raise DataError(f"What answers with more than {MOST_BYTES:,} bytes does not show metrics.")
    return read_exposition(content.decode("utf-8", "replace"), families=FAMILIES)


def _addresses(url: str) -> list[str]:
    parts = urlsplit(url)
    found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    return sorted({str(address[4][0]) for address in found})[:MOST_REPLICAS]
