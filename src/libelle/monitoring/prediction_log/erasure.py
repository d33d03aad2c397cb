"""Erasure: the rows of a person leave the spool and the log, and it is seen that they did."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from libelle.errors import DataError, UsageError
from libelle.monitoring.prediction_log.backlog import (
    UNREADABLE,
    hold_backlog,
    open_segments_of_others,
)
from libelle.monitoring.prediction_log.files import read_file, replace_file
from libelle.monitoring.prediction_log.reading import Problem, read_log
from libelle.monitoring.prediction_log.rows import Record, read_record
from libelle.monitoring.prediction_log.segments import frame, read_segment
from libelle.monitoring.prediction_log.store import LogStore
from libelle.monitoring.privacy import Pseudonyms
from libelle.storage import DEFAULT_OPTIONS, StorageOptions, write_atomically

_AGAIN_SECONDS = 0.2


@dataclass(frozen=True)
class Erased:
    """Values of columns by which a row is known to be erased."""

    prediction_ids: frozenset[str]
    ids: frozenset[str]
    texts: frozenset[str]
    text_hashes: frozenset[str]

    def columns(self) -> dict[str, frozenset[str]]:
        """Return the values by column."""
        return {
            "prediction_id": self.prediction_ids,
            "id": self.ids,
            "text": self.texts,
            "text_hash": self.text_hashes,
        }

    @classmethod
    def of(
        cls,
        *,
        keys: Sequence[bytes],
        prediction_ids: Collection[str],
        ids: Collection[str],
        texts: Collection[str],
    ) -> "Erased":
        """Say by what rows are known, hashed under any key that the log ever had."""
        pseudonyms = [Pseudonyms(key) for key in keys]
        hashed_ids = [str(one.of_id(value)) for one in pseudonyms for value in ids]
        return cls(
            frozenset(prediction_ids),
            frozenset([*ids, *hashed_ids]),
            frozenset(text for text in texts if _is_unicode(text)),
            frozenset(one.of_text(text) for one in pseudonyms for text in texts),
        )


def _is_unicode(text: str) -> bool:
    """Tell whether a text can have been kept: halves of surrogate pairs never are."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


@dataclass
class ErasureSummary:
    """What was erased, and what is left.

    Attributes
    ----------
    n_rows : int
        Erased, in the spool and in the log.
    n_files, n_segments : int
        Written again without them.
    n_rows_left : int
        Found when all was read again: 0, or the erasure is to be done again.
    problems : list of Problem
        What could not be looked at.
    """

    n_rows: int = 0
    n_files: int = 0
    n_segments: int = 0
    n_rows_left: int = 0
    problems: list[Problem] = field(default_factory=list)


