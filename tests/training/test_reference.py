"""The reference of drift: counted on texts that the model never learnt from, in its manifest."""

import json
from dataclasses import replace

import pytest

from libelle.data.datasets import Dataset
from libelle.predictor import Predictor
from libelle.profile import read_reference
from libelle.training.certification import Targets
from libelle.training.configuration import TrainingConfiguration
from libelle.training.pipeline import train
from libelle.training.recertification import recertify
from libelle.training.reference import make_reference
from tests.classifiers.corpus import TOPICS
from tests.evaluated import make_coded_texts, make_model, make_threshold

QUICK = TrainingConfiguration(
    n_trials=1, n_folds=2, families=("svm",), target_errors=(0.3,), indicative=True
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    rows = [
        (f"{phrase} au numéro {number} bis", code, f"2026-01-{1 + number:02}")
        for code, phrases in TOPICS.items()
        for phrase in phrases
        for number in range(20)
    ]
    texts, codes, dates = (list(column) for column in zip(*rows, strict=True))
    dataset = Dataset(texts=texts, codes=codes, dates=dates, name="requests")
    return train(
        dataset,
        name="requests",
        home=home,
        output=home / "model",
        configuration=QUICK,
        n_workers=1,
    )


def test_a_model_holds_the_profile_of_the_texts_held_out(trained):
    reference = read_reference(Predictor.load(trained.folder).manifest)
    held_out = (trained.split.certify, trained.split.test)
    assert reference.n_texts == len({key for part in held_out for key in part.keys})
    days = [day for part in held_out for day in part.dates]
    assert (reference.since, reference.until) == (min(days), max(days))
    assert sum(reference.right) <= reference.n_answered
    assert reference.word_sums.u > 0  # Numbers of houses that no text of fit has.


def test_the_reference_counts_what_the_model_answers():
    predictor = make_model((make_threshold(threshold=0.5), make_threshold(id="b", threshold=None)))
    texts = list(dict.fromkeys(make_coded_texts().texts))
    reference = make_reference(
        predictor, [Dataset(texts=texts, codes=["0101"] * len(texts))], seed=0
    )
    decisions = [str(one.decision) for one in predictor.predict(texts)]
    assert reference.n_texts == len(texts)
    assert 0 < reference.automatic["0123456789ab"] == decisions.count("automatic") < len(texts)
    assert reference.automatic["b"] == 0
    assert reference.n_refused == decisions.count("refused") > 0


def test_no_text_stands_in_the_reference(trained):
    written = json.dumps(trained.predictor.manifest["reference"])
    assert not any(word in written for word in ("poule", "creche", "bis", "passeport"))


def test_repeated_texts_count_once():
    predictor, dataset = make_model(), make_coded_texts()
    doubled = replace(dataset, texts=dataset.texts * 2, codes=dataset.codes * 2)
    once, twice = (make_reference(predictor, [data], seed=0) for data in (dataset, doubled))
    assert once.n_texts == twice.n_texts == len(set(dataset.keys))
    assert once.codes == twice.codes


def test_certifying_leaves_the_reference_as_it_is(trained, tmp_path):
    fresh = Dataset(texts=[f"nid de poule rue {n}" for n in range(40)], codes=["0101"] * 40)
    made = recertify(
        trained.predictor, fresh, Targets(), output=tmp_path / "model", seen=None
    ).predictor
    assert read_reference(made.manifest) == read_reference(trained.predictor.manifest)
