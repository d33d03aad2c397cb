"""Prediction log: one row for each item of a request, kept before the request is answered.

What writes rows does without Arrow; `reading`, `upload`, `compaction` and `erasure`, which need it,
are imported by their names.
"""

from libelle.monitoring.prediction_log.board import UploadState, read_state
from libelle.monitoring.prediction_log.identifiers import make_prediction_id, make_prediction_ids
from libelle.monitoring.prediction_log.log import PredictionLog
from libelle.monitoring.prediction_log.options import LogOptions, SyncMode, WhenFull

__all__ = [
    "LogOptions",
    "PredictionLog",
    "SyncMode",
    "UploadState",
    "WhenFull",
    "make_prediction_id",
    "make_prediction_ids",
    "read_state",
]