def erase(
    uri: str,
    *,
    keys: Sequence[bytes] = (),
    prediction_ids: Collection[str] = (),
    ids: Collection[str] = (),
    texts: Collection[str] = (),
    spool_path: Path | None = None,
    wait_seconds: float = 60.0,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> ErasureSummary:
    """Erase the rows that have one of these identifiers or texts, then look again.

    Each file is there without them before it goes with them: cut in between, `erase` is to be run
    again. To be run by one process at a time, not while another one compacts, and for each spool.

    Parameters
    ----------
    uri : str
        Folder of the log.
    keys : sequence of bytes
        Those of the log, the one of today and older ones.
    prediction_ids, ids, texts : collection of str
        `ids` are the caller's, as the caller writes them; texts are as they were received.
    spool_path : Path or None
        Spool to look into as well.
    wait_seconds : float
        Longest wait for the uploader, and for writers to seal segments that hold such rows.
    options : StorageOptions

    Raises
    ------
    StorageError
        If the log or the spool is out of reach.
    UsageError
        If nothing is to be erased, or texts are without a key.
    """
    if not (prediction_ids or ids or texts):
        raise UsageError("Nothing to erase. Give a prediction's identifier, yours, or a text.")
    if texts and not keys:
        raise UsageError("Texts are found by their keyed hash. Give the key: LIBELLE_LOG_KEY.")
    erased = Erased.of(keys=keys, prediction_ids=prediction_ids, ids=ids, texts=texts)
    store, summary = LogStore(uri, options), ErasureSummary()
    if spool_path is None:
        _erase_in_log(store, erased, summary)
    else:
        _erase_in_both(store, spool_path, erased, summary, until=time.monotonic() + wait_seconds)
    return summary


def find_predictions(
    uri: str,
    *,
    keys: Sequence[bytes] = (),
    prediction_ids: Collection[str] = (),
    ids: Collection[str] = (),
    texts: Collection[str] = (),
    spool_path: Path | None = None,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> set[str]:
    """Return what the predictions that `erase` would erase are called, and erase nothing.

    What is kept elsewhere under these names has to go first: once the rows are gone, nothing leads
    from an identifier or a text to them.

    Raises
    ------
    StorageError
        If the log or the spool is out of reach.
    """
    erased = Erased.of(keys=keys, prediction_ids=prediction_ids, ids=ids, texts=texts)
    found = set(prediction_ids)
    content = read_log(uri, columns=list(erased.columns()), spool_path=spool_path, options=options)
    matched = pa.array(_matched(content.table, erased))
    found.update(content.table["prediction_id"].filter(matched).to_pylist())
    return found


def _erase_in_both(
    store: LogStore, spool_path: Path, erased: Erased, summary: ErasureSummary, *, until: float
) -> None:
    """Erase in the spool, then in the log while nothing can go from one to the other."""
    while True:
        left = until - time.monotonic()
        with hold_backlog(spool_path, wait_seconds=max(0.0, left)) as backlog:
            for segment in backlog.segments:
                _erase_in_segment(segment, erased, summary)
            being_written = open_segments_of_others(spool_path, backlog)
            n_left = sum(_count_in_segment(path, erased) for path in being_written)
            if n_left == 0 or left <= 0:
                _erase_in_log(store, erased, summary)
                n_left += sum(_count_in_segment(path, erased) for path in backlog.segments)
                summary.n_rows_left += n_left
                break
        time.sleep(_AGAIN_SECONDS)
    summary.problems += [
        Problem(str(path), "it was set aside: it cannot be read")
        for path in (spool_path / UNREADABLE).glob("*")
    ]


def _erase_in_log(store: LogStore, erased: Erased, summary: ErasureSummary) -> None:
    store.delete_half_written()
    for day in store.days():
        for name in store.files(day):
            try:
                _erase_in_file(store, name, erased, summary)
            except DataError as error:
                summary.problems.append(Problem(store.address(name), str(error)))
    for day in store.days():
        for name in store.files(day):
            summary.n_rows_left += _count_in_file(store, name, erased)


def _erase_in_file(store: LogStore, name: str, erased: Erased, summary: ErasureSummary) -> None:
    matched = _matched(read_file(store, name, list(erased.columns())), erased)
    if not matched.any():
        return
    replace_file(store, name, read_file(store, name).filter(pa.array(~matched)))
    summary.n_rows += int(matched.sum())
    summary.n_files += 1


def _count_in_file(store: LogStore, name: str, erased: Erased) -> int:
    try:
        table = read_file(store, name, list(erased.columns()))
    except DataError:  # Told already.
        return 0
    return int(_matched(table, erased).sum())


def _matched(table: pa.Table, erased: Erased) -> np.ndarray:
    matched = np.zeros(table.num_rows, bool)
    for column, values in erased.columns().items():
        found = pc.is_in(table[column], pa.array(sorted(values), pa.string()))
        matched |= found.to_numpy()
    return matched


def _erase_in_segment(path: Path, erased: Erased, summary: ErasureSummary) -> None:
    n_erased = 0
    frames = []
    for content in read_segment(path).records:
        try:
            kept, n_rows = _without(content, erased)
        except DataError as error:
            summary.problems.append(Problem(str(path), str(error)))
            kept, n_rows = content, 0
        n_erased += n_rows
        frames.append(frame(kept))
    if n_erased:
        with write_atomically(path) as stream:
            stream.writelines(frames)
        summary.n_rows += n_erased
        summary.n_segments += 1


def _without(content: bytes, erased: Erased) -> tuple[bytes, int]:
    """Return a record without the rows to erase, and how many it had."""
    record = read_record(content)
    matched = _matched_in_record(record, erased)
    if not any(matched):
        return content, 0
    return record.keep([not one for one in matched]).to_bytes(), sum(matched)


def _matched_in_record(record: Record, erased: Erased) -> list[bool]:
    columns = [(record.rows[name], values) for name, values in erased.columns().items()]
    return [
        any(column[place] in values for column, values in columns) for place in range(record.n_rows)
    ]


def _count_in_segment(path: Path, erased: Erased) -> int:
    try:
        contents = read_segment(path).records
    except FileNotFoundError:  # Sealed meanwhile: looked at the next time.
        return 1
    return sum(_count_in_record(content, erased) for content in contents)


def _count_in_record(content: bytes, erased: Erased) -> int:
    try:
        return _without(content, erased)[1]
    except DataError:  # Told already, or as soon as it is sealed.
        return 0
