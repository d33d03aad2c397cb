"""State: what routes take from the application, and the notices that every page shows."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request
from markupsafe import Markup

from libelle.dashboard.desk import Desk
from libelle.dashboard.journal import JournalView
from libelle.dashboard.rendering import format_moment, language_of
from libelle.dashboard.words import Say
from libelle.monitoring.rollups import Snapshot


@dataclass(frozen=True)
class Notices:
    """What is to be said of the data before they are shown.

    Attributes
    ----------
    warnings : list of Markup
        What is wrong.
    nothing : Markup or None
        Why there is nothing to show; None when there is something.
    freshness : Markup or None
        How old the data are.
    """

    warnings: list[Markup]
    nothing: Markup | None
    freshness: Markup | None


def desk_of(request: Request) -> Desk:
    """Return what the pages work with."""
    return cast(Desk, request.app.state.desk)


def say_of(request: Request) -> Say:
    """Return what says sentences in the language asked for."""
    return Say(language_of(request))


def notices_of(view: JournalView, say: Say) -> Notices:
    """Return what is to be said of the log."""
    warnings = []
    if view.n_days:
        warnings.append(say("counting", n_done=view.n_done, n_days=view.n_days))
    if view.failure:
        warnings.append(_unreachable(view, say))
    snapshot = view.snapshot
    if snapshot is not None and snapshot.problems:
        warnings.append(say.number_of("problems", len(snapshot.problems)))
    return Notices(warnings, _nothing(view, say), _freshness(view, say))


def rows_of(view: JournalView) -> Snapshot | None:
    """Return what is counted of the log, None when there is not one row."""
    return view.snapshot if view.has_rows else None


def _unreachable(view: JournalView, say: Say) -> Markup:
    why = say(f"why_{view.failure}" if say.knows(f"why_{view.failure}") else "why_other")
    if view.read_at is None:
        return say("unreachable_never", why=why)
    return say("unreachable_since", why=why, at=format_moment(view.read_at, say.lang))


def _nothing(view: JournalView, say: Say) -> Markup | None:
    if not view.is_on:
        return say("off")
    if view.has_rows:
        return None
    if view.snapshot is None or view.n_days:
        return say("no_data") if view.failure or view.n_days else say("reading")
    return say("empty")


def _freshness(view: JournalView, say: Say) -> Markup | None:
    if view.read_at is None or view.snapshot is None:
        return None
    at, last = format_moment(view.read_at, say.lang), view.snapshot.last_at
    if last is None:
        return say("data_of_none", at=at)
    return say("data_of", at=at, last=format_moment(last, say.lang))
