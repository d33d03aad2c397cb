"""What a saved model promises: whole, verified, without pickle, the same bits."""

import errno
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from libelle.classifiers.calibrated import CalibratedClassifier
from libelle.classifiers.fasttext import FastTextClassifier
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer, NormalizerOptions
from libelle.decision import Decision, Guarantee, GuaranteeStatus, Reason
from libelle.errors import ModelError, StorageError
from libelle.features import Features
from libelle.predictor import Predictor, _load_pyfunc
from libelle.predictor import folder as folder_module
from tests.classifiers.corpus import TOPICS, make_corpus

ANY_CHARACTERS = st.lists(st.characters() | st.sampled_from("\ud800\udfff\0\né "), max_size=20)
ANY_TEXTS = st.lists(ANY_CHARACTERS.map("".join), min_size=1, max_size=6)
EXPLAINED_WORDS = ("nid", "de", "poule", "école", "L'ÉCLAIRAGE", "cantine", "zzyzx", "rue", "!")


def make_predictor(classifier=None, **options) -> Predictor:
    texts, codes = make_corpus()
    inside = classifier or CalibratedClassifier(classifier=TfidfClassifier())
    return Predictor(
        normalizer=Normalizer(NormalizerOptions()),
        classifier=inside.fit(texts, codes),
        nomenclature=Nomenclature.from_rows(
            ["01", "02", "03", *TOPICS],
            ["Voirie", "Enfance", "État civil", *(phrases[0] for phrases in TOPICS.values())],
            [None, None, None, *(code[:2] for code in TOPICS)],
        ),
        about={"name": "demo", "thresholds": []},
        **options,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return make_predictor().save(tmp_path_factory.mktemp("models") / "demo")


@pytest.fixture(scope="module")
def predictor(saved):
    return Predictor.load(saved)


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


@given(texts=ANY_TEXTS, explain=st.booleans())
def test_alone_or_in_any_batch_the_answer_is_the_same(predictor, texts, explain):
    alone = [predictor.predict([text], explain=explain)[0] for text in texts]
    assert predictor.predict(texts, explain=explain) == alone


@given(texts=ANY_TEXTS)
def test_a_prediction_has_its_whole_shape(predictor, texts):
    for prediction in predictor.predict(texts, top_k=3):
        assert prediction.code is None
        assert prediction.title is None
        if prediction.decision is Decision.REFUSED:
            assert prediction.reason not in (Reason.NO_THRESHOLD, Reason.BELOW_THRESHOLD)
            assert prediction.confidence == 0
            continue
        assert prediction.reason is Reason.NO_THRESHOLD
        probabilities = [candidate.probability for candidate in prediction.candidates]
        assert probabilities == sorted(probabilities, reverse=True)
        assert [candidate.rank for candidate in prediction.candidates] == [1, 2, 3]
        assert prediction.confidence == probabilities[0]


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "!!! ...", "…"])
def test_a_text_without_a_word_is_refused(predictor, text):
    (prediction,) = predictor.predict([text])
    assert prediction.decision is Decision.REFUSED
    assert prediction.reason is Reason.EMPTY


def test_a_code_is_given_only_above_the_threshold():
    promise = Guarantee(status=GuaranteeStatus.GUARANTEED, threshold=0.7)
    predictor = make_predictor(guarantee=promise)
    sure, unsure = predictor.predict(["nid de poule rue de la gare", "rue de la gare"])
    assert (sure.decision, sure.code, sure.title) == ("automatic", "0101", "nid de poule")
    assert (unsure.decision, unsure.code, unsure.reason) == ("review", None, "below_threshold")


def test_suspended_nothing_is_automatic_until_it_is_resumed():
    promise = Guarantee(status=GuaranteeStatus.GUARANTEED, threshold=0.0, threshold_id="t")
    predictor = make_predictor(guarantee=promise)
    [before] = predictor.predict(["nid de poule"])
    predictor.suspend()
    [meanwhile] = predictor.predict(["nid de poule"])
    assert (meanwhile.decision, meanwhile.reason) == (Decision.REVIEW, Reason.SUSPENDED)
    assert (meanwhile.code, meanwhile.candidates) == (None, before.candidates)
    assert predictor.guarantee.threshold_id == "t"
    predictor.suspend(False)
    assert predictor.predict(["nid de poule"]) == [before]


def test_a_model_without_threshold_has_nothing_to_suspend(predictor):
    predictor.suspend()
    assert predictor.guarantee.status is GuaranteeStatus.NONE


def test_features_are_those_of_the_texts(predictor):
    features = predictor.answer(["Nid de poule, zzyzx", ""]).features
    assert features == Features([19, 0], [4, 0], [1, 0])
    assert features.at(0) == Features([19], [4], [1])


def test_predictions_bear_the_names_that_they_are_given(predictor):
    answered = predictor.answer(["nid de poule", ""], prediction_ids=["a", "b"])
    assert [one.prediction_id for one in answered.predictions] == ["a", "b"]


