"""What fastText alone could break: reproducibility, privacy, reading by lines, its own file."""

import hashlib
import re
import resource
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libelle.classifiers import fasttext as module
from libelle.classifiers.fasttext import MODEL_FILE, FastTextClassifier
from libelle.errors import MissingPackageError, ModelError, StorageError, TrainingError
from tests.classifiers.corpus import make_corpus

PARTS = ("__label__0", "__label__", "_", "</s>", "</", " ", "\n", "\0", "\x85", "\ud800", "a")
ODD_TEXTS = st.lists(st.sampled_from(PARTS)).map("".join)
WORDS = ("eau", "feu", "bois", "fer", "sel")
CORPORA = st.lists(st.lists(st.sampled_from(WORDS), max_size=5), min_size=2, max_size=6)


def make_classifier(**options) -> FastTextClassifier:
    return FastTextClassifier(**{"dim": 10, "epoch": 30, "bucket": 1000, **options})


@pytest.fixture(scope="module")
def fitted() -> FastTextClassifier:
    return make_classifier().fit(*make_corpus())


@pytest.fixture
def temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@contextmanager
def no_file_larger_than(n_bytes):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def file_of(classifier) -> bytes:
    return classifier.state().blobs[MODEL_FILE]


def words_of(classifier) -> set[str]:
    return set(classifier._model.get_words()) - {"</s>"}


def digest_of(classifier) -> str:
    return hashlib.sha256(file_of(classifier)).hexdigest()


# Reproducible


def test_training_twice_in_one_process_gives_the_same_file():
    digests = set()
    for seed_of_other in range(3):
        digests.add(digest_of(make_classifier(bucket=20_000).fit(*make_corpus())))
        # What another training leaves in memory is not to enter the next one.
        make_classifier(bucket=20_000, lr=1.0, seed=seed_of_other).fit(*make_corpus())
    assert len(digests) == 1


def test_another_seed_gives_another_file(fitted):
    assert digest_of(make_classifier(seed=1).fit(*make_corpus())) != digest_of(fitted)


def test_a_file_loaded_and_written_again_is_the_same(fitted):
    assert file_of(FastTextClassifier.from_state(fitted.state())) == file_of(fitted)


# Private


@settings(max_examples=15)
@given(texts=CORPORA, min_texts=st.integers(1, 3))
def test_the_words_learnt_are_those_that_several_texts_have(texts, min_texts):
    codes = ["01", "02", *["01"] * (len(texts) - 2)]
    classifier = make_classifier(min_texts=min_texts, epoch=1)
    learnt = words_of(classifier.fit([" ".join(words) for words in texts], codes))
    several = max(min_texts, 2)
    assert learnt == {word for word in WORDS if sum(word in text for text in texts) >= several}


def test_neither_a_word_of_one_text_nor_a_code_stands_in_the_file():
    texts, codes = make_corpus()
    texts = [*texts, "dupontel dupontel dupontel creche creche"]
    content = file_of(make_classifier().fit(texts, [*codes, "secret-code"]))
    assert b"creche" in content
    assert b"dupont" not in content
    assert b"secret" not in content


def test_texts_are_removed_from_the_disk_whatever_happens(temporary_folder):
    file_of(make_classifier().fit(*make_corpus()))
    with pytest.raises(TrainingError, match="fastText cannot learn"):
        make_classifier(lr=1e6).fit(*make_corpus())
    assert not list(temporary_folder.iterdir())


# Lines, labels, ends of line


@given(text=st.one_of(st.text(), ODD_TEXTS))
def test_any_text_is_read_as_one_line_of_words_without_label(fitted, text):
    line = module._one_line(text)
    words, labels = fitted._model.get_line(line)
    assert labels == []
    assert words == [*line.split(), "</s>"]


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\0", "\t\v\f", "\x85", "\u2028", "\xa0"])
def test_any_blank_separates_words_as_a_space_does(fitted, blank):
    plain = fitted.scores(["menu de la cantine"])
    assert np.array_equal(fitted.scores([f"menu{blank}de la cantine{blank}"]), plain)


