"""Promises: what was promised with the latest answers, as the log keeps it."""

from libelle.monitoring.rollups import Promise, Snapshot


def promise_in_force(snapshot: Snapshot) -> Promise | None:
    """Return the promise of most answers of the last day; None without any answer."""
    if not snapshot.days:
        return None
    counted = snapshot.days[-1].counts.promises.most_common(1)
    return Promise(*counted[0][0]) if counted else None
