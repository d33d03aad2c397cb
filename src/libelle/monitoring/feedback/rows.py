"""Rows: a verdict, as it is given and as it is kept."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from libelle.errors import DataError

SCHEMA_VERSION: Final = 1
MAX_CODE_CHARACTERS: Final = 256
PREDICTION_ID_PATTERN: Final = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
DIGEST_PATTERN: Final = "^[0-9a-f]{32}$"
_ID_BYTES = 16
_PREDICTION_ID, _DIGEST = re.compile(PREDICTION_ID_PATTERN), re.compile(DIGEST_PATTERN)

PredictionId = Annotated[str, msgspec.Meta(pattern=PREDICTION_ID_PATTERN)]
Digest = Annotated[str, msgspec.Meta(pattern=DIGEST_PATTERN)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CODE_CHARACTERS)]


class FeedbackVerdict(StrEnum):
    """What a coder says of a prediction.

    `CONFIRMED` names the candidate that is right, `CORRECTED` a code that is right and was no
    candidate; the two others say why nobody can tell.
    """

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    NOT_ENOUGH_INFORMATION = "not_enough_information"
    AMBIGUOUS_NOMENCLATURE = "ambiguous_nomenclature"

    @property
    def names_code(self) -> bool:
        """Tell whether the right code goes with it."""
        return self in (FeedbackVerdict.CONFIRMED, FeedbackVerdict.CORRECTED)


class FeedbackSource(StrEnum):
    """The way by which a verdict came."""

    API = "api"
    IMPORT = "import"


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that is kept. It holds no text.

    Attributes
    ----------
    feedback_id : str
    prediction_id : str
        Of a prediction, be it one that the log does not know.
    coder : str
        Keyed pseudonym.
    n : int
        How many verdicts of this coder on this prediction came before.
    verdict : FeedbackVerdict
    code : str or None
        The right one, when the verdict names it.
    given_at : datetime
        UTC.
    replaces : str or None
        Verdict of the same coder that this one takes the place of.
    source : FeedbackSource
    schema_version : int
    """

    feedback_id: Digest
    prediction_id: PredictionId
    coder: Digest
    n: Annotated[int, msgspec.Meta(ge=0)]
    verdict: FeedbackVerdict
    code: Code | None
    given_at: Annotated[datetime, msgspec.Meta(tz=True)]
    replaces: Digest | None
    source: FeedbackSource
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Refuse a row that contradicts itself.

        Raises
        ------
        ValueError
            If the code is there and should not be, or the reverse; if its time is no time at which
            a verdict can have been given.
        """
        if not is_possible_time(self.given_at):
            raise ValueError("its time is out of range")
        if self.verdict.names_code != (self.code is not None):
            raise ValueError("its verdict and its code do not go together")

    def says_as(self, other: "Feedback | NewFeedback") -> bool:
        """Tell whether two verdicts are the same."""
        return (self.verdict, self.code) == (other.verdict, other.code)

    def to_bytes(self) -> bytes:
        """Return the verdict as it is kept."""
        return msgspec.json.encode(self)


_DECODER = msgspec.json.Decoder(Feedback)


def read_row(content: bytes) -> Feedback:
    """Read a verdict that was kept.

    Raises
    ------
    DataError
        If it is none, or of a later version than this code knows.
    """
    try:
        row = _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError("it is damaged, or it is no verdict of libelle") from error
    if row.schema_version > SCHEMA_VERSION:
        raise DataError(f"it has version {row.schema_version}, this libelle reads {SCHEMA_VERSION}")
    return row


@dataclass(frozen=True, kw_only=True)
class NewFeedback:
    """A verdict that is given; see `Feedback`.

    Raises
    ------
    DataError
        If it is not as it should be; the message quotes nothing but its verdict.
    """

    prediction_id: str
    coder: str
    verdict: FeedbackVerdict
    code: str | None
    given_at: datetime
    source: FeedbackSource
    replaces: str | None = None

    def __post_init__(self) -> None:
        """Check it."""
        if complaint := self._complaint():
            raise DataError(complaint)

    def to_row(self, n: int) -> Feedback:
        """Return the row to keep, once it is known how many came before."""
        return Feedback(
            feedback_id=make_feedback_id(self.prediction_id, self.coder, n),
            prediction_id=self.prediction_id,
            coder=self.coder,
            n=n,
            verdict=self.verdict,
            code=self.code,
            given_at=self.given_at.astimezone(UTC),
            replaces=self.replaces,
            source=self.source,
        )

    def _complaint(self) -> str | None:
        if not is_prediction_id(self.prediction_id):
            return "The prediction_id is not one that libelle gives: copy it from the answer."
        if not _DIGEST.fullmatch(self.coder):
            return "The coder is not a pseudonym."
        return find_code_complaint(self.verdict, self.code)


def find_code_complaint(verdict: FeedbackVerdict, code: str | None) -> str | None:
    """Say what is wrong with the code that comes with a verdict; None if nothing is."""
    if verdict.names_code and not code:
        return f"The verdict {verdict} needs the right code."
    if not verdict.names_code and code is not None:
        return f"The verdict {verdict} goes without a code: leave it out."
    if code is not None and len(code) > MAX_CODE_CHARACTERS:
        return f"A code has {MAX_CODE_CHARACTERS} characters at most."
    if code is not None and not code.isprintable():  # Halves of surrogate pairs among others.
        return "The code holds characters that no code has."
    return None


def is_possible_time(moment: datetime) -> bool:
    """Tell whether a verdict can have been given then, whatever the zone."""
    return 1970 < moment.year < 9999


def is_prediction_id(value: str) -> bool:
    """Tell whether a value has the form of the identifiers of predictions."""
    return len(value) == len("00000000-0000-8000-8000-000000000000") and bool(
        _PREDICTION_ID.match(value)
    )


def make_feedback_id(prediction_id: str, coder: str, n: int) -> str:
    """Return what a verdict is called: its place says it, so that a retry has the same."""
    place = f"{prediction_id}/{coder}-{n}"
    return blake2b(place.encode(), digest_size=_ID_BYTES, person=b"libelle feedback").hexdigest()
