"""Promises: what was promised with the latest answers, as the log keeps it."""

from libelle.dashboard.model_view import ModelFacts
from libelle.monitoring.rollups import Promise, Snapshot


def promise_in_force(snapshot: Snapshot) -> Promise | None:
    """Return the promise of most answers of the last day; None without any answer."""
    if not snapshot.days:
        return None
    counted = snapshot.days[-1].counts.promises.most_common(1)
    return Promise(*counted[0][0]) if counted else None


def declared_promise(facts: ModelFacts | None) -> Promise | None:
    """Return what the model named in the settings promises first; None if it is not known."""
    if facts is None or not facts.thresholds:
        return None
    first = facts.thresholds[0]
    status = first["status"] if first["threshold"] is not None else "none"
    return Promise(facts.digest, facts.name, None, first["id"], status, first["target_error"])
