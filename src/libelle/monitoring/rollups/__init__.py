"""Roll-ups: the prediction log counted day by day, once, so that pages never read its rows."""

from libelle.monitoring.rollups.counts import (
    N_BINS,
    CodeTally,
    Counts,
    Group,
    Promise,
    duration_of_bin,
)
from libelle.monitoring.rollups.days import DayRollUp
from libelle.monitoring.rollups.refreshing import RollUps, Snapshot

__all__ = [
    "N_BINS",
    "CodeTally",
    "Counts",
    "DayRollUp",
    "Group",
    "Promise",
    "RollUps",
    "Snapshot",
    "duration_of_bin",
]
