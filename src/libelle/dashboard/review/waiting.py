"""Waiting: the texts that wait for a person, read from the log, the audits and the verdicts."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from libelle.dashboard.review.items import Candidate, Item, make_item
from libelle.decision import Decision
from libelle.monitoring.audit.sheet import read_answers, read_texts
from libelle.monitoring.feedback.lots import Lots
from libelle.monitoring.feedback.reading import read_feedback
from libelle.monitoring.prediction_log import LogOptions
from libelle.monitoring.prediction_log.reading import iter_days

# Texts are kept for thirty days at most, and the oldest go first.
N_DAYS: Final = 30
MOST_WAITING: Final = 2_000
COLUMNS: Final = (
    "prediction_id",
    "received_at",
    "order",
    "decision",
    "candidates",
    "text",
    "text_hash",
)


@dataclass(frozen=True)
class Agreement:
    """How often two coders who judged the same text said the same."""

    n_twice: int
    n_alike: int


@dataclass(frozen=True)
class Waiting:
    """What waits for a person.

    Attributes
    ----------
    items : tuple of Item
        In the order in which they are given, each text once.
    judges : mapping of str to frozenset of str
        Pseudonyms of those who judged a prediction.
    agreement : Agreement
    is_cut : bool
        Whether more texts wait than are read at a time.
    n_without_text : int
        Predictions to review whose text the log does not keep.
    """

    items: tuple[Item, ...]
    judges: Mapping[str, frozenset[str]]
    agreement: Agreement
    is_cut: bool
    n_without_text: int


def read_waiting(
    options: LogOptions, *, sheets: Sequence[str], now: datetime, most: int = MOST_WAITING
) -> Waiting:
    """Read what waits for a person.

    Parameters
    ----------
    options : LogOptions
    sheets : sequence of str
        Sheets of audits that `libelle audit draw` wrote; rows whose code is filled in are done.
    now : datetime
        UTC.
    most : int
        Texts to keep; the earliest are.

    Raises
    ------
    StorageError
        If the log or a sheet is out of reach.
    DataError
        If a sheet is none.
    """
    verdicts = read_feedback(options.uri, options=options.storage).current()
    judges = _judges_of(verdicts)
    audited = _read_sheets(sheets, options)
    found = _Found(Lots(options.key), judges, audited)
    days = iter_days(
        options.uri,
        since=now - timedelta(days=N_DAYS),
        columns=COLUMNS,
        options=options.storage,
    )
    for _, content in days:
        found.add(content.table)
        if len(found.items) >= most and found.has_all_audited():
            break
    found.add_from_sheets()
    kept = list(found.items.values())
    is_cut = len(kept) > most
    kept = sorted(kept[:most] + _only_audited(kept[most:], audited), key=lambda one: one.place)
    return Waiting(tuple(kept), judges, agreement_of(verdicts), is_cut, found.n_without_text)


def agreement_of(verdicts: pa.Table) -> Agreement:
    """Compare the verdicts that stand on predictions that two coders judged, or more."""
    said: dict[str, list[str]] = defaultdict(list)
    columns = (verdicts[name].to_pylist() for name in ("prediction_id", "verdict", "code"))
    for prediction_id, verdict, code in zip(*columns, strict=True):
        said[prediction_id].append(code or verdict)
    pairs = [words for words in said.values() if len(words) > 1]
    return Agreement(len(pairs), sum(len(set(words)) == 1 for words in pairs))


@dataclass
class _Found:
    """Gathers items day after day: the first prediction of each text, and all those of audits."""

    lots: Lots
    judges: Mapping[str, frozenset[str]]
    audited: Mapping[str, str]
    items: dict[str, Item] = field(default_factory=dict)
    n_without_text: int = 0
    _seen: set[str] = field(default_factory=set)
    _met: set[str] = field(default_factory=set)

    def add(self, table: pa.Table) -> None:
        """Add the predictions of a day."""
        is_audited = _are_among(table, self.audited)
        to_review = pc.fill_null(pc.equal(table["decision"], Decision.REVIEW.value), False)
        wanted = table.filter(pc.or_(to_review, is_audited))
        is_told = pc.or_(_are_among(wanted, self.audited), _are_among(wanted, self.judges))
        has_place = pc.or_(is_told, wanted["text"].is_valid())
        order = [("received_at", "ascending"), ("order", "ascending")]
        for row in wanted.filter(has_place).sort_by(order).to_pylist():
            self._add_row(row)
        # Where texts are not kept these are nearly all rows: they are counted, not looked at.
        lost = wanted.filter(pc.invert(has_place))["text_hash"]
        is_seen = pc.is_in(lost, pa.array(list(self._seen), pa.string()))
        self.n_without_text += len(lost) - (pc.sum(is_seen).as_py() or 0)

    def add_from_sheets(self) -> None:
        """Add the texts of audits that the log does not hold any more."""
        for prediction_id in self.audited.keys() - self._met:
            row = {"prediction_id": prediction_id, "text": None, "text_hash": None}
            self._add_row({**row, "candidates": []})

    def has_all_audited(self) -> bool:
        """Tell whether every text of the audits was met."""
        return self.audited.keys() <= self._met

    def _add_row(self, row: Mapping[str, Any]) -> None:
        prediction_id = row["prediction_id"]
        is_audited = prediction_id in self.audited
        text = self.audited.get(prediction_id) or row["text"]
        text_key = row["text_hash"] or prediction_id
        if text is None and prediction_id in self.judges:  # Its text left the log at the verdict.
            self._seen.add(text_key)
            return
        if text is None:
            self.n_without_text += 1
            return
        if is_audited:
            self._met.add(prediction_id)
        elif text_key in self._seen:
            return
        self._seen.add(text_key)
        item = make_item(
            self.lots,
            prediction_id,
            text,
            text_key=text_key,
            candidates=tuple(Candidate(**one) for one in row["candidates"]),
            is_audited=is_audited,
        )
        if len(self.judges.get(prediction_id, ())) < item.n_coders:
            self.items[prediction_id] = item


def _are_among(table: pa.Table, predictions: Collection[str]) -> pa.ChunkedArray:
    return pc.is_in(table["prediction_id"], pa.array(list(predictions), pa.string()))


def _only_audited(items: Sequence[Item], audited: Collection[str]) -> list[Item]:
    return [one for one in items if one.prediction_id in audited]


def _read_sheets(sheets: Sequence[str], options: LogOptions) -> dict[str, str]:
    """Return the texts of audits that have no code yet, by prediction."""
    texts: dict[str, str] = {}
    for sheet in sheets:
        found = read_texts(sheet, identifier="prediction_id", text="text", options=options.storage)
        judged = {name for name, code in read_answers(sheet, options=options.storage) if code}
        texts |= {name: text for name, text in found.items() if name not in judged}
    return texts


def _judges_of(verdicts: pa.Table) -> dict[str, frozenset[str]]:
    judges: dict[str, set[str]] = defaultdict(set)
    columns = (verdicts[name].to_pylist() for name in ("prediction_id", "coder"))
    for prediction_id, coder in zip(*columns, strict=True):
        judges[prediction_id].add(coder)
    return {name: frozenset(coders) for name, coders in judges.items()}
