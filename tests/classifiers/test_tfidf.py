"""What the TF-IDF family promises beyond the contract."""

import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from libelle.classifiers import linear
from libelle.classifiers.ngrams import count_ngrams, pieces_of
from libelle.classifiers.tfidf import TfidfClassifier
from tests.classifiers.corpus import make_corpus

WORDS = st.lists(st.text("abcdé1", min_size=1, max_size=7), max_size=6).map(" ".join)


def test_features_are_those_of_scikit_learn(corpus):
    texts, codes = corpus
    ours = TfidfClassifier(word_weight=1.0, piece_weight=1.0).fit(texts, codes)
    theirs = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"\S+")
    expected = theirs.fit_transform(texts)
    words, _ = ours._reader.read(texts)
    features = ours._words.weigh(words).toarray()
    column = {ngram: index for index, ngram in enumerate(ours._words.ngrams)}
    for index, ngram in enumerate(theirs.get_feature_names_out()):
        assert features[:, column[ngram]] == pytest.approx(
            expected[:, [index]].toarray()[:, 0], abs=1e-6
        )


@given(word=st.text("abcdé1", min_size=1, max_size=12))
def test_pieces_are_those_of_scikit_learn(word):
    theirs = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()(word)
    assert sorted(pieces_of(word, (2, 5))) == sorted(theirs)


@given(texts=st.lists(WORDS, min_size=1, max_size=8))
def test_counting_together_is_counting_each(texts):
    together = count_ngrams(texts)
    for row, text in enumerate(texts):
        alone = count_ngrams([text])
        for block in ("words", "pieces"):
            many, one = getattr(together, block), getattr(alone, block)
            of_row = dict(zip(many.ngrams, many.counts[[row]].toarray()[0], strict=True))
            expected = dict(zip(one.ngrams, one.counts.toarray()[0], strict=True))
            assert {ngram: count for ngram, count in of_row.items() if count} == expected


def test_sharing_counts_changes_nothing(corpus):
    texts, codes = corpus
    rows = np.arange(0, len(texts), 2)
    shared = count_ngrams(texts)
    some_texts, some_codes = [texts[row] for row in rows], [codes[row] for row in rows]
    for parameters in ({}, {"max_words": 1}, {"min_piece": 3, "max_piece": 4}):
        from_texts = TfidfClassifier(**parameters).fit(some_texts, some_codes)
        from_counts = TfidfClassifier(**parameters).fit_counts(shared.take_rows(rows), some_codes)
        expected = from_texts.scores(texts)
        assert np.allclose(from_counts.scores(texts), expected, atol=1e-4)
        assert np.allclose(from_counts.scores_counts(shared), from_counts.scores(texts), atol=1e-6)


def test_a_word_of_one_text_is_not_learnt(corpus):
    texts, codes = corpus
    secret = ["zorglub zorglub zorglub", *texts]
    state = TfidfClassifier(min_texts=1).fit(secret, ["0101", *codes]).state()
    assert not [word for word in state.strings["words"] if "zorglub" in word]
    assert not [piece for piece in state.strings["pieces"] if "zorg" in piece]


def test_support_vector_machines_are_those_of_liblinear(corpus):
    X, y = features_of(corpus)
    ours = linear.fit_svm(X, y, n_codes=6, cost=1.0, seed=0)
    theirs = LinearSVC(C=1.0, tol=1e-6, max_iter=10_000).fit(X, y)
    assert ours.coefficients.T == pytest.approx(theirs.coef_, abs=0.03)
    assert np.corrcoef(ours.coefficients.T.ravel(), theirs.coef_.ravel())[0, 1] > 0.999


def test_softmax_is_multinomial_logistic_regression(corpus, monkeypatch):
    monkeypatch.setattr(linear, "SOFTMAX_TOLERANCE", 1e-6)
    monkeypatch.setattr(linear, "MAX_EPOCHS", 500)
    X, y = features_of(corpus)
    ours = linear.fit_softmax(X, y, n_codes=6, cost=10.0, seed=0)
    with_bias = csr_array(np.hstack([X.toarray(), np.ones((len(y), 1))]))  # It is penalised too.
    theirs = LogisticRegression(C=10.0, fit_intercept=False, tol=1e-8, max_iter=5000)
    theirs.fit(with_bias, y)
    both = np.vstack([ours.coefficients, ours.intercepts])
    assert both.T == pytest.approx(theirs.coef_, abs=0.02)


def features_of(corpus):
    texts, codes = corpus
    X = csr_array(TfidfVectorizer().fit_transform(texts).astype(np.float32))
    return X, np.unique(codes, return_inverse=True)[1].astype(np.int32)


def test_scoring_imports_neither_scikit_learn_nor_pandas(tmp_path):
    program = (
        "import sys\n"
        "from libelle.classifiers.tfidf import TfidfClassifier\n"
        "from libelle.predictor import Predictor\n"
        "heavy = {'sklearn', 'pandas', 'mlflow', 'numba', 'nltk', 'optuna'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def fitted() -> TfidfClassifier:
    return TfidfClassifier().fit(*make_corpus())


def contributions_by_hand(classifier, text, first, second):
    """Share, one occurrence after another, what each n-gram brings by the definition."""
    words = text.split()
    singles = [(word, (place,)) for place, word in enumerate(words)]
    pairs = [(" ".join(pair), (place, place + 1)) for place, pair in enumerate(pairwise(words))]
    pieces = [
        (piece, (place,)) for place, word in enumerate(words) for piece in pieces_of(word, (2, 5))
    ]
    apart = classifier._coefficients[:, first] - classifier._coefficients[:, second]
    split = len(classifier._words.ngrams)
    amounts = np.zeros(len(words))
    for block, ngrams, slopes in (
        (classifier._words, [*singles, *pairs], apart[:split]),
        (classifier._pieces, pieces, apart[split:]),
    ):
        column = {ngram: column for column, ngram in enumerate(block.ngrams)}
        counts = Counter(ngram for ngram, _ in ngrams if ngram in column)
        weight = {gram: (1 + np.log(n)) * block.idf[column[gram]] for gram, n in counts.items()}
        norm = np.sqrt(sum(value**2 for value in weight.values()))
        for ngram, places in ngrams:
            if ngram in column:
                gain = weight[ngram] / norm * block.weight * slopes[column[ngram]]
                amounts[list(places)] += gain / counts[ngram] / len(places)
    return amounts


@pytest.mark.parametrize(
    "text",
    [
        "nid de poule rue de la gare",
        "nid nid nid zzyzx nid de nid de poule",
        "inscription cantine cantines",
        "zzyzx",
    ],
)
def test_an_ngram_shares_equally_among_its_occurrences_and_their_words(fitted, text):
    expected = contributions_by_hand(fitted, text, 0, 3)
    assert fitted.contributions(text, 0, 3).amounts == pytest.approx(expected, abs=1e-5)


def test_what_no_word_brings_is_the_same_for_every_text(fitted):
    intercepts = fitted.scores([""])[0]
    for text in ("", "nid de poule", "zzyzx"):
        parts = fitted.contributions(text, 1, 4)
        assert parts.baseline == pytest.approx(intercepts[1] - intercepts[4], rel=1e-12)


def test_a_word_of_which_nothing_was_learnt_brings_nothing():
    fitted = TfidfClassifier(piece_weight=0.0, max_words=1).fit(*make_corpus())
    nid, unknown, again = fitted.contributions("nid zzyzx nid", 0, 1).amounts
    assert nid == again > 0
    assert unknown == 0
