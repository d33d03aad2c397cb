"""Folds: one classifier fitted and scored on one fold, from texts prepared once for all trials."""

import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from libelle.classifiers.base import Floats, softmax
from libelle.classifiers.calibrated import log_priors
from libelle.classifiers.ngrams import NgramCounts, TextCounts, count_ngrams
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.strings import pack_strings, unpack_strings
from libelle.data.text import Normalizer, NormalizerOptions
from libelle.errors import StorageError, TrainingError
from libelle.evaluation import log_loss, macro_f1_of_columns, targets_of
from libelle.training.calibration import fit_calibration
from libelle.training.space import MAX_WORDS, PIECE_SIZES, Specification

Ints = NDArray[np.int64]
BLOCKS = ("words", "pieces")


@dataclass(frozen=True)
class FoldResult:
    """Metrics of one fold; `error` says why it could not be fitted."""

    fold: int
    accuracy: float
    macro_f1: float
    log_loss: float
    seconds: float
    error: str | None = None


class Study:
    """A folder that several processes share: texts, codes, folds, and what was computed already.

    Every result is a file named by what it depends on, written whole or not at all. A search that
    is interrupted, even killed, finds its finished folds again; two trials alike share their folds.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts = _read_strings(folder / "texts")
        self.codes = _read_strings(folder / "codes")
        self.folds: NDArray[np.int8] = np.load(folder / "folds.npy")
        self.n_folds = int(self.folds.max()) + 1
        self.classes = tuple(sorted(set(self.codes)))
        self.targets = targets_of(self.codes, self.classes)
        self.log_priors = log_priors(self.codes, np.array(self.classes, dtype=object))

    @classmethod
    def create(
        cls, folder: Path, texts: Sequence[str], codes: Sequence[str], folds: NDArray[np.int8]
    ) -> "Study":
        """Write the texts into a folder, or find what an interrupted search left there."""
        (folder / "folds").mkdir(parents=True, exist_ok=True)
        if not (folder / "folds.npy").exists():
            _write_strings(folder / "texts", texts)
            _write_strings(folder / "codes", codes)
            _write_array(folder / "folds.npy", folds)
        return cls(folder)

    def prepare(self, options: NormalizerOptions) -> None:
        """Normalise all texts and count their n-grams, unless it is done."""
        folder = self._prepared_folder(options)
        if (folder / "done").exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        normalized = Normalizer(options).normalize_many(self.texts)
        _write_strings(folder / "texts", normalized)
        counts = count_ngrams(normalized, max_words=MAX_WORDS, piece_sizes=PIECE_SIZES)
        for name in BLOCKS:
            _write_block(folder, name, getattr(counts, name))
        (folder / "done").touch()

    def normalized(self, options: NormalizerOptions) -> tuple[str, ...]:
        """Return the texts as `options` normalise them."""
        return _read_strings(self._prepared_folder(options) / "texts")

    def counts(self, options: NormalizerOptions) -> TextCounts:
        """Return the n-grams of the texts as `options` normalise them, mapped from the disk."""
        folder = self._prepared_folder(options)
        return TextCounts(*(_read_block(folder, name) for name in BLOCKS))

    def find_result(self, specification: Specification, fold: int) -> FoldResult | None:
        """Return the result of a fold that was computed before, if it was."""
        path = self._result_path(specification, fold)
        if not path.exists():
            return None
        return FoldResult(**json.loads(path.read_text(encoding="utf-8")))

    def keep_result(self, specification: Specification, result: FoldResult) -> None:
        """Write the result of a fold."""
        content = json.dumps(vars(result)).encode()
        _write_bytes(self._result_path(specification, result.fold), content)

    def keep_scores(self, specification: Specification, fold: int, scores: Floats) -> None:
        """Write the scores of a fold's texts."""
        _write_array(self._scores_path(specification, fold), scores.astype(np.float32))

    def drop_scores(self, specification: Specification) -> None:
        """Forget the scores of a trial that did not win."""
        for fold in range(self.n_folds):
            self._scores_path(specification, fold).unlink(missing_ok=True)

    def missing_scores(self, specification: Specification) -> list[int]:
        """Return the folds whose scores were forgotten."""
        folds = range(self.n_folds)
        return [fold for fold in folds if not self._scores_path(specification, fold).exists()]

    def out_of_fold_scores(self, specification: Specification) -> Floats:
        """Return the scores of every text by the classifier that did not learn from it.

        Shape `(n_texts, n_codes)`, columns in the order of `classes`.
        """
        scores = np.empty((len(self.codes), len(self.classes)))
        for fold in range(self.n_folds):
            scores[self.folds == fold] = np.load(self._scores_path(specification, fold))
        return scores

    def _prepared_folder(self, options: NormalizerOptions) -> Path:
        return self.folder / f"normalized-{_digest(options.to_dict())}"

    def _result_path(self, specification: Specification, fold: int) -> Path:
        return self.folder / "folds" / f"{_digest(specification.to_dict())}-{fold}.json"

    def _scores_path(self, specification: Specification, fold: int) -> Path:
        return self._result_path(specification, fold).with_suffix(".npy")


@contextmanager
def reserve(folder: Path) -> Iterator[None]:
    """Keep the folder of a study for this process; the kernel lets it go, even after a kill.

    Raises
    ------
    TrainingError
        If another process has it.
    StorageError
        If nothing can be written there.
    """
    path = folder.with_name(f"{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("a+b", buffering=0)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}. "
            "Free some space, or set LIBELLE_HOME to another folder."
        ) from error
    with lock:  # The file stays: removed, it could be locked by one and made again by another.
        _lock(lock, path)
        yield


