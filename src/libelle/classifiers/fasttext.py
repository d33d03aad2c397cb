"""fastText: a vector for each word, piece of word and run of words; their mean, then a softmax."""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import distribution, packages_distributions
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from libelle.classifiers.base import Classifier, ClassifierState, Floats, encode_codes
from libelle.classifiers.contributions import Contributions, share_equally
from libelle.errors import MissingPackageError, ModelError, StorageError, TrainingError

DISTRIBUTION = "fasttext-community"
MODEL_FILE = "fasttext.bin"
END_OF_LINE = "</s>"  # What fastText reads after the last word of a line, as one word more.
# Code vectors of sound models stay below 30; a training that diverges in silence goes beyond 900.
LARGEST_WEIGHT = 100.0
# A word that begins like a label would be read as one, and nothing is read after the end of line.
RESERVED = re.compile(r"(?<!\S)(?:__(?=label__)|</(?=s>))")


class FastTextClassifier(Classifier):
    """Classify by fastText: the mean of learnt vectors, then a softmax.

    One thread and a seed: the same texts give the same model, to the last bit. Only words that
    several texts have are written in the model; runs of words and pieces of words are numbered by
    a hash and never written.

    Parameters
    ----------
    dim : int
        Length of the vectors.
    epoch : int
        Passes over the texts.
    lr : float
        Learning rate at the beginning; it falls to 0.
    word_ngrams : int
        Longest run of words.
    min_char, max_char : int
        Shortest and longest piece of a word, in characters; 0 and 0 for none.
    bucket : int
        Vectors shared by runs and pieces of words: `4 * dim * bucket` bytes of the model.
    min_texts : int
        Texts that must have a word for it to be learnt; at least 2. A repetition inside one text
        does not count.
    seed : int
        Seed of the first vectors and of the order of updates.

    References
    ----------
    Joulin, Grave, Bojanowski and Mikolov (2017), Bag of tricks for efficient text classification,
    EACL 2, 427-431.
    """

    family = "fasttext"

    def __init__(
        self,
        *,
        dim: int = 30,
        epoch: int = 25,
        lr: float = 0.5,
        word_ngrams: int = 2,
        min_char: int = 3,
        max_char: int = 6,
        bucket: int = 100_000,
        min_texts: int = 2,
        seed: int = 0,
    ) -> None:
        self.dim = dim
        self.epoch = epoch
        self.lr = lr
        self.word_ngrams = word_ngrams
        self.min_char = min_char
        self.max_char = max_char
        self.bucket = bucket
        self.min_texts = min_texts
        self.seed = seed

    def fit(self, X: Sequence[str], y: Sequence[str]) -> Self:
        """Learn from `n_texts` normalised texts and their codes.

        Raises
        ------
        TrainingError
            If fastText refuses its parameters or diverges.
        StorageError
            If the temporary folder, where the texts stand while it learns, cannot be written.
        """
        self.classes_, indices = encode_codes(y)
        fasttext = _import_fasttext()
        min_texts = max(self.min_texts, 2)
        with _temporary_folder() as folder:
            path = folder / "texts.txt"
            with path.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(_training_lines(X, indices, min_texts=min_texts))
            try:
                model = fasttext.train_supervised(input=str(path), **self._options(min_texts))
            except (RuntimeError, ValueError, MemoryError) as error:
                raise self._failure(f"{error} On 'Encountered NaN', lower lr.") from error
        self._attach(model)
        if not np.abs(self._code_vectors).max(initial=0) < LARGEST_WEIGHT:
            raise self._failure("its vectors grow without end. Lower lr.")
        return self

    def scores(self, X: Sequence[str]) -> Floats:
        """Return logarithms of probabilities, shape `(n_texts, n_codes)`.

        They come from the vectors rather than from fastText's own answers, which add 1e-5 to each
        probability, round to single precision and lose the order of the codes.
        """
        hidden = np.empty((len(X), self._code_vectors.shape[0]))
        for row, text in enumerate(X):
            hidden[row] = self._model.get_sentence_vector(_one_line(text))
        logits = _multiply_rows(hidden, self._code_vectors)
        logits -= logits.max(axis=1, keepdims=True)
        log_probabilities: Floats = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return log_probabilities

    def contributions(self, text: str, first: int, second: int) -> Contributions:
        """Return what each word brings to the score of one code minus that of another.

        Exact: the vector of a text is the mean of the vectors of its words, of their pieces and of
        runs of words, which fastText numbers by a hash that is done again here. What the end of the
        line brings is in the baseline, with its share of the runs that it ends.

        A word's amount is divided by the number of these vectors: it depends on the whole text.
        """
        tokens = [*_one_line(text).split(), END_OF_LINE]
        rows = self._find_rows(tokens)
        direction = self._code_vectors[:, first] - self._code_vectors[:, second]
        gains = np.zeros(len(rows))
        for number, (row, _) in enumerate(rows):
            # Without BLAS, as in `scores`: the bits are those of this vector alone.
            gains[number] = (self._model.get_input_vector(row) * direction).sum()
        amounts = share_equally(
            gains / len(rows),
            ngrams=np.repeat(np.arange(len(rows)), [len(places) for _, places in rows]),
            holders=np.array([place for _, places in rows for place in places], np.int64),
            n_words=len(tokens),
        )
        return Contributions(tuple(tokens[:-1]), amounts[:-1], float(amounts[-1]))

    def familiarity(self, text: str) -> float:
        """Return one if a word of a text was learnt, zero otherwise: its pieces are hashed."""
        return float(self.count_known_words(text) > 0)

    def count_known_words(self, text: str) -> int:
        """Return how many words of a text were learnt."""
        return sum(self._model.get_word_id(word) >= 0 for word in _one_line(text).split())

    def state(self) -> ClassifierState:
        """Return the codes and fastText's own file.

        Raises
        ------
        StorageError
            If the temporary folder cannot hold the file.
        """
        return ClassifierState(
            family=self.family,
            parameters=self.get_params(),
            strings={"classes": tuple(self.classes_)},
            blobs={MODEL_FILE: _file_of(self._model)},
        )

    @classmethod
    def from_state(cls, state: ClassifierState) -> Self:
        """Build again a fitted classifier from its state.

        A damaged file may crash fastText or load silently: verify its digest beforehand. No digest
        protects from a hostile file, which only another process can load safely.

        Raises
        ------
        ModelError
            If fastText refuses the file, or the file is of another model.
        """
        classifier = cls(**state.parameters)
        classifier.classes_ = np.array(state.strings["classes"], dtype=object)
        return classifier._attach(_load_model(state.blobs[MODEL_FILE]))

    def _find_rows(self, tokens: Sequence[str]) -> list[tuple[int, range]]:
        """Return the vectors whose mean is that of a text, and the places of the words in each."""
        rows = [
            (int(row), range(place, place + 1))
            for place, token in enumerate(tokens)
            for row in self._model.get_subwords(token)[1]
        ]
        n_words = len(self._model.words)
        runs = _number_runs(tokens, longest=self.word_ngrams, bucket=self.bucket)
        return rows + [(n_words + number, places) for number, places in runs]

    def _options(self, min_texts: int) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "epoch": self.epoch,
            "lr": self.lr,
            "wordNgrams": self.word_ngrams,
            "minn": self.min_char,
            "maxn": self.max_char,
            "bucket": self.bucket,
            "minCount": min_texts,
            "seed": self.seed,
            "loss": "softmax",
            "thread": 1,  # With two, updates race and no two trainings agree.
            "verbose": 0,
        }

    def _failure(self, why: str) -> TrainingError:
        options = f"lr={self.lr}, epoch={self.epoch}, dim={self.dim}, bucket={self.bucket}"
        return TrainingError(f"fastText cannot learn with {options}: {why}")

    def _attach(self, model: Any) -> Self:
        labels = [f"__label__{index}" for index in range(len(self.classes_))]
        position = {label: row for row, label in enumerate(model.get_labels())}
        if set(labels) != set(position):
            raise ModelError(
                f"{MODEL_FILE} has {len(position)} codes, its model {len(labels)}: "
                "the file is of another model. Make the model again."
            )
        rows = [position[label] for label in labels]
        self._code_vectors = np.ascontiguousarray(
            model.get_output_matrix()[rows].T, dtype=np.float64
        )
        self._model = model
        return self


