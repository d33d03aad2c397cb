"""States: which alerts are raised now, and since when."""

from dataclasses import dataclass
from enum import StrEnum

from libelle.monitoring.alerts.history import History
from libelle.monitoring.alerts.rules import ALERTS, Alert


class Status(StrEnum):
    """What an alert is."""

    CALM = "calm"
    PENDING = "pending"  # Its condition holds, not for long enough.
    RAISED = "raised"


@dataclass(frozen=True)
class AlertState:
    """An alert now.

    Attributes
    ----------
    alert : Alert
    status : Status
    since : float or None
        When its condition began to hold, in seconds since 1970; None while calm.
    """

    alert: Alert
    status: Status
    since: float | None


class AlertStates:
    """Which alerts are raised, looked at again after each scrape."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def look(self, history: History, at: float) -> tuple[AlertState, ...]:
        """Return the state of each alert, in the order of `ALERTS`.

        Parameters
        ----------
        history : History
        at : float
            Seconds since 1970; when the clock was set back, waits begin again.
        """
        return tuple(self._look_at(alert, history, at) for alert in ALERTS)

    def _look_at(self, alert: Alert, history: History, at: float) -> AlertState:
        if not alert.condition(history, at):
            self._since.pop(alert.name, None)
            return AlertState(alert, Status.CALM, None)
        since = self._since[alert.name] = min(at, self._since.get(alert.name, at))
        status = Status.RAISED if at - since >= alert.wait_seconds else Status.PENDING
        return AlertState(alert, status, since)
