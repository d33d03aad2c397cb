"""Days: one day of the log, counted by reading its files piece by piece."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from libelle.errors import DataError
from libelle.monitoring.prediction_log.files import iter_file, schema_of
from libelle.monitoring.prediction_log.reading import Problem, keep_first
from libelle.monitoring.prediction_log.store import LogStore
from libelle.monitoring.rollups.counts import COLUMNS, Counts, count_rows
from libelle.monitoring.rollups.hashes import NO_HASH, Hashes, hashes_of, repeated_in

_AT_ONCE = 3


@dataclass(frozen=True)
class Seen:
    """What a day that goes on has to remember: hashes of its identifiers and of its texts."""

    ids: Hashes
    texts: Hashes


@dataclass(frozen=True)
class DayRollUp:
    """One UTC day, counted.

    Attributes
    ----------
    day : date
    files : mapping of str to int
        Size of each file that was read or left out, by its name.
    counts : Counts
        Each prediction once, as the log has it first.
    problems : tuple of Problem
        Files that were left out.
    n_distinct_texts : int
    seen : Seen or None
        None for a day whose files will be read again if one is added.
    """

    day: date
    files: Mapping[str, int]
    counts: Counts
    problems: tuple[Problem, ...] = ()
    n_distinct_texts: int = 0
    seen: Seen | None = None


def roll_up_day(
    store: LogStore, day: date, files: Mapping[str, int], *, known: DayRollUp | None, is_open: bool
) -> DayRollUp:
    """Count a day.

    Parameters
    ----------
    store : LogStore
    day : date
    files : mapping of str to int
        Names and sizes of its files.
    known : DayRollUp or None
        What was counted before: only the files that it has not are read, as long as none of their
        predictions is a retry of one counted already. Which of both came first is then looked at
        in the whole day.
    is_open : bool
        Whether files may still be added: what this takes is kept.

    Raises
    ------
    FileNotFoundError
        If a file is not there any more.
    StorageError
        If the log is out of reach.
    """
    if known is not None and (more := _extend(store, known, files)) is not None:
        rolled_up = more
    else:
        rolled_up = _count_whole(store, day, files)
    return rolled_up if is_open else _closed(rolled_up)


@dataclass(frozen=True)
class _Part:
    """Rows counted, the hashes of all their identifiers, and the rows set aside."""

    counts: Counts
    ids: Hashes
    texts: Hashes
    aside: pa.Table


def _extend(store: LogStore, known: DayRollUp, files: Mapping[str, int]) -> DayRollUp | None:
    """Count only the files that were added; None when the whole day has to be."""
    if known.seen is None or not known.files.items() <= files.items():
        return None
    added = sorted(files.keys() - known.files.keys())
    part, problems = _count_files(store, added, NO_HASH)
    ids = np.concatenate((known.seen.ids, part.ids))
    if len(repeated_in(ids)):
        return None
    texts = np.union1d(known.seen.texts, part.texts)
    return DayRollUp(
        known.day,
        dict(files),
        Counts.total((known.counts, part.counts)),
        (*known.problems, *problems),
        len(texts),
        Seen(ids, texts),
    )


def _count_whole(store: LogStore, day: date, files: Mapping[str, int]) -> DayRollUp:
    names = sorted(files)
    part, problems = _count_files(store, names, NO_HASH)
    counts, texts = part.counts, part.texts
    if len(repeated := repeated_in(part.ids)):
        part, problems = _count_files(store, names, repeated)
        once = keep_first(part.aside)
        counts = Counts.total((part.counts, count_rows(once)))
        texts = np.union1d(part.texts, hashes_of(once["text_hash"]))
    seen = Seen(part.ids, texts)
    return DayRollUp(day, dict(files), counts, tuple(problems), len(texts), seen)


def _closed(rolled_up: DayRollUp) -> DayRollUp:
    return DayRollUp(
        rolled_up.day,
        rolled_up.files,
        rolled_up.counts,
        rolled_up.problems,
        rolled_up.n_distinct_texts,
    )


def _count_files(
    store: LogStore, names: Sequence[str], repeated: Hashes
) -> tuple[_Part, list[Problem]]:
    """Count the rows of files; those whose identifier is a repeated one are set aside."""

    def attempt(name: str) -> _Part | Problem:
        try:
            pieces = iter_file(store, name, COLUMNS)
            return _join(_count_piece(piece, repeated) for piece in pieces)
        except DataError as error:
            return Problem(store.address(name), str(error))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(attempt, names))
    parts = (one for one in outcomes if isinstance(one, _Part))
    return _join(parts), [one for one in outcomes if isinstance(one, Problem)]


def _count_piece(piece: pa.Table, repeated: Hashes) -> _Part:
    # A file of ours always has identifiers; rows without one are nobody's prediction.
    piece = piece.filter(piece["prediction_id"].is_valid())
    ids = hashes_of(piece["prediction_id"])
    is_aside = np.isin(ids, repeated)
    rows = piece.filter(pa.array(~is_aside))
    texts = np.unique(hashes_of(rows["text_hash"]))
    return _Part(count_rows(rows), ids, texts, piece.filter(pa.array(is_aside)))


def _join(parts: Iterable[_Part]) -> _Part:
    parts = list(parts)
    return _Part(
        Counts.total(part.counts for part in parts),
        np.concatenate([NO_HASH, *(part.ids for part in parts)]),
        np.unique(np.concatenate([NO_HASH, *(part.texts for part in parts)])),
        pa.concat_tables([schema_of(COLUMNS).empty_table(), *(part.aside for part in parts)]),
    )
