"""Records: which predictions audits drew, and which of them taught a model, beside the log.

A text that an audit drew is kept until it taught: `libelle log purge` learns it from here. Records
are written once, and bear a name that their content gives.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from libelle.errors import DataError
from libelle.monitoring.feedback.rows import PredictionId, is_prediction_id
from libelle.monitoring.prediction_log.reading import Problem
from libelle.monitoring.prediction_log.retention import oldest_day
from libelle.monitoring.prediction_log.store import LogStore
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

RECORD_VERSION: Final = 1
FOLDER: Final = "audits"
_SUFFIX = ".json"
_NAME_DIGITS = 16


class RecordKind(StrEnum):
    """What became of predictions: an audit drew them, or a retraining learnt from them."""

    DRAWN = "drawn"
    LEARNT = "learnt"


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Predictions of which the same thing became at once. It holds no text.

    Attributes
    ----------
    kind : RecordKind
    prediction_ids : tuple of str
        Sorted.
    noted_at : datetime
        UTC.
    record_version : int
    """

    kind: RecordKind
    prediction_ids: tuple[PredictionId, ...]
    noted_at: Annotated[datetime, msgspec.Meta(tz=True)]
    record_version: int = RECORD_VERSION

    @property
    def name(self) -> str:
        """Return the name of its file, relative to the log: the same predictions, the same name."""
        digest = sha256("\n".join(self.prediction_ids).encode()).hexdigest()[:_NAME_DIGITS]
        return f"{FOLDER}/{self.kind.value}-{digest}{_SUFFIX}"


@dataclass(frozen=True)
class AuditedPredictions:
    """What all records say.

    Attributes
    ----------
    drawn, learnt : frozenset of str
        Predictions that audits drew, and those from which a retraining learnt.
    problems : list of Problem
        Files that lie among records and are none, or cannot be read.
    """

    drawn: frozenset[str]
    learnt: frozenset[str]
    problems: list[Problem]


@dataclass
class RecordErasure:
    """What was erased of records.

    Attributes
    ----------
    n_records : int
        Deleted, or written again without some predictions.
    problems : list of Problem
        What could not be looked at.
    """

    n_records: int = 0
    problems: list[Problem] = field(default_factory=list)


class RecordStore(LogStore):
    """The records that lie beside a log.

    Parameters
    ----------
    uri : str
        Folder of the log.
    options : StorageOptions
    """

    def names(self) -> list[str]:
        """Return the names of what lies among the records; hidden files, half written, apart."""
        return sorted(f"{FOLDER}/{one}" for one in self._list(FOLDER) if not one.startswith("."))

    def add(self, record: AuditRecord) -> None:
        """Write a record; one that says the same and is there already stays as it is."""
        self.put_once(record.name, msgspec.json.encode(record))

    def read(self, name: str) -> AuditRecord:
        """Read a record.

        Raises
        ------
        DataError
            If it is none, or of a later version.
        FileNotFoundError
            If it is not there any more.
        LogStoreError
        """
        path = self._path(name)
        content = self._do(lambda: self._filesystem.cat_file(path), is_maybe_absent=True)
        try:
            record = _DECODER.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError("it is damaged, or it is no record of an audit") from error
        if record.record_version > RECORD_VERSION:
            raise DataError(
                f"it has version {record.record_version}, this libelle reads {RECORD_VERSION}"
            )
        if record.name != name:
            raise DataError("it holds other predictions than its name says")
        return record

    def read_all(self) -> tuple[list[AuditRecord], list[Problem]]:
        """Read what can be read, and say what cannot."""
        records, problems = [], []
        for name in self.names():
            try:
                records.append(self.read(name))
            except FileNotFoundError:  # Erased meanwhile.
                continue
            except DataError as error:
                problems.append(Problem(self.address(name), str(error)))
        return records, problems


_DECODER = msgspec.json.Decoder(AuditRecord)


def note_predictions(
    uri: str,
    kind: RecordKind,
    prediction_ids: Iterable[str],
    *,
    now: datetime,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> None:
    """Note what became of predictions; of none, nothing is noted.

    Raises
    ------
    StorageError
        If the log cannot be written to.
    """
    noted = tuple(sorted(set(prediction_ids)))
    if noted:
        record = AuditRecord(kind=kind, prediction_ids=noted, noted_at=now)
        RecordStore(uri, options).add(record)


def read_audited_predictions(
    uri: str, *, options: StorageOptions = DEFAULT_OPTIONS
) -> AuditedPredictions:
    """Read the records that lie beside a log; there are none in one that does not exist.

    Raises
    ------
    StorageError
        If the log is out of reach.
    """
    records, problems = RecordStore(uri, options).read_all()
    named = {
        kind: frozenset(
            one for record in records if record.kind is kind for one in record.prediction_ids
        )
        for kind in RecordKind
    }
    return AuditedPredictions(named[RecordKind.DRAWN], named[RecordKind.LEARNT], problems)


def erase_records(
    uri: str, prediction_ids: Collection[str], *, options: StorageOptions = DEFAULT_OPTIONS
) -> RecordErasure:
    """Write the records again without some predictions.

    Each is there without them before it goes with them: cut in between, it is to be done again.

    Raises
    ------
    StorageError
        If the log is out of reach.
    """
    store, erased = RecordStore(uri, options), set(filter(is_prediction_id, prediction_ids))
    records, problems = store.read_all()
    touched = [record for record in records if not erased.isdisjoint(record.prediction_ids)]
    for record in touched:
        kept = tuple(one for one in record.prediction_ids if one not in erased)
        if kept:
            store.add(msgspec.structs.replace(record, prediction_ids=kept))
        store.delete([record.name])
    return RecordErasure(len(touched), problems)


def purge_records(
    uri: str,
    *,
    older_than_days: int,
    now: datetime,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> RecordErasure:
    """Delete the records that were noted on days that are over since more than some days.

    Raises
    ------
    StorageError
        If the log is out of reach.
    UsageError
        If it is asked to keep less than today.
    """
    store, oldest = RecordStore(uri, options), oldest_day(older_than_days, now)
    records, problems = store.read_all()
    old = [record.name for record in records if record.noted_at.date() < oldest]
    store.delete(old)
    return RecordErasure(len(old), problems)
