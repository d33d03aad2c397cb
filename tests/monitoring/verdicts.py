"""Verdicts that nobody gave."""

from libelle.monitoring.feedback import FeedbackSource, FeedbackVerdict, NewFeedback
from libelle.monitoring.privacy import Pseudonyms
from tests.monitoring.predictions import KEY, NOON

PREDICTION = "947a95bd-00c1-877f-975c-b6ee3ca22e8e"
OTHER = "947a95bd-00c1-877f-975c-b6ee3ca22e8f"
CONFIRMED, CORRECTED, UNSURE, AMBIGUOUS = FeedbackVerdict


def make_feedback(coder="ada", verdict=CONFIRMED, code="0111", **changes) -> NewFeedback:
    values = {
        "prediction_id": PREDICTION,
        "coder": Pseudonyms(KEY).of_coder(coder),
        "verdict": verdict,
        "code": code if FeedbackVerdict(verdict).names_code else None,
        "given_at": NOON,
        "source": FeedbackSource.API,
    }
    return NewFeedback(**values | changes)
