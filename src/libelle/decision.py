"""Decision: from probabilities to confidence, then to automatic, review or refused, and why."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

DECISION_VERSION = 1
CONFIDENCE_DIGITS = 6

Floats = NDArray[np.float64]


class Decision(StrEnum):
    """What becomes of a text."""

    AUTOMATIC = "automatic"
    REVIEW = "review"
    REFUSED = "refused"


class Reason(StrEnum):
    """Why a text got its decision."""

    ABOVE_THRESHOLD = "above_threshold"
    BELOW_THRESHOLD = "below_threshold"
    NO_THRESHOLD = "no_threshold"
    EMPTY = "empty"


class GuaranteeStatus(StrEnum):
    """What may be said of the errors among the texts coded automatically."""

    GUARANTEED = "guaranteed"
    INDICATIVE = "indicative"
    NONE = "none"
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class Guarantee:
    """The promise under which a prediction is made.

    Attributes
    ----------
    status : GuaranteeStatus
    target_error, delta : float or None
        Wanted share of errors among automatic answers, and the probability that the bound does not
        hold.
    bound : float or None
        Proved upper limit of that share.
    threshold_id : str or None
    threshold : float or None
        Lowest confidence coded automatically.
    """

    status: GuaranteeStatus = GuaranteeStatus.NONE
    target_error: float | None = None
    delta: float | None = None
    bound: float | None = None
    threshold_id: str | None = None
    threshold: float | None = None


NO_GUARANTEE = Guarantee()


def confidence_of(probabilities: Floats) -> Floats:
    """Return each text's largest probability, shape `(n_texts,)`, rounded to 1e-6."""
    confidences: Floats = np.round(probabilities.max(axis=1), CONFIDENCE_DIGITS)
    return confidences


def decide(
    normalized_text: str, confidence: float, guarantee: Guarantee
) -> tuple[Decision, Reason]:
    """Return what becomes of one text, and why."""
    if not normalized_text:
        return Decision.REFUSED, Reason.EMPTY
    if guarantee.threshold is None:
        return Decision.REVIEW, Reason.NO_THRESHOLD
    if confidence >= guarantee.threshold:
        return Decision.AUTOMATIC, Reason.ABOVE_THRESHOLD
    return Decision.REVIEW, Reason.BELOW_THRESHOLD