def test_candidates_are_the_likeliest_codes(predictor):
    (prediction,) = predictor.predict(["lampadaire eteint"], top_k=100)
    probabilities = predictor.classifier.predict_proba(["lampadaire eteint"])[0]
    expected = [predictor.codes[column] for column in np.argsort(-probabilities, kind="stable")]
    assert [candidate.code for candidate in prediction.candidates] == expected


@pytest.mark.parametrize("family", [TfidfClassifier, FastTextClassifier])
def test_saved_and_loaded_answers_are_the_same_bits(tmp_path, family):
    original = make_predictor(CalibratedClassifier(classifier=family()))
    loaded = Predictor.load(original.save(tmp_path / "model"))
    texts = [*make_corpus()[0], "", "été ?", "inconnu"]
    normalized = original.normalizer.normalize_many(texts)
    expected = original.classifier.predict_proba(normalized)
    assert np.array_equal(loaded.classifier.predict_proba(normalized), expected)
    assert loaded.predict(texts, explain=True) == original.predict(texts, explain=True)
    assert loaded.digest == original.digest
    assert loaded.answers_golden_texts()


@given(words=st.lists(st.sampled_from(EXPLAINED_WORDS), min_size=1, max_size=10))
def test_an_explanation_sums_to_the_log_odds_of_two_candidates(predictor, words):
    text = " ".join(["cantine", *words])  # A known word: it is not refused.
    (prediction,) = predictor.predict([text], explain=True)
    explanation = prediction.explanation
    contributions = [word.contribution for word in explanation.words]
    total = sum(contributions) + explanation.baseline
    assert total == pytest.approx(explanation.score_difference, rel=1e-9, abs=1e-12)
    probabilities = predictor.classifier.predict_proba(predictor.normalizer.normalize_many([text]))
    second, first = np.sort(probabilities[0])[-2:]
    assert explanation.score_difference == pytest.approx(np.log(first / second), abs=5e-5)


@pytest.mark.parametrize("top_k", [1, 2, 5])
def test_an_explanation_is_against_the_second_candidate_shown_or_not(predictor, top_k):
    text = "Éclairage de l'école, éclairage !"
    _, second = predictor.predict([text], top_k=2)[0].candidates
    (prediction,) = predictor.predict([text], top_k=top_k, explain=True)
    assert structs.astuple(prediction.explanation.against) == (second.code, second.title)
    words = [word.word for word in prediction.explanation.words]
    assert words == ["eclairage", "de", "ecole", "eclairage"]


def test_explaining_changes_nothing_else(predictor):
    texts = [*make_corpus()[0][::8], "", "0101", "zzyzx"]
    explained = predictor.predict(texts, explain=True)
    assert [structs.replace(one, explanation=None) for one in explained] == predictor.predict(texts)


@pytest.mark.parametrize("text", ["", "0101", "12345", "zzzz", "x", "qwrtp"])
def test_a_refused_text_is_not_explained(predictor, text):
    (prediction,) = predictor.predict([text], explain=True)
    assert prediction.decision is Decision.REFUSED
    assert prediction.explanation is None


def test_the_only_code_comes_before_no_other(predictor):
    state = TfidfClassifier().fit(*make_corpus()).state()
    kept = {name: state.arrays[name][:1] for name in ("coefficients", "intercepts")}
    classifier = TfidfClassifier.from_state(
        replace(
            state,
            arrays={**state.arrays, **kept},
            strings={**state.strings, "classes": state.strings["classes"][:1]},
        )
    )
    alone = Predictor(
        normalizer=predictor.normalizer,
        classifier=classifier,
        nomenclature=predictor.nomenclature,
        about={"name": "demo", "thresholds": []},
    )
    (prediction,) = alone.predict(["nid de poule"], explain=True)
    assert prediction.candidates
    assert prediction.explanation is None


def test_what_is_not_asked_is_not_computed(predictor, monkeypatch):
    def computed(*_args):
        raise AssertionError("contributions are computed")

    monkeypatch.setattr(CalibratedClassifier, "contributions", computed)
    assert predictor.predict(["nid de poule"])[0].explanation is None
    assert predictor.predict(["0101"], explain=True)[0].explanation is None
    with pytest.raises(AssertionError, match="contributions are computed"):
        predictor.predict(["nid de poule"], explain=True)


def test_two_identical_trainings_have_the_same_digest(tmp_path):
    first, second = make_predictor(), make_predictor(provenance={"run_id": "another"})
    first.save(tmp_path / "first")
    second.save(tmp_path / "second")
    assert first.digest == second.digest


def test_a_changed_byte_is_refused_wherever_it_is(folder):
    for path in sorted(folder.iterdir()):
        if path.name in ("manifest.json", "manifest.sha256", "provenance.json"):
            continue
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(ModelError, match="SHA-256 differs"):
            Predictor.load(folder)
        path.write_bytes(content)
    Predictor.load(folder)


