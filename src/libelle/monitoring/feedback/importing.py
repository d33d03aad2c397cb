"""Importing: the answers of a file become verdicts, all of them or none."""

from collections.abc import Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from libelle.errors import DataError
from libelle.monitoring.feedback.giving import FeedbackConflictError, Given, give_feedback
from libelle.monitoring.feedback.reading import read_feedback
from libelle.monitoring.feedback.rows import (
    FeedbackSource,
    FeedbackVerdict,
    NewFeedback,
    find_code_complaint,
    is_prediction_id,
)
from libelle.monitoring.feedback.store import AT_ONCE, FeedbackStore
from libelle.monitoring.privacy import Pseudonyms
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

VERDICTS = ", ".join(FeedbackVerdict)
_SHOWN = 5


class Answer(NamedTuple):
    """What a coder answered in a file.

    Attributes
    ----------
    where : str
        In the file, in words.
    prediction_id : str
    verdict : FeedbackVerdict
    code : str or None
    coder : str
        As the file names them.
    given_at : datetime or None
        None if the file does not say.
    """

    where: str
    prediction_id: str
    verdict: FeedbackVerdict
    code: str | None
    coder: str
    given_at: datetime | None = None


class Complaint(NamedTuple):
    """What is wrong in a file, and where; it quotes nothing, since texts may stand anywhere."""

    where: str
    why: str


class RefusedImportError(DataError):
    """A file that is not as it should be.

    Attributes
    ----------
    complaints : list of Complaint
    """

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        told = [f"{where}: {why}" for where, why in complaints[:_SHOWN]]
        if len(complaints) > _SHOWN:
            told.append(f"And {len(complaints) - _SHOWN} more complaints.")
        super().__init__(f"Nothing was imported. {' '.join(told)}")
        self.complaints = list(complaints)


@dataclass(frozen=True)
class ReadAnswers:
    """What a file holds.

    Attributes
    ----------
    answers : list of Answer
    complaints : list of Complaint
        Why the others cannot be read.
    n_unanswered : int
        Predictions that nobody answered there.
    """

    answers: list[Answer]
    complaints: list[Complaint] = field(default_factory=list)
    n_unanswered: int = 0


@dataclass(frozen=True)
class ImportSummary:
    """What became of the answers of a file: new verdicts, those that replace, those there already.

    `n_unanswered` counts what nobody answered.
    """

    n_new: int
    n_replaced: int
    n_there: int
    n_unanswered: int

    def to_dict(self) -> dict[str, int]:
        """Return the numbers by name."""
        return asdict(self)

    def line(self) -> str:
        """Return one sentence."""
        return (
            f"{self.n_new} verdicts kept, {self.n_replaced} others replaced, {self.n_there} there "
            f"already; {self.n_unanswered} predictions without an answer."
        )