def _training_lines(
    texts: Sequence[str], indices: NDArray[np.int32], *, min_texts: int
) -> Iterator[str]:
    """Give one line for each text, so that counting occurrences tells how many texts have a word.

    fastText learns the words that occur `min_texts` times: what fewer texts have is written once
    for each of them, however often it is repeated there.
    """
    words_of_texts = [_one_line(text).split(" ") for text in texts]
    n_texts = Counter(chain.from_iterable(map(set, words_of_texts)))
    for index, words in zip(indices, words_of_texts, strict=True):
        written: set[str] = set()
        kept = []
        for word in words:
            if n_texts[word] >= min_texts or word not in written:
                kept.append(word)
                written.add(word)
        yield f"__label__{index} {' '.join(kept)}\n"


def _one_line(text: str) -> str:
    """Return a text that fastText reads as words between blanks, whatever it holds."""
    readable = text.encode("utf-8", "replace").decode()  # No half of a surrogate pair.
    return RESERVED.sub("", " ".join(readable.replace("\0", " ").split()))


def _number_runs(
    tokens: Sequence[str], *, longest: int, bucket: int
) -> Iterator[tuple[int, range]]:
    """Give the number of each run of two words or more, and the places of its words.

    References
    ----------
    `Dictionary::addWordNgrams` of fastText: 64 bits, where hashes of 32 bits enter with a sign.
    """
    hashes = [_hash_word(token) for token in tokens]
    for start, number in enumerate(hashes):
        for end in range(start + 1, min(start + longest, len(hashes))):
            number = (number * 116049371 + hashes[end]) % 2**64
            yield number % bucket, range(start, end + 1)


