"""Retention: days that are too old leave the log, and texts leave it before."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from libelle.decision import Decision
from libelle.errors import DataError, UsageError
from libelle.monitoring.prediction_log.files import read_file, replace_file
from libelle.monitoring.prediction_log.reading import Problem
from libelle.monitoring.prediction_log.store import LogStore
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

_ATTEMPTS = 3
_NAMED_BY = ("prediction_id", "decision", "text_hash")


@dataclass
class RetentionSummary:
    """What left the log, whole days with their files.

    Attributes
    ----------
    n_days, n_files : int
    """

    n_days: int = 0
    n_files: int = 0


@dataclass
class ForgottenSummary:
    """What texts left because they are too old.

    Attributes
    ----------
    n_days, n_texts : int
    problems : list of Problem
        Files that could not be looked at: texts may stay in them until their day is deleted.
    """

    n_days: int = 0
    n_texts: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class SpentTexts:
    """Predictions whose texts nobody needs any more.

    Attributes
    ----------
    judged : frozenset of str
        All those who were to judge them did, and no audit needs their texts. The same text goes
        wherever it was to be reviewed. What was coded automatically stays: it is the part of the
        automatic texts, fixed by chance alone, in which audits look for errors. If those that
        somebody corrected left it, audits would find too few.
    learnt : frozenset of str
        A retraining learnt from them.
    needed : frozenset of str
        Audits need them, even if they were to be reviewed and say the same as one that is judged.
    """

    judged: frozenset[str]
    learnt: frozenset[str]
    needed: frozenset[str]


@dataclass
class SpentSummary:
    """What spent texts left, and what is left of them.

    Attributes
    ----------
    n_texts, n_files : int
        Texts taken out, and files written again without them.
    n_left : int
        Texts found when all was read again: 0, or it is to be done again.
    problems : list of Problem
        Files that could not be looked at.
    """

    n_texts: int = 0
    n_files: int = 0
    n_left: int = 0
    problems: list[Problem] = field(default_factory=list)


def purge(
    uri: str,
    *,
    older_than_days: int,
    now: datetime,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> RetentionSummary:
    """Delete the days that are over since more than some days, whatever lies in their folders.

    Raises
    ------
    StorageError
        If the log is out of reach.
    UsageError
        If it is asked to keep less than today.
    """
    store = LogStore(uri, options)
    summary = RetentionSummary()
    for day in list(_old_days(store, older_than_days, now)):
        summary.n_files += store.delete_day(day)
        summary.n_days += 1
    return summary


def forget_texts(
    uri: str,
    *,
    older_than_days: int,
    now: datetime,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> ForgottenSummary:
    """Take the texts out of the days that are over since more than some days; rows stay.

    Files that are none of libelle's are left as they are, and named.

    Raises
    ------
    StorageError
        If the log is out of reach.
    UsageError
        If it is asked to keep less than today.
    """
    store = LogStore(uri, options)
    summary = ForgottenSummary()
    store.delete_half_written()
    for day in _old_days(store, older_than_days, now):
        n_texts = sum(_forget(store, name, summary) for name in store.files(day))
        summary.n_days += n_texts > 0
        summary.n_texts += n_texts
    return summary


def forget_spent_texts(
    uri: str,
    spent: SpentTexts,
    *,
    within_days: int,
    now: datetime,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> SpentSummary:
    """Take out of the log the texts that nobody needs any more, then look again; rows stay.

    Only days that `forget_texts` left alone are looked at. Each file is there without them before
    it goes with them: cut in between, it is to be done again. To be run by one process at a time,
    and not while another one compacts or erases.

    Raises
    ------
    StorageError
        If the log is out of reach.
    UsageError
        If it is asked to keep less than today.
    """
    oldest = oldest_day(within_days, now)
    store, summary = LogStore(uri, options), SpentSummary()
    store.delete_half_written()
    for _ in range(_ATTEMPTS):  # What is uploaded meanwhile is found the next time.
        summary.problems.clear()
        names = [name for day in store.days() if day >= oldest for name in store.files(day)]
        hashes = _hashes_of(store, names, spent.judged | spent.learnt)
        found = [_forget_spent(store, name, spent, hashes, summary) for name in names]
        summary.n_left = sum(found)
        if summary.n_left == 0:
            break
    return summary


def _hashes_of(store: LogStore, names: Sequence[str], predictions: frozenset[str]) -> pa.Array:
    """Return what stands for the texts of predictions."""
    wanted = pa.array(sorted(predictions), pa.string())
    hashes = [pa.array([], pa.string())]
    for name in names:
        with suppress(DataError, FileNotFoundError):  # The first is told later.
            rows = read_file(store, name, ["prediction_id", "text_hash"])
            found = rows.filter(pc.is_in(rows["prediction_id"], wanted))
            hashes.extend(found["text_hash"].chunks)
    return pc.drop_null(pc.unique(pa.concat_arrays(hashes)))


def _forget_spent(
    store: LogStore, name: str, spent: SpentTexts, hashes: pa.Array, summary: SpentSummary
) -> int:
    """Take spent texts out of a file, and return how many there were."""
    try:
        are_spent = _find_spent(read_file(store, name, _NAMED_BY), spent, hashes)
        if not pc.any(are_spent).as_py():
            return 0
        has_text = read_file(store, name, ["text"])["text"].is_valid()
        gone = pc.and_(are_spent, has_text)
        n_texts: int = pc.sum(gone).as_py() or 0
        if n_texts:
            replace_file(store, name, _without_texts(read_file(store, name), gone))
    except FileNotFoundError:  # Written again meanwhile, under another name.
        return 0
    except DataError as error:
        summary.problems.append(Problem(store.address(name), str(error)))
        return 0
    summary.n_texts += n_texts
    summary.n_files += n_texts > 0
    return n_texts


def _find_spent(rows: pa.Table, spent: SpentTexts, hashes: pa.Array) -> pa.ChunkedArray:
    def are_in(predictions: frozenset[str]) -> pa.ChunkedArray:
        return pc.is_in(rows["prediction_id"], pa.array(sorted(predictions), pa.string()))

    is_automatic = pc.fill_null(pc.equal(rows["decision"], Decision.AUTOMATIC.value), False)
    is_kept = pc.or_(is_automatic, are_in(spent.needed))
    says_the_same = pc.is_in(rows["text_hash"], hashes)
    return pc.or_(are_in(spent.learnt), pc.and_not(says_the_same, is_kept))


def _forget(store: LogStore, name: str, summary: ForgottenSummary) -> int:
    """Take the texts out of a file, and return how many there were."""
    try:
        texts = read_file(store, name, ["text"])["text"]
        n_texts: int = len(texts) - texts.null_count
        if n_texts:
            table = read_file(store, name)
            replace_file(store, name, _without_texts(table, table["text"].is_valid()))
    except FileNotFoundError:  # Written again meanwhile, under another name.
        return 0
    except DataError as error:
        summary.problems.append(Problem(store.address(name), str(error)))
        return 0
    return n_texts


def _without_texts(table: pa.Table, gone: pa.ChunkedArray) -> pa.Table:
    """Return the rows, of which some lose their text."""
    for column in ("text", "text_kind"):
        place = table.schema.get_field_index(column)
        kept = pc.if_else(gone, pa.scalar(None, pa.string()), table[column])
        table = table.set_column(place, table.schema.field(column), kept)
    return table


def _old_days(store: LogStore, older_than_days: int, now: datetime) -> Iterator[date]:
    oldest = oldest_day(older_than_days, now)
    return (day for day in store.days() if day < oldest)


def oldest_day(n_days: int, now: datetime) -> date:
    """Return the first of the days that are over since some days at most.

    Raises
    ------
    UsageError
        If it is asked to keep less than today.
    """
    if n_days < 1:
        raise UsageError(f"{n_days} days cannot be kept: today is always. Give 1 or more.")
    return now.date() - timedelta(days=n_days)