def import_feedback(
    uri: str,
    read: ReadAnswers,
    *,
    key: bytes,
    now: datetime,
    known_codes: Container[str] | None = None,
    replace: bool = False,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> ImportSummary:
    """Keep the answers of a file as verdicts, once all of them are seen to be possible.

    The same file again changes nothing; cut in between, import it again.

    Parameters
    ----------
    uri : str
        Folder of the log.
    read : ReadAnswers
    key : bytes
        Of the log, for the pseudonyms of coders.
    now : datetime
        When verdicts were given of which the file does not say; none was later.
    known_codes : container of str or None
        Codes of the nomenclature; any code will do if None.
    replace : bool
        Answers take the place of other verdicts of the same coders; otherwise these are refused.
    options : StorageOptions

    Raises
    ------
    RefusedImportError
        If an answer is not as it should be, or contradicts another one or a verdict that stands.
    StorageError
        If the log is out of reach.
    """
    checks = [one for answer in read.answers for one in _check(answer)]
    unknown = _complain_of_codes(read.answers, known_codes)
    answers, repeated = _keep_one_each(read.answers)
    _refuse([*read.complaints, *checks, *unknown, *repeated])
    verdicts = _make_verdicts(answers, Pseudonyms(key), now)
    standing = _read_standing(uri, options)
    _refuse(() if replace else _complain_of_conflicts(answers, verdicts, standing))
    fresh = [
        (answer, _naming(verdict, standing.get((verdict.prediction_id, verdict.coder))))
        for answer, verdict in zip(answers, verdicts, strict=True)
        if not _stands(verdict, standing)
    ]
    given = _give_all(FeedbackStore(uri, options), fresh)
    n_new = sum(one.is_new for one in given)
    n_replaced = sum(one.is_new and one.feedback.replaces is not None for one in given)
    return ImportSummary(n_new - n_replaced, n_replaced, len(answers) - n_new, read.n_unanswered)


Standing = dict[tuple[str, str], dict[str, Any]]


def _check(answer: Answer) -> Iterator[Complaint]:
    """Say what is wrong with an answer by itself."""
    if not is_prediction_id(answer.prediction_id):
        why = "the prediction_id is not one that libelle gives. Was the cell changed?"
        yield Complaint(answer.where, why)
    if why_code := find_code_complaint(answer.verdict, answer.code):
        yield Complaint(answer.where, why_code)
    if not answer.coder:
        yield Complaint(answer.where, "nobody is named as the coder. Fill it in.")


def _refuse(complaints: Iterable[Complaint]) -> None:
    if found := list(complaints):
        raise RefusedImportError(found)


def _complain_of_codes(
    answers: Iterable[Answer], known_codes: Container[str] | None
) -> list[Complaint]:
    why = "the nomenclature has no such code. Codes are text: was a leading zero lost?"
    return [
        Complaint(one.where, why)
        for one in answers
        if one.code and known_codes is not None and one.code not in known_codes
    ]


def _keep_one_each(answers: Iterable[Answer]) -> tuple[list[Answer], list[Complaint]]:
    """Keep one answer of each coder on each prediction, and say where there are two."""
    first: dict[tuple[str, str], Answer] = {}
    complaints = []
    for one in answers:
        before = first.setdefault((one.prediction_id, one.coder), one)
        if (before.verdict, before.code) != (one.verdict, one.code):
            why = f"this coder answered something else in {before.where}. Keep one of them."
            complaints.append(Complaint(one.where, why))
    return list(first.values()), complaints


def _make_verdicts(
    answers: Iterable[Answer], pseudonyms: Pseudonyms, now: datetime
) -> list[NewFeedback]:
    return [
        NewFeedback(
            prediction_id=one.prediction_id,
            coder=pseudonyms.of_coder(one.coder),
            verdict=one.verdict,
            code=one.code,
            given_at=min(one.given_at or now, now),  # A clock ahead would keep it for too long.
            source=FeedbackSource.IMPORT,
        )
        for one in answers
    ]


def _read_standing(uri: str, options: StorageOptions) -> Standing:
    rows = read_feedback(uri, options=options).current().to_pylist()
    return {(row["prediction_id"], row["coder"]): row for row in rows}


def _stands(verdict: NewFeedback, standing: Standing) -> bool:
    row = standing.get((verdict.prediction_id, verdict.coder))
    return row is not None and (row["verdict"], row["code"]) == (verdict.verdict, verdict.code)


def _complain_of_conflicts(
    answers: Sequence[Answer], verdicts: Sequence[NewFeedback], standing: Standing
) -> Iterator[Complaint]:
    for answer, verdict in zip(answers, verdicts, strict=True):
        if (verdict.prediction_id, verdict.coder) in standing and not _stands(verdict, standing):
            why = "another verdict of this coder stands. Replace it (--replace), or leave this out."
            yield Complaint(answer.where, why)


def _naming(verdict: NewFeedback, row: dict[str, Any] | None) -> NewFeedback:
    """Return a verdict that names the one whose place it takes."""
    named = {"replaces": None if row is None else row["feedback_id"]}
    return NewFeedback(**{**vars(verdict), **named})


def _give_all(store: FeedbackStore, verdicts: Sequence[tuple[Answer, NewFeedback]]) -> list[Given]:
    def attempt(one: tuple[Answer, NewFeedback]) -> Given | Complaint:
        answer, verdict = one
        try:
            return give_feedback(store, verdict)
        except FeedbackConflictError:
            return Complaint(answer.where, "this coder gave another verdict meanwhile.")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(attempt, verdicts))
    if late := [one for one in outcomes if isinstance(one, Complaint)]:
        raise DataError(
            f"Verdicts changed while they were imported: {len(late)} were left out, the others "
            f"are kept. Import the file again. {late[0].where}: {late[0].why}"
        )
    return [one for one in outcomes if isinstance(one, Given)]