def test_labels_and_ends_of_line_typed_in_texts_change_no_code():
    texts, codes = make_corpus()
    odd = [f"__label__1 {text}\n__label__99 </s> </s>\nsuite" for text in texts]
    fitted = make_classifier().fit(odd, codes)
    assert len(fitted._model.get_labels()) == len(fitted.classes_) == 6
    assert {"label__99", "suite"} <= words_of(fitted)
    assert np.mean(fitted.predict(odd) == np.array(codes, dtype=object)) > 0.6


def test_codes_may_hold_anything():
    texts, codes = make_corpus()
    odd = {"0101": "", "0102": " a b ", "0201": "é\n\0", "0202": "__label__0", "0301": "01\u2028"}
    fitted = make_classifier().fit(texts, [odd.get(code, code) for code in codes])
    assert list(fitted.classes_) == sorted([*odd.values(), "0302"])
    assert fitted.predict(["menu de la cantine"]) == ["__label__0"]


def test_texts_without_any_word_known_look_like_the_codes_at_large():
    texts = ["", "", "", "", "pain frais", "pain frais"]
    fitted = make_classifier(max_char=0).fit(texts, ["01", "01", "01", "02", "02", "02"])
    empty, unknown = fitted.predict_proba(["", "zzz"])
    assert np.array_equal(empty, fitted.predict_proba(["\n"])[0])
    assert 0.5 < empty[0] < 1
    assert unknown.sum() == pytest.approx(1)


def test_without_any_word_to_learn_every_code_is_as_likely():
    fitted = make_classifier(min_texts=9, max_char=0, word_ngrams=1).fit(["a", "b"], ["01", "02"])
    assert fitted.predict_proba(["a", ""]) == pytest.approx(np.full((2, 2), 0.5))


# Scores


def test_scores_are_fasttexts_own_probabilities_without_what_it_adds(fitted):
    texts, _ = make_corpus()
    probabilities = np.exp(fitted.scores(texts))
    for text, row in zip(texts, probabilities, strict=True):
        labels, own = fitted._model.predict(text, k=-1)
        indices = [int(label.removeprefix("__label__")) for label in labels]
        assert own - 1e-5 == pytest.approx(row[indices], abs=2e-7)


def test_an_unlikely_code_keeps_its_rank_and_a_finite_score():
    texts, codes = make_corpus()
    scores = make_classifier(epoch=300, lr=1.0).fit(texts, codes).scores(texts)
    assert np.isfinite(scores).all()
    assert scores.min() < np.log(1e-5) - 1
    assert all(len(set(row)) == len(row) for row in scores)


# Contributions


OPTIONS = {
    "by default": {},
    "runs of three words": {"word_ngrams": 3},
    "no run": {"word_ngrams": 1},
    "no piece": {"min_char": 0, "max_char": 0},
    "words only": {"min_char": 0, "max_char": 0, "word_ngrams": 1},
    "no word learnt": {"min_texts": 1000},
    "few vectors": {"bucket": 7},
}


@pytest.fixture(scope="module", params=OPTIONS.values(), ids=OPTIONS)
def any_fitted(request) -> FastTextClassifier:
    return make_classifier(**request.param).fit(*make_corpus())


@pytest.mark.parametrize(
    "text",
    ["", "cantine", "nid de poule nid de nid", "zzyzx rue", "été œuvre \U0001f600 naïve", "</s> a"],
)
def test_the_vectors_read_again_are_those_of_fasttext(any_fitted, text):
    [scores] = any_fitted.scores([text])
    for first, second in ((0, 1), (5, 2)):
        parts = any_fitted.contributions(text, first, second)
        expected = scores[first] - scores[second]
        assert parts.amounts.sum() + parts.baseline == pytest.approx(expected, abs=5e-6)


def test_a_run_of_words_shares_equally_between_them(fitted):
    model = fitted._model
    direction = fitted._code_vectors[:, 0] - fitted._code_vectors[:, 3]
    menu, cantine = (model.get_subwords(word)[1] for word in ("menu", "cantine"))
    n_both, n_alone = len(menu) + len(cantine) + 3, len(cantine) + 2  # Runs and the end of line.
    both = n_both * (model.get_sentence_vector("menu cantine") @ direction)
    alone = n_alone * (model.get_sentence_vector("cantine") @ direction)
    # No hash is asked: what both words bring over the second alone is the first and their run.
    first = sum(model.get_input_vector(int(row)) @ direction for row in menu)
    run = both - alone - first
    assert abs(run) > 0.1
    amount = fitted.contributions("menu cantine", 0, 3).amounts[0]
    assert amount * n_both == pytest.approx(first + run / 2, abs=1e-4)