def _lock(lock: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        raise TrainingError(
            f"The same training is running already (process {lock.read().decode() or 'unknown'}, "
            f"which holds {path}). Wait for its end, or stop it: what it finished will be kept."
        ) from error
    except OSError:
        return  # Some network folders have no locks.
    with suppress(OSError):  # The number is a help to a person; a full disk is told elsewhere.
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())


@lru_cache(maxsize=1)
def open_study(folder: Path) -> Study:
    """Return the study of a folder, opened once in each process."""
    return Study(folder)


@lru_cache(maxsize=2)
def _counts(folder: Path, options: NormalizerOptions) -> TextCounts:
    return open_study(folder).counts(options)


@lru_cache(maxsize=2)
def _normalized(folder: Path, options: NormalizerOptions) -> tuple[str, ...]:
    return open_study(folder).normalized(options)


def forget_studies() -> None:
    """Forget what this process has in memory of any study."""
    for cached in (open_study, _counts, _normalized):
        cached.cache_clear()


def prepare(folder: Path, options: NormalizerOptions) -> None:
    """Prepare the texts of a study for one normalisation; runs in a worker."""
    open_study(folder).prepare(options)


def run_fold(folder: Path, specification: Specification, fold: int) -> FoldResult:
    """Fit on every fold but one, score that one, keep the result; runs in a worker."""
    study = open_study(folder)
    started = time.perf_counter()
    try:
        scores = _fit_and_score(study, specification, fold)
    except TrainingError as error:
        seconds = time.perf_counter() - started
        return FoldResult(fold, 0.0, 0.0, float("inf"), seconds, error=str(error))
    seconds = time.perf_counter() - started
    result = _measure(study, specification, fold, scores, seconds=seconds)
    study.keep_scores(specification, fold, scores)
    study.keep_result(specification, result)
    return result


def watch_parent() -> None:
    """End this worker when the process that started it is gone, even killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _fit_and_score(study: Study, specification: Specification, fold: int) -> Floats:
    """Return scores of the fold's texts, with a column for each code of the study."""
    held_out = np.flatnonzero(study.folds == fold)
    learnt = np.flatnonzero(study.folds != fold)
    codes = [study.codes[row] for row in learnt]
    classifier = specification.make_classifier()
    if isinstance(classifier, TfidfClassifier):
        counts = _counts(study.folder, specification.normalizer)
        classifier.fit_counts(counts.take_rows(learnt), codes)
        scores = classifier.scores_counts(counts.take_rows(held_out))
    else:
        texts = _normalized(study.folder, specification.normalizer)
        classifier.fit([texts[row] for row in learnt], codes)
        scores = classifier.scores([texts[row] for row in held_out])
    return _spread(scores, targets_of(list(classifier.classes_), study.classes), study)


def _spread(scores: Floats, columns: Ints, study: Study) -> Floats:
    """Give a column to the codes that the other folds lack: the least likely ones."""
    spread = np.repeat(scores.min(axis=1, keepdims=True), len(study.classes), axis=1)
    spread[:, columns] = scores
    return spread


def _measure(
    study: Study, specification: Specification, fold: int, scores: Floats, *, seconds: float
) -> FoldResult:
    targets = study.targets[study.folds == fold]
    probabilities = softmax(_calibrate_by_halves(study, scores, targets, specification.metric))
    answers = probabilities.argmax(axis=1)
    return FoldResult(
        fold,
        accuracy=float((answers == targets).mean()),
        macro_f1=macro_f1_of_columns(targets, answers, n_codes=len(study.classes)),
        log_loss=log_loss(probabilities, targets),
        seconds=seconds,
    )


def _calibrate_by_halves(study: Study, scores: Floats, targets: Ints, metric: str) -> Floats:
    """Calibrate each half of a fold's scores with what suits the other half."""
    even = np.arange(len(targets)) % 2 == 0
    calibrated = np.empty_like(scores)
    for half, other in ((even, ~even), (~even, even)):
        calibration = fit_calibration(
            scores[other], targets[other], study.log_priors, metric=metric
        )
        calibrated[half] = calibration.scores(scores[half], study.log_priors)
    return calibrated


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:24]


def _write_bytes(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


def _write_array(path: Path, array: NDArray[Any]) -> None:
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    np.save(temporary, array, allow_pickle=False)
    temporary.replace(path)


def _write_strings(path: Path, strings: Sequence[str]) -> None:
    blob, offsets = pack_strings(strings)
    _write_array(path.with_suffix(".utf8.npy"), blob)
    _write_array(path.with_suffix(".offsets.npy"), offsets)


def _read_strings(path: Path) -> tuple[str, ...]:
    blob = np.load(path.with_suffix(".utf8.npy"))
    return unpack_strings(blob, np.load(path.with_suffix(".offsets.npy")))


def _write_block(folder: Path, name: str, block: NgramCounts) -> None:
    for part in ("data", "indices", "indptr"):
        _write_array(folder / f"{name}-{part}.npy", getattr(block.counts, part))
    _write_array(folder / f"{name}-orders.npy", block.orders)
    _write_strings(folder / f"{name}-ngrams", tuple(block.ngrams))


def _read_block(folder: Path, name: str) -> NgramCounts:
    def load(part: str) -> NDArray[Any]:
        array: NDArray[Any] = np.load(folder / f"{name}-{part}.npy", mmap_mode="r")
        return array

    ngrams = np.array(_read_strings(folder / f"{name}-ngrams"), dtype=object)
    indptr = load("indptr")
    shape = (len(indptr) - 1, len(ngrams))
    counts = csr_array((load("data"), load("indices"), indptr), shape=shape, copy=False)
    return NgramCounts(counts, ngrams, np.array(load("orders")))