def _hash_word(word: str) -> int:
    """Return the hash of a word as fastText keeps it, between -2**31 and 2**31.

    References
    ----------
    `Dictionary::hash` of fastText: FNV-1a in 32 bits, where bytes enter with a sign.
    """
    number = 2166136261
    for byte in memoryview(word.encode()).cast("b"):
        number = (number ^ byte) * 16777619 % 2**32
    return number - 2**32 if number >= 2**31 else number


def _multiply_rows(hidden: Floats, code_vectors: Floats) -> Floats:
    """Multiply as a sparse matrix: with BLAS a row would depend on the rows around it."""
    n_texts, dim = hidden.shape
    columns = np.tile(np.arange(dim, dtype=np.int32), n_texts)
    ends = np.arange(n_texts + 1, dtype=np.int64) * dim
    rows = csr_array((hidden.ravel(), columns, ends), shape=hidden.shape)
    product: Floats = rows @ code_vectors
    return product


def _file_of(model: Any) -> bytes:
    """Return the content of the file that fastText writes."""
    with _temporary_folder() as folder:
        path = folder / MODEL_FILE
        model.save_model(str(path))
        content = path.read_bytes()
    # On a full disk fastText stops writing and says nothing; these vectors stand last in the file.
    if not content.endswith(model.get_output_matrix().tobytes()):
        raise StorageError(
            f"fastText could not write its whole model ({len(content)} bytes were). "
            "Make room in the temporary folder, or name another one in TMPDIR."
        )
    return content


def _load_model(file: Path | bytes) -> Any:
    fasttext = _import_fasttext()
    if isinstance(file, bytes):
        with _temporary_folder() as folder:
            path = folder / MODEL_FILE
            path.write_bytes(file)
            return _load_model(path)
    try:
        return fasttext.load_model(str(file))
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ModelError(
            f"{file} cannot be read by fastText: {error}. Fetch or make the model again."
        ) from error


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Give a folder that nobody else can read, removed in any case."""
    try:
        with tempfile.TemporaryDirectory(prefix="libelle-") as folder:
            yield Path(folder)
    except OSError as error:
        raise StorageError(
            f"The temporary folder cannot be used ({error}). "
            "Make room there, or name another one in TMPDIR."
        ) from error


@cache
def _import_fasttext() -> Any:
    """Import fastText, after a look at who installed it.

    Several distributions install a module of that name; the others train on uninitialised memory
    or answer wrong probabilities.
    """
    found = find_spec("fasttext")
    if found is None:
        raise MissingPackageError(DISTRIBUTION, extra="train", purpose="A fastText classifier")
    owners = {
        name.replace("_", "-").lower() for name in packages_distributions().get("fasttext", [])
    }
    if owners != {DISTRIBUTION} or not _is_installed_by(DISTRIBUTION, str(found.origin)):
        raise ModelError(
            f"The module 'fasttext' ({found.origin}) is not the one of {DISTRIBUTION}, or other "
            f"packages replace its files (found: {', '.join(sorted(owners)) or 'none'}); models "
            f"made by another cannot be trusted. Uninstall it, then install {DISTRIBUTION} again."
        )
    import fasttext

    return fasttext


def _is_installed_by(name: str, path: str) -> bool:
    files = distribution(name).files or []
    return any(Path(str(file.locate())) == Path(path) for file in files)