def test_a_missing_file_is_named(folder):
    (folder / "intercepts.npy").unlink()
    with pytest.raises(ModelError, match=r"lacks files.*intercepts\.npy"):
        Predictor.load(folder)


def test_an_added_pickle_is_refused_and_never_opened(folder, tmp_path):
    canary = tmp_path / "canary"
    poison = f"cposix\nsystem\n(S'touch {canary}'\ntR."
    (folder / "model.pkl").write_text(poison)
    with pytest.raises(ModelError, match=r"does not name.*model\.pkl"):
        Predictor.load(folder)
    assert not canary.exists()


def test_a_pickled_array_is_refused_even_when_the_manifest_names_it(folder):
    np.save(folder / "intercepts.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    rewrite_manifest(folder)
    with pytest.raises(ModelError, match="contradict"):
        Predictor.load(folder)


def test_a_name_cannot_lead_out_of_the_folder(folder, tmp_path):
    np.save(tmp_path / "outside.npy", np.zeros(6, np.float32))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["arrays"].append("../outside")
    forge(folder, json.dumps(manifest))
    with pytest.raises(ModelError, match="does not list"):
        Predictor.load(folder)


def test_a_newer_format_says_which_version_made_it(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    changed = manifest | {"format_version": 99, "package_version": "9.1"}
    forge(folder, json.dumps(changed))
    with pytest.raises(ModelError, match=r"format 99.*9\.1"):
        Predictor.load(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format_version": 1}', '{"files": {}}'])
def test_a_damaged_manifest_is_refused(folder, content):
    forge(folder, content)
    with pytest.raises(ModelError, match="not a manifest"):
        Predictor.load(folder)


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        Predictor.load(tmp_path)


def test_an_mlflow_folder_is_read_too(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "mlflow" / "predictor")
    (tmp_path / "mlflow" / "MLmodel").write_text("flavors: {}")
    assert Predictor.load(tmp_path / "mlflow").digest == Predictor.load(saved).digest


def test_a_full_disk_leaves_no_half_model(tmp_path, monkeypatch):
    def no_space(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    predictor = make_predictor()
    monkeypatch.setattr(folder_module, "pack_strings", no_space)
    with pytest.raises(StorageError, match="No space left"):
        predictor.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_never_written_over(saved):
    with pytest.raises(StorageError, match="exists already"):
        make_predictor().save(saved)


def test_golden_texts_tell_a_tampered_model(folder):
    golden = json.loads((folder / "golden.json").read_text())
    golden[-1]["confidence"] = 0.123
    (folder / "golden.json").write_text(json.dumps(golden))
    rewrite_manifest(folder)
    assert not Predictor.load(folder).answers_golden_texts()


def test_a_model_holds_no_training_text(saved):
    contents = b"".join(path.read_bytes() for path in saved.iterdir())
    assert not [text for text in make_corpus()[0] if text.encode() in contents]


def test_arrays_are_mapped_and_contiguous_for_the_product(predictor):
    coefficients = predictor.classifier.classifier._coefficients
    assert coefficients.flags.c_contiguous
    assert not coefficients.flags.owndata


def test_serving_a_folder_imports_nothing_heavy(saved):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from libelle.predictor import Predictor\n"
        f"assert Predictor.load(Path({str(saved)!r})).predict(['nid de poule'])\n"
        "heavy = {'sklearn', 'pandas', 'mlflow', 'numba', 'nltk', 'fasttext', 'pyarrow'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def rewrite_manifest(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {
        name: described
        for name, described in folder_module.fingerprint_files(folder).items()
        if name not in ("manifest.json", "manifest.sha256", "provenance.json")
    }
    forge(folder, json.dumps(manifest))


def forge(folder, content):
    """Write a manifest as one who wants it to be believed."""
    (folder / "manifest.json").write_text(content)
    (folder / "manifest.sha256").unlink()


def test_a_changed_manifest_is_refused(tmp_path):
    path = make_predictor().save(tmp_path / "m")
    manifest = path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"demo"', '"dema"'))
    with pytest.raises(ModelError, match="manifest that was written"):
        Predictor.load(path)


def test_a_model_without_the_digest_of_its_manifest_is_read(tmp_path):
    path = make_predictor().save(tmp_path / "m")
    (path / "manifest.sha256").unlink()
    assert Predictor.load(path).digest


def test_a_missing_text_is_an_empty_one_behind_mlflow(tmp_path):
    pd = pytest.importorskip("pandas")
    model = _load_pyfunc(str(make_predictor().save(tmp_path / "m")))
    answers = model.predict(pd.DataFrame({"text": ["nid de poule", None, float("nan")]}))
    assert answers["reason"].tolist()[1:] == ["empty", "empty"]
    nothing = model.predict(pd.DataFrame({"text": []}))
    assert list(nothing.columns) == list(answers.columns)
