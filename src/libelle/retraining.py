"""Retraining: what coders said of predictions becomes texts to learn from, and to judge on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import pyarrow as pa

from libelle.data.datasets import Dataset
from libelle.errors import DataError
from libelle.monitoring.feedback.joining import judge_predictions
from libelle.monitoring.feedback.reading import read_feedback
from libelle.monitoring.keeping import AUDITED_CODERS
from libelle.monitoring.prediction_log.reading import read_log
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

COLUMNS = ("prediction_id", "id", "received_at", "model_name", "text")


@dataclass(frozen=True, eq=False)
class AuditedTexts:
    """Texts whose code is known from coders.

    Attributes
    ----------
    learnt : Dataset
        To learn from, with those that were learnt before.
    held : Dataset
        Kept apart: the gate compares champion and challenger on them.
    n_verdicts : int
        Predictions that coders judged.
    n_not_audited : int
        Of them, those that one coder alone saw, and that no audit drew.
    n_undecided : int
        Those on which coders disagree, or say no code.
    n_without_text : int
        Those whose text is kept nowhere.
    prediction_ids : tuple of str
        Predictions whose texts are in `learnt` or `held`.
    """

    learnt: Dataset
    held: Dataset
    n_verdicts: int
    n_not_audited: int
    n_undecided: int
    n_without_text: int
    prediction_ids: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Say what was gathered."""
        left_out = {
            "seen by one coder alone": self.n_not_audited,
            "without one code that all agree on": self.n_undecided,
            "whose text is kept nowhere": self.n_without_text,
        }
        told = ", ".join(f"{n:,} {why}" for why, n in left_out.items() if n)
        return [
            f"{self.n_verdicts:,} predictions judged by coders: {len(self.learnt):,} texts to "
            f"learn from, {len(self.held):,} to compare models on"
            + (f"; left out: {told}." if told else ".")
        ]


def read_audited_texts(
    uri: str,
    *,
    name: str,
    drawn: Collection[str] = (),
    answers: Mapping[str, str | None] | None = None,
    texts: Mapping[str, str] | None = None,
    held_share: float = 0.3,
    seed: int = 0,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> AuditedTexts:
    """Read the verdicts of a log that may teach: those of audits, and those of two coders.

    A verdict given by one coder who saw the machine's answer is no independent one: it would teach
    the machine its own errors.

    Parameters
    ----------
    uri : str
        Folder of the log.
    name : str
        Of the model whose predictions count.
    drawn : collection of str
        Predictions that an audit drew: one coder is enough for them.
    answers : mapping of str to str or None, optional
        Codes by prediction, from sheets of audits; None says that nobody can tell.
    texts : mapping of str to str, optional
        Texts by the caller's identifier, for a log that keeps none.
    held_share : float
        Share of the texts, all those that say the same thing together, that is kept apart.
    seed : int
        Of that draw.
    options : StorageOptions

    Raises
    ------
    DataError
        If no text is left to learn from.
    StorageError
        If the log is out of reach.
    """
    log = read_log(uri, columns=COLUMNS, options=options).table
    judged = judge_predictions(read_feedback(uri, options=options).table, log)
    rows = {row["prediction_id"]: row for row in log.to_pylist() if row["model_name"] == name}
    said = _gather(judged, answers or {}, frozenset(drawn))
    of_model = {one: said[one] for one in sorted(said) if one in rows}
    audited = {one: codes for one, codes in of_model.items() if codes is not None}
    decided = {one: min(codes) for one, codes in audited.items() if len(codes) == 1}
    coded = {}
    for prediction_id, code in decided.items():
        row = rows[prediction_id]
        text = (texts or {}).get(row["id"] or "", row["text"])
        if text is not None:
            coded[prediction_id] = (text, code, row["received_at"].date().isoformat())
    if not coded:
        raise DataError(
            f"No audited verdict on {name!r} has a text to learn from: {len(of_model):,} "
            f"predictions judged, {len(decided):,} with one code. Draw an audit (`libelle audit "
            "draw`), have two coders agree, or give the texts with --texts and --id."
        )
    everything = Dataset(
        texts=[text for text, _, _ in coded.values()],
        codes=[code for _, code, _ in coded.values()],
        dates=[day for _, _, day in coded.values()],
        name=f"{name} feedback",
    )
    held = [_draw(key, seed) < held_share for key in everything.keys]
    return AuditedTexts(
        learnt=everything.take([row for row, apart in enumerate(held) if not apart]),
        held=everything.take([row for row, apart in enumerate(held) if apart]),
        n_verdicts=len(of_model),
        n_not_audited=len(of_model) - len(audited),
        n_undecided=len(audited) - len(decided),
        n_without_text=len(decided) - len(coded),
        prediction_ids=tuple(coded),
    )


def _gather(
    judged: pa.Table, answers: Mapping[str, str | None], drawn: Collection[str]
) -> dict[str, set[str] | None]:
    """Return, of each prediction, the codes on which what was said of it does not agree.

    One code: all agree; none, or several: they do not, or nobody can tell. None: not audited.
    """
    said: dict[str, set[str] | None] = {}
    for one in judged.to_pylist():
        audited = one["n_coders"] >= AUDITED_CODERS or one["prediction_id"] in drawn
        code = one["right_code"]
        said[one["prediction_id"]] = (set() if code is None else {code}) if audited else None
    for prediction_id, code in answers.items():
        before = said.get(prediction_id)
        if before is None:
            said[prediction_id] = set() if code is None else {code}
        elif before != {code}:
            said[prediction_id] = set()
    return said


def add_texts(known: Dataset, learnt: Dataset, *, held: Dataset) -> Dataset:
    """Return the texts learnt before and those of coders, less what says the same as one held.

    Parameters
    ----------
    known : Dataset
        Those of the training before.
    learnt, held : Dataset
        Of `AuditedTexts`.
    """
    apart = set(held.keys)
    kept = known.take([row for row, key in enumerate(known.keys) if key not in apart])
    dated = kept.dates is not None
    return Dataset(
        texts=[*kept.texts, *learnt.texts],
        codes=[*kept.codes, *learnt.codes],
        dates=[*(kept.dates or ()), *(learnt.dates or ())] if dated else None,
        groups=None if kept.groups is None else [*kept.groups, *[""] * len(learnt)],
        name=known.name,
        uri=known.uri,
        n_rows_read=known.n_rows_read + len(learnt),
        n_missing_codes=known.n_missing_codes,
        warnings=known.warnings,
    )


def _draw(key: str, seed: int) -> float:
    """Return a number in [0, 1) for texts that say the same thing, the same each time."""
    digest = blake2b(f"{seed}:{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
