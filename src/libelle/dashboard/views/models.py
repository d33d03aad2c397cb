"""Models: versions, what they promise, and who moved which alias."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from libelle.dashboard.model_view import ModelFacts
from libelle.dashboard.rendering import format_moment
from libelle.dashboard.watching import Look
from libelle.dashboard.words import Say
from libelle.errors import TrackingError, UnreachableError
from libelle.monitoring.rollups import Counts, Promise
from libelle.reports.formats import NOTHING, format_level, format_share

if TYPE_CHECKING:
    from libelle.tracking.registry.history import Move
    from libelle.tracking.registry.versions import ModelVersion


@dataclass(frozen=True)
class VersionRow:
    """A version as the page shows it."""

    version: str
    aliases: tuple[str, ...]
    created_at: str
    digest: str
    accuracy: str
    promises: list[str]
    n_answers: int


@dataclass(frozen=True)
class MoveRow:
    """A move as the page shows it."""

    at: str
    kind: str
    changes: list[str]
    by: str
    why: str
    status: str


def warn_of_models(look: Look[ModelFacts], uri: str, say: Say) -> list[Markup]:
    """Return what is to be said when the models could not be read just now."""
    if look.failure is None:
        return [] if look.value is not None else [say("models_reading")]
    if isinstance(look.failure, UnreachableError):
        why = say("models_unreachable")
    elif isinstance(look.failure, TrackingError):
        why = say("models_missing", uri=uri)
    else:
        why = say("models_failed")
    if look.read_at is None:
        return [why]
    return [say("models_since", why=why, at=format_moment(look.read_at, say.lang))]


def warn_of_another(facts: ModelFacts | None, promise: Promise | None, say: Say) -> list[Markup]:
    """Return what is to be said when the model that is named is not the one that answers."""
    if facts is None or promise is None or promise.model_digest in (None, facts.digest):
        return []
    names = {"named": (facts.digest or NOTHING)[:12], "seen": (promise.model_digest or "")[:12]}
    return [say("models_differ", **names)]


def list_versions(facts: ModelFacts, counts: Counts, say: Say) -> list[VersionRow]:
    """Return the versions, the newest first, with what each answered lately."""
    answered = {key[0]: n_texts for key, n_texts in counts.by("model_digest").items()}
    return [_version(one, answered, say) for one in facts.versions]


def list_moves(facts: ModelFacts, say: Say) -> list[MoveRow]:
    """Return the moves of the aliases, the newest first."""
    moves = facts.history.moves if facts.history else ()
    return [_move(one, say) for one in reversed(moves)]


def promise_of(threshold: Mapping[str, Any], say: Say) -> str:
    """Return what a threshold promises, in a few words."""
    status = threshold["status"] if threshold["threshold"] is not None else "none"
    return say.plain(
        f"promise_{status}",
        target=format_level(threshold["target_error"], say.lang),
        coverage=format_share(threshold["coverage"], say.lang, 0),
    )


def _version(one: "ModelVersion", answered: Mapping[str | None, int], say: Say) -> VersionRow:
    return VersionRow(
        version=one.version,
        aliases=one.aliases,
        created_at=_moment(one.created_at, say),
        digest=(one.digest or "")[:12],
        accuracy=format_share(one.metrics.get("test_accuracy"), say.lang),
        promises=[promise_of(promise, say) for promise in one.promises],
        n_answers=answered.get(one.digest, 0),
    )


def _move(one: "Move", say: Say) -> MoveRow:
    nothing = say.plain("nothing")
    name, why = f"move_{one.status.value}", f"why_{one.kind.value}"
    return MoveRow(
        at=_moment(one.at, say),
        kind=say.plain(f"move_{one.kind.value}"),
        changes=[
            f"{change.alias} : {change.before or nothing} → {change.after or nothing}"
            for change in one.changes
        ],
        by=one.by or say.plain("nobody"),
        why=say.plain(why) if say.knows(why) else one.why,
        status=say.plain(name) if say.knows(name) else "",
    )


def _moment(text: str, say: Say) -> str:
    try:
        return format_moment(datetime.fromisoformat(text), say.lang)
    except ValueError:
        return NOTHING
