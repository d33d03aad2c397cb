"""What every classifier promises."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from libelle.classifiers.base import Classifier
from libelle.classifiers.calibrated import CalibratedClassifier, Calibration
from libelle.classifiers.families import classifier_from_state
from libelle.classifiers.fasttext import FastTextClassifier
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.errors import TrainingError
from tests.classifiers.corpus import make_corpus

FAMILIES = {
    "blend": lambda: TfidfClassifier(),
    "svm": lambda: TfidfClassifier(softmax_weight=0.0),
    "softmax": lambda: TfidfClassifier(svm_weight=0.0),
    "words only": lambda: TfidfClassifier(piece_weight=0.0, max_words=1),
    "pieces only": lambda: TfidfClassifier(word_weight=0.0, min_piece=3),
    "fasttext": lambda: FastTextClassifier(dim=10, epoch=25, lr=1.0, bucket=1000),
    "calibrated": lambda: CalibratedClassifier(
        classifier=TfidfClassifier(), calibration=Calibration(2.0, 0.2)
    ),
    "vector": lambda: CalibratedClassifier(
        classifier=TfidfClassifier(), calibration=Calibration(biases=(0.0, 1.0, 0.0, 2.0, 0.0, 0.0))
    ),
    "isotonic": lambda: CalibratedClassifier(
        classifier=TfidfClassifier(),
        calibration=Calibration(curve=((0.0, 0.5, 1.0), (0.1, 0.6, 0.9))),
    ),
}
ANY_CHARACTERS = st.lists(st.characters() | st.sampled_from("\ud800\udfff\0\né "), max_size=20)
ANY_TEXTS = st.lists(ANY_CHARACTERS.map("".join), min_size=1, max_size=8)
KNOWN_WORDS = sorted(set(" ".join(make_corpus()[0]).split()))
UNKNOWN_WORDS = ["zzyzx", "qwrtp", "cantines", "0"]
MIXTURES = st.lists(st.sampled_from([*KNOWN_WORDS, *UNKNOWN_WORDS]), max_size=12).map(" ".join)
TWO_CODES = st.permutations(range(6)).map(lambda codes: codes[:2])


@pytest.fixture(scope="session")
def fitted_by_name() -> dict[str, Classifier]:
    texts, codes = make_corpus()
    return {name: make().fit(texts, codes) for name, make in FAMILIES.items()}


@pytest.fixture(params=FAMILIES)
def name(request) -> str:
    return request.param


@pytest.fixture
def fitted(name, fitted_by_name) -> Classifier:
    return fitted_by_name[name]


def test_classes_are_sorted_text_codes(fitted, corpus):
    assert list(fitted.classes_) == sorted(set(corpus[1]))
    assert all(type(code) is str for code in fitted.classes_)


def test_it_learns(fitted, corpus):
    texts, codes = corpus
    assert np.mean(fitted.predict(texts) == np.array(codes, dtype=object)) > 0.6


@settings(max_examples=30, deadline=None)
@given(texts=ANY_TEXTS)
def test_rows_are_probabilities_for_any_text(fitted_by_name, texts):
    for fitted in fitted_by_name.values():
        probabilities = fitted.predict_proba(texts)
        assert probabilities.shape == (len(texts), len(fitted.classes_))
        assert probabilities.min() >= 0
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(texts=ANY_TEXTS)
def test_a_row_depends_on_its_own_text_only_to_the_last_bit(fitted_by_name, texts):
    batch = [*texts, *make_corpus()[0][:20]]
    for fitted in fitted_by_name.values():
        together = fitted.predict_proba(batch)
        alone = np.concatenate([fitted.predict_proba([text]) for text in batch])
        assert np.array_equal(together, alone)


def test_no_text_gives_no_row(fitted):
    assert fitted.predict_proba([]).shape == (0, len(fitted.classes_))


def test_the_likeliest_code_is_the_predicted_one(fitted, corpus):
    likeliest = fitted.predict_proba(corpus[0]).argmax(axis=1)
    assert list(fitted.predict(corpus[0])) == list(fitted.classes_[likeliest])


def test_the_same_training_gives_the_same_bits(name, corpus):
    first, second = (FAMILIES[name]().fit(*corpus).predict_proba(corpus[0]) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_state_without_pickle_gives_the_same_bits(fitted, corpus, tmp_path):
    state = fitted.state()
    assert json.loads(json.dumps(state.parameters)) == dict(state.parameters)
    again = classifier_from_state(state)
    assert np.array_equal(again.predict_proba(corpus[0]), fitted.predict_proba(corpus[0]))


def test_the_order_of_the_codes_is_not_the_order_of_the_texts(name, corpus):
    rows = list(zip(*corpus, strict=True))
    random.Random(1).shuffle(rows)
    texts, codes = zip(*rows, strict=True)
    fitted = FAMILIES[name]().fit(texts, codes)
    assert list(fitted.classes_) == sorted(set(codes))
    assert np.mean(fitted.predict(texts) == np.array(codes, dtype=object)) > 0.6


def test_it_can_be_cloned_by_scikit_learn(name):
    original = FAMILIES[name]()
    copy = clone(original)
    assert copy is not original
    assert repr_of(copy) == repr_of(original)


def repr_of(classifier):
    parameters = classifier.get_params()
    return {
        key: repr_of(value) if isinstance(value, Classifier) else value
        for key, value in parameters.items()
    }


def test_one_code_only_cannot_be_learnt(name):
    with pytest.raises(TrainingError, match="at least two codes"):
        FAMILIES[name]().fit(["un texte", "un autre texte"], ["0101", "0101"])


def test_an_unknown_parameter_is_refused(name):
    with pytest.raises(TypeError, match="no parameter"):
        FAMILIES[name]().set_params(colour="blue")


def test_familiarity_is_that_of_what_was_learnt(fitted, corpus):
    assert fitted.familiarity(corpus[0][0]) == 1
    assert 0 <= fitted.familiarity("zzyzx qwrtp") < 0.5
    assert fitted.familiarity("") == 0


def test_known_words_are_those_that_were_learnt(fitted, corpus):
    text = corpus[0][0]
    n_known_words = fitted.count_known_words(text)
    assert 0 < n_known_words <= len(text.split())
    n_unknown = fitted.count_known_words("zzyzx qwrtp")
    assert fitted.count_known_words(f"zzyzx {text} qwrtp") == n_known_words + n_unknown
    assert fitted.count_known_words("") == 0


def scores_before_any_curve(fitted, text):
    if isinstance(fitted, CalibratedClassifier) and fitted.calibration.curve is not None:
        straight = replace(fitted.calibration, curve=None)
        fitted = CalibratedClassifier(classifier=fitted.classifier, calibration=straight)
        fitted.with_priors(make_corpus()[1])
    return fitted.scores([text])[0]


def assert_parts_make_the_difference(fitted, text, first, second):
    scores = scores_before_any_curve(fitted, text)
    parts = fitted.contributions(text, first, second)
    total = sum(parts.amounts) + parts.baseline
    # The products of scores are in single precision, those of contributions in double.
    tolerance = 5e-6 * max(1, np.abs(scores).max())
    assert total == pytest.approx(scores[first] - scores[second], abs=tolerance)
    assert parts.score_difference == pytest.approx(total, rel=1e-12, abs=1e-12)


@given(text=MIXTURES, codes=TWO_CODES)
@example(text="", codes=[0, 1])
@example(text="zzyzx qwrtp", codes=[1, 0])
@example(text="nid de poule nid de nid nid", codes=[0, 5])
@example(text="cantine " * 40, codes=[3, 2])
def test_contributions_sum_to_the_difference_of_scores(fitted_by_name, text, codes):
    for fitted in fitted_by_name.values():
        assert_parts_make_the_difference(fitted, text, *codes)


@given(texts=ANY_TEXTS, codes=TWO_CODES)
@example(texts=["été œuvre naïve", "</s> __label__0 nid"], codes=[0, 1])
def test_contributions_sum_for_any_text(fitted_by_name, texts, codes):
    for fitted in fitted_by_name.values():
        for text in texts:
            assert_parts_make_the_difference(fitted, text, *codes)


@given(text=MIXTURES)
def test_each_occurrence_of_a_word_has_its_contribution_in_order(fitted_by_name, text):
    for fitted in fitted_by_name.values():
        parts = fitted.contributions(text, 0, 1)
        assert parts.words == tuple(text.split())
        assert parts.amounts.shape == (len(parts.words),)
        assert parts.amounts.dtype == np.float64


def test_the_words_of_a_code_speak_for_it(fitted, corpus):
    first, second = (list(fitted.classes_).index(code) for code in ("0202", "0101"))
    words = ("menu", "cantine", "trou", "chaussee")
    menu, cantine, trou, chaussee = fitted.contributions(" ".join(words), first, second).amounts
    assert min(menu, cantine) > 0 > max(trou, chaussee)


def test_contributions_of_a_loaded_classifier_are_the_same_bits(fitted, corpus):
    again = classifier_from_state(fitted.state())
    for text in corpus[0][::10]:
        ours, theirs = fitted.contributions(text, 2, 4), again.contributions(text, 2, 4)
        assert np.array_equal(ours.amounts, theirs.amounts)
        assert ours.baseline == theirs.baseline
