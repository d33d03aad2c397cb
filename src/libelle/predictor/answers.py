"""Answers: what a model says of a text, before and after the decision.

Structures of msgspec: made in half the time of named tuples, and written as JSON as they are.
"""

from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from libelle.classifiers.base import Floats
from libelle.decision import Decision, Reason
from libelle.features import Features

ROW_COLUMNS = ("code", "title", "confidence", "decision", "reason", "top_code", "candidates")


class Candidate(Struct, frozen=True, gc=False):
    """A code that a text may have."""

    rank: int
    code: str
    title: str
    probability: float


class RollUp(Struct, frozen=True, gc=False):
    """A code above, sure enough at its level for a text whose own code is in doubt.

    Attributes
    ----------
    level : int
        Depth, 1 at the top.
    code, title : str
    confidence : float
        Summed probability of the codes below it.
    decision : Decision
    threshold_id : str
        Of the level.
    """

    level: int
    code: str
    title: str
    confidence: float
    decision: Decision
    threshold_id: str


class Against(Struct, frozen=True, gc=False):
    """The code that the first candidate is compared with."""

    code: str
    title: str


class WordContribution(Struct, frozen=True, gc=False):
    """What a word brings to the first candidate; to the second one if it is negative."""

    word: str
    contribution: float


class Explanation(Struct, frozen=True, gc=False):
    """What makes the first candidate come before the second, in parts that sum to the difference.

    Attributes
    ----------
    against : Against
        The second candidate, whether it is shown or not.
    score_difference : float
        Score of the first one minus that of the second: the logarithm of how many times likelier it
        is, unless probabilities went along a curve afterwards.
    baseline : float
        What no word brings.
    words : tuple of WordContribution
        Normalised, in the order of the text, once for each of their occurrences.
    """

    against: Against
    score_difference: float
    baseline: float
    words: tuple[WordContribution, ...]


class Prediction(Struct, frozen=True, gc=False):
    """The answer to one text; `code` and `title` are None unless the decision is automatic.

    `prediction_set` holds the codes among which the true one is, as often as the model promises;
    None when it promises nothing. `prediction_set_complete` is False when `top_k` cut it: it then
    holds the true code less often. `explanation` is None unless it was asked for, and for a text
    that is refused. `prediction_id` is empty unless the caller gave one.
    """

    prediction_id: str
    decision: Decision
    reason: Reason
    code: str | None
    title: str | None
    confidence: float
    candidates: tuple[Candidate, ...]
    prediction_set: tuple[str, ...] | None = None
    prediction_set_complete: bool | None = None
    roll_up: RollUp | None = None
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers to some texts, and what monitoring looks at in these.

    Attributes
    ----------
    predictions : list of Prediction, shape (n_texts,)
    features : Features
    """

    predictions: list[Prediction]
    features: Features


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What is known of texts before any decision.

    Attributes
    ----------
    probabilities : ndarray, shape (n_texts, n_codes)
    confidences : ndarray, shape (n_texts,)
    refusals : list of Reason or None, shape (n_texts,)
    features : Features
    """

    probabilities: Floats
    confidences: Floats
    refusals: list[Reason | None]
    features: Features


@dataclass(frozen=True, slots=True)
class GoldenAnswer:
    """What the model answered, when it was made, to a text that nobody wrote."""

    text: str
    code: str | None
    confidence: float


def prediction_row(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as the columns that files get; candidates as a list of dictionaries."""
    candidates = [asdict(candidate) for candidate in prediction.candidates]
    values = (
        prediction.code,
        prediction.title,
        prediction.confidence,
        prediction.decision.value,
        prediction.reason.value,
        candidates[0]["code"] if candidates else None,
        candidates,
    )
    return dict(zip(ROW_COLUMNS, values, strict=True))
