"""TF-IDF and linear models: words and pieces of words, weighed, then one weight per code."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from libelle.classifiers.base import Classifier, ClassifierState, Floats, encode_codes
from libelle.classifiers.contributions import Contributions, Places, share_equally
from libelle.classifiers.ngrams import Ints, NgramCounts, TextCounts, count_ngrams, pieces_of

MEMO_WORDS = 200_000
CHUNK_TEXTS = 2_000


class TfidfClassifier(Classifier):
    """Classify by linear models on two blocks of TF-IDF features.

    The first block counts words and pairs of words, the second pieces of words. In each block a
    count `n` becomes `(1 + log n) * idf`, rows get the block's weight as their Euclidean norm, and
    n-grams that fewer than `min_texts` texts have are left out.

    Two models learn from the same features: support vector machines, one code against the rest, and
    a multinomial logistic regression (softmax). A score is `svm_weight` times the margin of the
    first plus `softmax_weight` times the log-odds of the second: a log-linear blend, which is one
    linear model again and costs no more than one.

    Parameters
    ----------
    svm_weight, softmax_weight : float
        Part of each model in the score; 0 leaves the model out.
    svm_cost, softmax_cost : float
        Weight of the losses against the squared norm of the coefficients.
    max_words : {1, 2}
        Longest run of words.
    min_piece, max_piece : int
        Shortest and longest piece of a word, in characters, blanks around the word included.
    word_weight, piece_weight : float
        Norm of each block; 0 leaves the block out.
    min_texts : int
        Distinct texts that must have an n-gram; at least 2, so that a word of one text is not
        learnt.
    seed : int
        Seed of the solver.
    """

    family = "tfidf"

    def __init__(
        self,
        *,
        svm_weight: float = 3.0,
        svm_cost: float = 0.5,
        softmax_weight: float = 1.0,
        softmax_cost: float = 15.0,
        max_words: int = 2,
        min_piece: int = 2,
        max_piece: int = 5,
        word_weight: float = 0.7,
        piece_weight: float = 1.0,
        min_texts: int = 2,
        seed: int = 0,
    ) -> None:
        self.svm_weight = svm_weight
        self.svm_cost = svm_cost
        self.softmax_weight = softmax_weight
        self.softmax_cost = softmax_cost
        self.max_words = max_words
        self.min_piece = min_piece
        self.max_piece = max_piece
        self.word_weight = word_weight
        self.piece_weight = piece_weight
        self.min_texts = min_texts
        self.seed = seed

    def fit(self, X: Sequence[str], y: Sequence[str]) -> Self:
        """Learn from `n_texts` normalised texts and their codes."""
        sizes = (self.min_piece, self.max_piece)
        return self.fit_counts(count_ngrams(X, max_words=self.max_words, piece_sizes=sizes), y)

    def fit_counts(self, counts: TextCounts, y: Sequence[str]) -> Self:
        """Learn from n-grams counted beforehand, which may hold more orders than wanted.

        So that many classifiers share one count of the same texts; the answer is `fit`'s.
        """
        self.classes_, indices = encode_codes(y)
        self._words = self._learn_block(counts.words, (1, self.max_words), self.word_weight)
        sizes = (self.min_piece, self.max_piece)
        self._pieces = self._learn_block(counts.pieces, sizes, self.piece_weight)
        words = counts.words.counts[:, self._words.columns]
        pieces = counts.pieces.counts[:, self._pieces.columns]
        self._fit_models(self._features(words, pieces), indices)
        self._reader = _Reader(self._words.ngrams, self._pieces.ngrams, sizes)
        return self

    def scores(self, X: Sequence[str]) -> Floats:
        """Return margins, or log-odds, of each code, shape `(n_texts, n_codes)`."""
        if len(X) <= CHUNK_TEXTS:
            return self._margins(*self._reader.read(X))
        chunks = [X[start : start + CHUNK_TEXTS] for start in range(0, len(X), CHUNK_TEXTS)]
        return np.concatenate([self.scores(chunk) for chunk in chunks])

    def contributions(self, text: str, first: int, second: int) -> Contributions:
        """Return what each word brings to the score of one code minus that of another.

        Exact: the same weighed features and coefficients as those of `scores`. An n-gram that was
        not learnt brings nothing.
        """
        words = tuple(text.split())
        features = self._features(*self._reader.read([text]))
        of_first, of_second = (
            self._coefficients[features.indices, code].astype(np.float64)
            for code in (first, second)
        )
        columns, holders = self._reader.find_holders(words)
        amounts = share_equally(
            features.data * (of_first - of_second),
            ngrams=np.searchsorted(features.indices, columns),
            holders=holders,
            n_words=len(words),
        )
        baseline = float(self._intercepts[first]) - float(self._intercepts[second])
        return Contributions(words, amounts, baseline)

    def familiarity(self, text: str) -> float:
        """Return one if a word of a text was learnt, otherwise the share of its known pieces."""
        return self._reader.familiarity(text)

    def count_known_words(self, text: str) -> int:
        """Return how many words of a text were learnt."""
        return self._reader.count_known_words(text)

    def scores_counts(self, counts: TextCounts) -> Floats:
        """Return `scores` of texts counted together with those of `fit_counts`."""
        return self._margins(
            counts.words.counts[:, self._words.columns],
            counts.pieces.counts[:, self._pieces.columns],
        )

    def state(self) -> ClassifierState:
        """Return the vocabulary, its weights and the coefficients."""
        return ClassifierState(
            family=self.family,
            parameters=self.get_params(),
            arrays={
                # Fortran order: its transpose, which the product reads, is then contiguous.
                "coefficients": self._coefficients.T,
                "intercepts": self._intercepts,
                "word_idf": self._words.idf,
                "piece_idf": self._pieces.idf,
            },
            strings={
                "classes": tuple(self.classes_),
                "words": tuple(self._words.ngrams),
                "pieces": tuple(self._pieces.ngrams),
            },
        )

    @classmethod
    def from_state(cls, state: ClassifierState) -> Self:
        """Build again a fitted classifier from its state."""
        classifier = cls(**state.parameters)
        classifier.classes_ = np.array(state.strings["classes"], dtype=object)
        classifier._coefficients = state.arrays["coefficients"].T
        classifier._intercepts = state.arrays["intercepts"]
        words, pieces = state.strings["words"], state.strings["pieces"]
        classifier._words = _Block(words, state.arrays["word_idf"], classifier.word_weight)
        classifier._pieces = _Block(pieces, state.arrays["piece_idf"], classifier.piece_weight)
        sizes = (classifier.min_piece, classifier.max_piece)
        classifier._reader = _Reader(words, pieces, sizes)
        return classifier

    def _fit_models(self, features: csr_array, indices: NDArray[np.int32]) -> None:
        """Fit the models that have a weight, and add them up."""
        from libelle.classifiers.linear import fit_softmax, fit_svm

        n_codes = len(self.classes_)
        self._coefficients = np.zeros((features.shape[1], n_codes), np.float32)
        self._intercepts = np.zeros(n_codes, np.float32)
        parts = (
            (fit_svm, self.svm_weight, self.svm_cost),
            (fit_softmax, self.softmax_weight, self.softmax_cost),
        )
        for fit_model, weight, cost in parts:
            if weight > 0:
                fitted = fit_model(features, indices, n_codes=n_codes, cost=cost, seed=self.seed)
                self._coefficients += np.float32(weight) * fitted.coefficients
                self._intercepts += np.float32(weight) * fitted.intercepts

    def _learn_block(self, block: NgramCounts, orders: tuple[int, int], weight: float) -> "_Block":
        columns = block.columns_within(orders=orders, min_texts=max(self.min_texts, 2))
        if weight == 0:
            columns = columns[:0]
        n_texts = np.bincount(block.counts.indices, minlength=len(block.ngrams))[columns]
        idf = np.log((1 + len(block)) / (1 + n_texts)) + 1
        return _Block(tuple(block.ngrams[columns]), idf.astype(np.float32), weight, columns)

    def _margins(self, words: csr_array, pieces: csr_array) -> Floats:
        scores: Floats = (self._features(words, pieces) @ self._coefficients).astype(np.float64)
        scores += self._intercepts
        return scores

    def _features(self, words: csr_array, pieces: csr_array) -> csr_array:
        blocks = [self._words.weigh(words), self._pieces.weigh(pieces)]
        return hstack(blocks, format="csr", dtype=np.float32)


class _Block:
    """The n-grams kept in one block, with what each weighs."""

    def __init__(
        self,
        ngrams: tuple[str, ...],
        idf: NDArray[np.float32],
        weight: float,
        columns: Ints | None = None,
    ) -> None:
        self.ngrams, self.idf, self.weight = ngrams, idf, np.float32(weight)
        self.columns = columns  # Of these n-grams in the counts they were learnt from.

    def weigh(self, counts: csr_array) -> csr_array:
        """Turn counts, shape `(n_texts, n_ngrams)`, into rows of norm `weight`, or of zeros."""
        if counts.nnz == 0:
            return counts
        times = np.arange(1, int(counts.data.max()) + 1)
        dampened = (1 + np.log(times)).astype(np.float32)[counts.data.astype(np.int64) - 1]
        values = dampened * self.idf[counts.indices]
        # A matrix product adds in the order of the row: the same sum alone and in a batch.
        squares = csr_array((values * values, counts.indices, counts.indptr), shape=counts.shape)
        norms = np.sqrt(squares @ np.ones(counts.shape[1], np.float32))
        scales = self.weight / np.where(norms > 0, norms, np.float32(1))
        values *= np.repeat(scales, np.diff(counts.indptr))
        return csr_array((values, counts.indices, counts.indptr), shape=counts.shape)


class _Reader:
    """From normalised texts to counts of known n-grams; what a word brings is remembered."""

    def __init__(self, words: Sequence[str], pieces: Sequence[str], sizes: tuple[int, int]) -> None:
        self._column_of_words = {ngram: column for column, ngram in enumerate(words)}
        self._column_of_piece = {piece: column for column, piece in enumerate(pieces)}
        self._sizes = sizes
        self._pieces_of_word: dict[str, NDArray[np.int32]] = {}

    def read(self, texts: Sequence[str]) -> tuple[csr_array, csr_array]:
        """Return counts of words and pairs, and of pieces, each of shape `(n_texts, n_ngrams)`."""
        word_columns: list[int] = []
        word_ends, piece_ends = [0], [0]
        pieces: list[NDArray[np.int32]] = []
        n_pieces = 0
        for text in texts:
            words = text.split()
            word_columns.extend(self._known(words))
            word_ends.append(len(word_columns))
            for word in words:
                columns = self._pieces(word)
                pieces.append(columns)
                n_pieces += len(columns)
            piece_ends.append(n_pieces)
        piece_columns = np.concatenate(pieces) if pieces else np.zeros(0, np.int32)
        return (
            _count(np.array(word_columns, np.int32), word_ends, len(self._column_of_words)),
            _count(piece_columns, piece_ends, len(self._column_of_piece)),
        )

    def find_holders(self, words: Sequence[str]) -> tuple[Places, Places]:
        """Return each known n-gram that a word of a text holds, and the place of this word.

        N-grams are columns of both blocks side by side. A pair has two holders.
        """
        held = [
            (self._column_of_words[word], place)
            for place, word in enumerate(words)
            if word in self._column_of_words
        ]
        for place, (first, second) in enumerate(pairwise(words)):
            column = self._column_of_words.get(f"{first} {second}")
            if column is not None:
                held += [(column, place), (column, place + 1)]
        n_before = len(self._column_of_words)
        for place, word in enumerate(words):
            held += [(n_before + column, place) for column in self._pieces(word).tolist()]
        columns, holders = np.array(held, np.int64).reshape(-1, 2).T
        return columns, holders

    def familiarity(self, text: str) -> float:
        """Return one if a word of a text is known, otherwise the share of its known pieces."""
        words = text.split()
        if any(word in self._column_of_words for word in words):
            return 1.0
        pieces = [piece for word in words for piece in pieces_of(word, self._sizes)]
        n_known = sum(piece in self._column_of_piece for piece in pieces)
        return n_known / len(pieces) if pieces else 0.0

    def count_known_words(self, text: str) -> int:
        """Return how many words of a text are known; all of them to a reader of pieces only."""
        words = text.split()
        if not self._column_of_words:
            return len(words)
        return sum(map(self._column_of_words.__contains__, words))

    def _known(self, words: list[str]) -> list[int]:
        ngrams = [*words, *(f"{first} {second}" for first, second in pairwise(words))]
        return [self._column_of_words[ngram] for ngram in ngrams if ngram in self._column_of_words]

    def _pieces(self, word: str) -> NDArray[np.int32]:
        columns = self._pieces_of_word.get(word)
        if columns is None:
            known = map(self._column_of_piece.get, pieces_of(word, self._sizes))
            columns = np.array([column for column in known if column is not None], np.int32)
            if len(self._pieces_of_word) < MEMO_WORDS and len(word) <= 64:
                self._pieces_of_word[word] = columns
        return columns


def _count(columns: NDArray[np.int32], ends: list[int], n_ngrams: int) -> csr_array:
    ones = np.ones(len(columns), np.float32)
    indptr = np.array(ends, np.int32)
    counts = csr_array((ones, columns, indptr), shape=(len(ends) - 1, n_ngrams))
    counts.sum_duplicates()
    return counts
