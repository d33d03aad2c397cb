"""To do: what a head of unit should have done, the most pressing thing first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from libelle.dashboard.alerting import AlertsSeen
from libelle.dashboard.journal import JournalView
from libelle.dashboard.parts import AuditSeen, Parts
from libelle.dashboard.rendering import format_moment
from libelle.dashboard.views.alerts import meaning_of, tone_of
from libelle.dashboard.views.promises import promise_in_force
from libelle.dashboard.words import Say
from libelle.monitoring.alerts import Status
from libelle.monitoring.rollups import Snapshot
from libelle.reports.formats import format_count

# What says the same in other words, from the same source.
TOLD_ALREADY = frozenset({"LibellePromiseBroken", "LibelleDrift"})
SILENT_DAYS = timedelta(days=3)  # A week-end is no silence.


@dataclass(frozen=True)
class Todo:
    """Something to do: its sentence, how pressing it is, and the page that tells more."""

    sentence: Markup
    tone: str
    page: str


def list_todo(
    view: JournalView, snapshot: Snapshot, parts: Parts, *, today: date, say: Say
) -> list[Todo]:
    """Return what to do; nothing when all is well."""
    found = [
        *_of_alerts(parts.alerts, say),
        *_of_log(view, snapshot, today, say),
        *_of_promise(snapshot, parts.audit, say),
    ]
    if parts.drift is not None and parts.drift.severity in ("medium", "high"):
        tone = "bad" if parts.drift.severity == "high" else "doubt"
        found.append(Todo(say("todo_drift"), tone, "drift"))
    urgency = {"bad": 0, "doubt": 1, "quiet": 2}
    return sorted(found, key=lambda one: urgency[one.tone])


def _of_log(view: JournalView, snapshot: Snapshot, today: date, say: Say) -> Iterator[Todo]:
    if view.failure:
        yield Todo(say("todo_unreachable"), "bad", "today")
    last = snapshot.last_at
    if last is not None and today - last.date() >= SILENT_DAYS:
        at = format_moment(last, say.lang)
        yield Todo(say("todo_silent", at=at), "doubt", "today")
    if snapshot.problems:
        yield Todo(say("todo_problems"), "doubt", "today")


def _of_promise(snapshot: Snapshot, audit: AuditSeen | None, say: Say) -> Iterator[Todo]:
    promise = promise_in_force(snapshot)
    if promise is not None and promise.guarantee_status == "none":
        yield Todo(say("todo_certify"), "doubt", "guarantee")
    elif audit is None:
        yield Todo(say("todo_audit"), "quiet", "guarantee")
    elif audit.status == "broken":
        yield Todo(say("todo_broken"), "bad", "guarantee")
    elif audit.status == "in_doubt":
        n_more = audit.n_more_texts
        name = "todo_doubt" if n_more else "todo_doubt_any"
        yield Todo(say(name, n=format_count(n_more, say.lang)), "doubt", "guarantee")


def _of_alerts(alerts: AlertsSeen | None, say: Say) -> Iterator[Todo]:
    for state in alerts.states if alerts else ():
        if state.status is Status.RAISED and state.alert.name not in TOLD_ALREADY:
            sentence = say("todo_alert", meaning=meaning_of(state, say), name=state.alert.name)
            yield Todo(sentence, tone_of(state), "today")
