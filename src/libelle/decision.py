"""Decision: from probabilities to confidence, then to automatic, review or refused, and why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from libelle.errors import ModelError, UsageError

DECISION_VERSION = 2
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
    SUSPENDED = "suspended"
    EMPTY = "empty"
    CODE_TYPED = "code_typed"
    ONLY_DIGITS = "only_digits"
    REPEATED_CHARACTERS = "repeated_characters"
    TOO_SHORT = "too_short"
    NO_KNOWN_WORD = "no_known_word"
    OUTSIDE_VOCABULARY = "outside_vocabulary"


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

    @classmethod
    def from_threshold(cls, threshold: Mapping[str, Any]) -> Self:
        """Take the promise from a threshold as the manifest writes it."""
        status = GuaranteeStatus(threshold["status"])
        return cls(
            status=status,
            target_error=threshold["target_error"],
            # An indication has no confidence: nothing is proved.
            delta=threshold["delta"] if status is GuaranteeStatus.GUARANTEED else None,
            bound=threshold["bound"],
            threshold_id=threshold["id"],
            threshold=threshold["threshold"],
        )

    def suspended(self) -> Self:
        """Return the same promise, found broken: what it would code goes to review."""
        return replace(self, status=GuaranteeStatus.SUSPENDED)


NO_GUARANTEE = Guarantee()


def choose_guarantee(
    thresholds: Sequence[Mapping[str, Any]], target_error: float | None
) -> Guarantee:
    """Return the promise of a target, by default the first declared.

    Raises
    ------
    ModelError
        If the model was not certified for this target.
    """
    if target_error is None:
        return Guarantee.from_threshold(thresholds[0]) if thresholds else NO_GUARANTEE
    for threshold in thresholds:
        if threshold["target_error"] == target_error:
            return Guarantee.from_threshold(threshold)
    declared = ", ".join(str(threshold["target_error"]) for threshold in thresholds) or "none"
    raise ModelError(
        f"The model has no threshold for a target error of {target_error}; declared: {declared}. "
        "Change LIBELLE_TARGET_ERROR, or certify the model for this target: `libelle certify`."
    )


@dataclass(frozen=True)
class RefusalRules:
    """What is handed back without an answer: cheap rules, each one switchable.

    Attributes
    ----------
    code_typed : bool
        The text is a code of the nomenclature: it is shown as the only candidate.
    only_digits : bool
        There are digits and no letter.
    repeated_characters : bool
        At least four letters or digits, all the same.
    too_short : bool
        A single letter.
    no_known_word : bool
        Nothing of the text, not even a piece of a word, was learnt.
    outside_vocabulary : bool
        No word was learnt, and less than `least_familiarity` of their pieces.
    least_familiarity : float
    """

    code_typed: bool = True
    only_digits: bool = True
    repeated_characters: bool = True
    too_short: bool = True
    no_known_word: bool = True
    outside_vocabulary: bool = True
    least_familiarity: float = 0.7

    @classmethod
    def only_empty(cls) -> Self:
        """Return rules that refuse nothing but the empty text."""
        return cls(**{field.name: False for field in fields(cls) if field.type is bool})

    @classmethod
    def without(cls, names: Collection[str]) -> Self:
        """Return all rules but some.

        Raises
        ------
        UsageError
            If there is no rule of a name.
        """
        known = [field.name for field in fields(cls) if field.type is bool]
        if unknown := sorted(set(names) - set(known)):
            raise UsageError(f"{unknown} are not rules of refusal. Rules: {', '.join(known)}.")
        return cls(**dict.fromkeys(names, False))

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as JSON values."""
        return asdict(self)

    def find(
        self, text: str, normalized: str, *, codes: Mapping[str, str], familiarity: float
    ) -> Reason | None:
        """Return why a text is refused, None if it is not.

        Parameters
        ----------
        text, normalized : str
            As written, and as the classifier reads it.
        codes : mapping of str to str
            Code of the nomenclature behind each `typed_code`, which holds a digit.
        familiarity : float
            Share of the text that was learnt: `Classifier.familiarity`.
        """
        if not normalized:
            return Reason.EMPTY
        if self.code_typed and any(map(str.isdigit, text)) and typed_code(text) in codes:
            return Reason.CODE_TYPED
        if self.repeated_characters and _is_repeated(text):
            return Reason.REPEATED_CHARACTERS
        if self.only_digits and not any(map(str.isalpha, text)):
            return Reason.ONLY_DIGITS
        if self.too_short and _is_short(text):
            return Reason.TOO_SHORT
        if self.no_known_word and familiarity == 0:
            return Reason.NO_KNOWN_WORD
        if self.outside_vocabulary and familiarity < self.least_familiarity:
            return Reason.OUTSIDE_VOCABULARY
        return None


ALL_RULES = RefusalRules()


def typed_code(text: str) -> str:
    """Return a text as one would type a code: no blank, no dot, no dash, capitals."""
    return "".join(char for char in text if char.isalnum()).upper()


def _is_repeated(text: str) -> bool:
    characters = filter(str.isalnum, text.casefold())
    first = next(characters, None)
    n_same = 1
    for char in characters:
        if char != first:
            return False
        n_same += 1
    return n_same >= 4


def _is_short(text: str) -> bool:
    characters = filter(str.isalnum, text)
    first = next(characters, "")
    return first.isalpha() and next(characters, None) is None


def confidence_of(probabilities: Floats) -> Floats:
    """Return each text's largest probability, shape `(n_texts,)`, rounded to 1e-6."""
    confidences: Floats = np.round(probabilities.max(axis=1), CONFIDENCE_DIGITS)
    return confidences


def decide(
    refusal: Reason | None, confidence: float, guarantee: Guarantee
) -> tuple[Decision, Reason]:
    """Return what becomes of one text, and why."""
    if refusal is not None:
        return Decision.REFUSED, refusal
    if guarantee.threshold is None:
        return Decision.REVIEW, Reason.NO_THRESHOLD
    if confidence >= guarantee.threshold:
        if guarantee.status is GuaranteeStatus.SUSPENDED:
            return Decision.REVIEW, Reason.SUSPENDED
        return Decision.AUTOMATIC, Reason.ABOVE_THRESHOLD
    return Decision.REVIEW, Reason.BELOW_THRESHOLD