def test_the_end_of_the_line_is_what_no_word_brings(fitted):
    [scores] = fitted.scores([""])
    parts = fitted.contributions("", 0, 3)
    assert (parts.words, len(parts.amounts)) == ((), 0)
    assert parts.baseline == pytest.approx(scores[0] - scores[3], abs=5e-6)
    alone = make_classifier(word_ngrams=1).fit(*make_corpus())
    n_vectors = 1 + sum(len(alone._model.get_subwords(word)[1]) for word in ("menu", "cantine"))
    with_words = alone.contributions("menu cantine", 0, 3).baseline
    assert with_words * n_vectors == pytest.approx(alone.contributions("", 0, 3).baseline)


# What goes wrong


def test_a_training_that_diverges_says_what_to_lower():
    with pytest.raises(TrainingError, match=r"lr=1000000\.0.*Encountered NaN.*lower lr"):
        make_classifier(lr=1e6).fit(*make_corpus())


def test_a_training_that_diverges_in_silence_is_refused_too():
    with pytest.raises(TrainingError, match=r"lr=15\.0.*grow without end.*Lower lr"):
        make_classifier(lr=15.0).fit(*make_corpus())


def test_parameters_that_fasttext_refuses_are_an_error_of_training():
    with pytest.raises(TrainingError, match="bucket must be > 0"):
        make_classifier(bucket=0).fit(*make_corpus())


def test_a_full_disk_stops_the_training_with_a_word_on_room(temporary_folder):
    with (
        no_file_larger_than(1000),
        pytest.raises(StorageError, match=r"temporary folder.*Make room"),
    ):
        make_classifier().fit(*make_corpus())
    assert not list(temporary_folder.iterdir())


def test_half_a_file_is_never_given_as_the_model(fitted):
    with (
        no_file_larger_than(len(file_of(fitted)) - 1),
        pytest.raises(StorageError, match="whole model"),
    ):
        fitted.state()


def test_a_file_of_another_model_is_refused(fitted):
    other = make_classifier().fit(["a b", "a b"], ["01", "02"]).state()
    state = replace(fitted.state(), blobs=other.blobs)
    with pytest.raises(ModelError, match=re.escape(f"{MODEL_FILE} has 2 codes, its model 6")):
        FastTextClassifier.from_state(state)


@pytest.mark.parametrize("content", [b"", b"not a model at all"])
def test_a_file_that_is_no_model_is_refused(fitted, content, tmp_path):
    path = tmp_path / MODEL_FILE
    path.write_bytes(content)
    for blob in (path, content):
        state = replace(fitted.state(), blobs={MODEL_FILE: blob})
        with pytest.raises(ModelError, match="cannot be read by fastText"):
            FastTextClassifier.from_state(state)


# Which fastText


@pytest.fixture
def import_again(monkeypatch):
    module._import_fasttext.cache_clear()
    monkeypatch.delitem(sys.modules, "fasttext")
    yield module._import_fasttext
    module._import_fasttext.cache_clear()


def test_without_fasttext_the_message_says_what_to_install(import_again, monkeypatch):
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(MissingPackageError, match=r"'fasttext-community'.*extra \[train\]"):
        make_classifier().fit(*make_corpus())


def test_a_file_that_shadows_the_module_is_refused(import_again, monkeypatch, tmp_path):
    (tmp_path / "fasttext.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match=r"fasttext\.py.*cannot be trusted"):
        import_again()


@pytest.mark.parametrize("name", ["fasttext", "fasttext_wheel", "floret"])
def test_another_distribution_of_the_module_is_refused(import_again, monkeypatch, tmp_path, name):
    folder = tmp_path / f"{name}-0.9.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.9\n")
    (folder / "top_level.txt").write_text("fasttext\nfasttext_pybind\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match=f"found: .*{name.replace('_', '-')}"):
        import_again()
