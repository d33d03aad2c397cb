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
from tests.evaluated import make_coded_texts, make_model

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


def test_the_reference_counts_what_the_model_answers(trained):
    predictor = Predictor.load(trained.folder)
    reference = read_reference(predictor.manifest)
    texts = [*trained.split.certify.texts, *trained.split.test.texts]
    decisions = [str(one.decision) for one in predictor.predict(texts)]
    assert len(texts) == reference.n_texts
    assert predictor.guarantee.threshold is not None
    assert reference.automatic[predictor.guarantee.threshold_id] == decisions.count("automatic")
    assert reference.n_refused == decisions.count("refused")


def test_no_text_stands_in_the_reference(trained):
    written = json.dumps(trained.predictor.manifest["reference"])
    assert not any(word in written for word in ("poule", "creche", "bis", "passeport"))


def test_repeated_texts_count_once():
    predictor, dataset = make_model(), make_coded_texts()
    doubled = replace(dataset, texts=dataset.texts * 2, codes=dataset.codes * 2)
    once, twice = (make_reference(predictor, [data], seed=0) for data in (dataset, doubled))
    assert once.n_texts == twice.n_texts == len(set(dataset.keys))
    assert once.codes == twice.codes


def test_certifying_on_fresh_texts_makes_them_the_reference(trained, tmp_path):
    fresh = Dataset(texts=[f"nid de poule rue {n}" for n in range(40)], codes=["0101"] * 40)
    made = recertify(
        trained.predictor, fresh, Targets(), output=tmp_path / "model", seen=None
    ).predictor
    assert read_reference(made.manifest).n_texts == 40
