"""Alerts: which are raised, in the words of a page."""

from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from libelle.dashboard.alerting import AlertsSeen
from libelle.dashboard.rendering import format_moment
from libelle.dashboard.words import Say
from libelle.monitoring.alerts import AlertState, Status, Urgency

_ORDER = tuple(Status)[::-1]


@dataclass(frozen=True)
class AlertSeen:
    """An alert, as a row of a table.

    Attributes
    ----------
    name, meaning : str
        `name` is that of its heading in the run book.
    state : str
        Raised since when, or calm.
    tone : str
    """

    name: str
    meaning: str
    state: str
    tone: str


@dataclass(frozen=True)
class AlertList:
    """All alerts.

    Attributes
    ----------
    sentence : Markup
        How many are raised.
    raised, others : list of AlertSeen
    """

    sentence: Markup
    raised: list[AlertSeen]
    others: list[AlertSeen]


def list_alerts(seen: AlertsSeen, say: Say) -> AlertList:
    """Return the alerts, those that are raised first."""
    ordered = sorted(seen.states, key=lambda one: _ORDER.index(one.status))
    rows = [(one.status, _describe(one, say)) for one in ordered]
    raised = [row for status, row in rows if status is Status.RAISED]
    at = format_moment(seen.seen_at, say.lang)
    replicas = say.number_of("replicas", seen.n_replicas)
    sentence = (
        say.number_of("alerts_raised", len(raised), replicas=replicas, at=at)
        if raised
        else say("alerts_calm", n=len(rows), replicas=replicas, at=at)
    )
    return AlertList(sentence, raised, [row for status, row in rows if status is not Status.RAISED])


def meaning_of(state: AlertState, say: Say) -> str:
    """Return what an alert means, in a sentence."""
    return state.alert.meaning[0 if say.lang == "fr" else 1]


def tone_of(state: AlertState) -> str:
    """Return how an alert looks."""
    if state.status is not Status.RAISED:
        return "quiet"
    return "bad" if state.alert.urgency is Urgency.CRITICAL else "doubt"


def _describe(state: AlertState, say: Say) -> AlertSeen:
    told = say.plain(f"alert_{state.status}", since=_moment(state.since, say))
    return AlertSeen(state.alert.name, meaning_of(state, say), told, tone_of(state))


def _moment(at: float | None, say: Say) -> str:
    return "" if at is None else format_moment(datetime.fromtimestamp(at, UTC), say.lang)
