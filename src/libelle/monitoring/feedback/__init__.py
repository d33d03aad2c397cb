"""Feedback: what coders say of predictions, kept beside the prediction log.

What gives verdicts does without Arrow; `reading`, `joining`, `compaction`, `erasure`, `importing`
and `label_studio`, which may need it, are imported by their names.
"""

from libelle.monitoring.feedback.giving import FeedbackConflictError, Given, give_feedback
from libelle.monitoring.feedback.rows import (
    Feedback,
    FeedbackSource,
    FeedbackVerdict,
    NewFeedback,
)
from libelle.monitoring.feedback.store import FeedbackStore

__all__ = [
    "Feedback",
    "FeedbackConflictError",
    "FeedbackSource",
    "FeedbackStore",
    "FeedbackVerdict",
    "Given",
    "NewFeedback",
    "give_feedback",
]
