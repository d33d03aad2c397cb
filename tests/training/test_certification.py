"""What is promised of a predictor, and on which texts it is proved."""

import dataclasses

import numpy as np
import pytest

from libelle.classifiers.calibrated import CalibratedClassifier
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.datasets import Dataset
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer, NormalizerOptions
from libelle.errors import DataError, UsageError
from libelle.predictor import Predictor
from libelle.training.certification import (
    CODES_SHARE,
    LEVELS_SHARE,
    ROLL_UP_SHARE,
    Judged,
    Targets,
    answers_of_codes,
    answers_of_level,
    certify,
    judge,
    one_row_per_key,
)
from tests.classifiers.corpus import TOPICS, make_corpus


@pytest.fixture(scope="module")
def predictor():
    texts, codes = make_corpus()
    return Predictor(
        normalizer=Normalizer(NormalizerOptions()),
        classifier=CalibratedClassifier(classifier=TfidfClassifier()).fit(texts, codes),
        nomenclature=Nomenclature.from_rows(
            ["01", "02", "03", *TOPICS],
            ["a", "b", "c", *TOPICS],
            [None] * 3 + [c[:2] for c in TOPICS],
        ),
        about={"name": "demo"},
    )


def make_texts(n_texts, n_wrong=0):
    """Return coded texts that no corpus holds, some with a wrong code."""
    topics = list(TOPICS)
    rows = []
    for number in range(n_texts):
        place = number % len(topics)
        code = topics[place - 1] if number < n_wrong else topics[place]
        rows.append((f"{TOPICS[topics[place]][0]} numero {number} quai {number % 7}", code))
    texts, codes = zip(*rows, strict=True)
    return Dataset(texts=list(texts), codes=list(codes))


def test_right_answers_are_promised(predictor):
    promises = certify(predictor, make_texts(300), Targets(), seed=0)
    (threshold,) = promises["thresholds"]
    assert threshold["status"] == "guaranteed"
    assert threshold["delta"] == 0.025
    (of_level,) = promises["levels"]["1"]
    assert (of_level["status"], of_level["delta"]) == ("guaranteed", 0.00625)
    assert promises["certification"]["n_statements"] == 3
    served = predictor.promising(promises)
    predictions = served.predict(make_texts(300).texts)
    automatic = [one for one in predictions if one.decision == "automatic"]
    assert len(automatic) == threshold["n_automatic"]
    assert all(one.prediction_set for one in predictions)


def test_wrong_answers_are_not(predictor):
    promises = certify(predictor, make_texts(300, n_wrong=150), Targets(), seed=0)
    (threshold,) = promises["thresholds"]
    assert (threshold["status"], threshold["threshold"]) == ("none", None)
    served = predictor.promising(promises)
    assert {one.decision for one in served.predict(make_texts(20).texts)} == {"review"}


def test_too_few_texts_prove_nothing_and_it_is_said(predictor):
    (threshold,) = certify(predictor, make_texts(20), Targets(), seed=0)["thresholds"]
    assert threshold["threshold"] is None
    assert threshold["n_texts_needed"] > 20


def test_a_repeated_text_counts_once(predictor):
    once = make_texts(200)
    repeated = once.take([*range(200), *[0] * 500])
    first, again = (certify(predictor, texts, Targets(), seed=0) for texts in (once, repeated))
    assert first["thresholds"][0]["n_texts"] == again["thresholds"][0]["n_texts"] == 200
    assert again["certification"]["n_keys"] == 200


def test_a_code_that_the_model_does_not_know_is_an_error(predictor):
    texts = make_texts(100)
    unknown = dataclasses.replace(texts, codes=["999"] * 100)
    judged = judge(predictor, unknown.texts, unknown.codes)
    assert answers_of_codes(predictor, judged)[1].all()
    assert answers_of_level(predictor, judged, predictor.levels[0])[1].all()


def test_a_wrong_code_may_stand_below_the_right_parent(predictor):
    texts = Dataset(texts=["nid de poule rue de la gare"], codes=["0102"])
    judged = judge(predictor, texts.texts, texts.codes)
    assert answers_of_codes(predictor, judged)[1].all()
    assert not answers_of_level(predictor, judged, predictor.levels[0])[1].any()


def test_refused_texts_prove_nothing_and_lower_the_coverage(predictor):
    texts = make_texts(200)
    refused = Dataset(texts=[f"{n}" for n in range(200)], codes=["0101"] * 200)
    both = Dataset(texts=texts.texts + refused.texts, codes=texts.codes + refused.codes)
    first, again = (
        certify(predictor, t, Targets(), seed=0)["thresholds"][0] for t in (texts, both)
    )
    assert first["n_texts"] == again["n_texts"]
    assert again["coverage"] == pytest.approx(first["coverage"] / 2)
    with pytest.raises(DataError, match="None of 200 texts"):
        certify(predictor, refused, Targets(), seed=0)


def test_texts_that_could_not_be_held_out_count_as_errors(predictor):
    sure = np.zeros((40, len(predictor.codes)))
    sure[:, 0] = 1.0
    unlearnable = Judged(sure, ["999"] * 40)
    promises = certify(predictor, make_texts(200), Targets(), seed=0, unlearnable=unlearnable)
    assert promises["thresholds"][0]["threshold"] is None
    assert promises["certification"]["n_unlearnable"] == 40


def test_an_indication_is_never_called_a_guarantee(predictor):
    out_of_fold = judge(predictor, *make_corpus())
    targets = Targets(indicative=True)
    found = certify(predictor, make_texts(10), targets, seed=0, out_of_fold=out_of_fold)
    (threshold,) = found["thresholds"]
    assert (threshold["status"], threshold["rule"]) == ("indicative", "out_of_fold")
    assert threshold["bound"] is None
    assert predictor.promising(found).guarantee.status == "indicative"


def test_a_row_of_each_key_is_drawn_alike():
    keys = ["a", "b", "a", "c", "a", "b"]
    drawn = one_row_per_key(keys, seed=0)
    assert sorted(keys[row] for row in drawn) == ["a", "b", "c"]
    assert drawn == one_row_per_key(keys, seed=0)
    first = [one_row_per_key(keys, seed=seed)[0] for seed in range(200)]
    assert {0, 1} <= set(first)


def test_delta_is_shared_by_all_statements():
    targets = Targets(target_errors=(0.05, 0.1), delta=0.1)
    assert targets.share(1.0) == pytest.approx(0.05)
    assert CODES_SHARE + ROLL_UP_SHARE + LEVELS_SHARE == 1


def test_all_that_is_spent_is_delta(predictor):
    texts = make_texts(300)
    out_of_fold = judge(predictor, texts.texts, texts.codes)
    targets = Targets(target_errors=(0.05, 0.1), delta=0.1)
    promises = certify(predictor, texts, targets, seed=0, out_of_fold=out_of_fold)
    statements = [*promises["thresholds"], *promises["levels"]["1"]]
    spent = sum(one["delta"] for one in statements) + 2 * targets.share(ROLL_UP_SHARE)
    assert spent == pytest.approx(0.1)
    assert len(promises["roll_up"]) == 2


@pytest.mark.parametrize("wrong", [{"target_errors": (1.5,)}, {"delta": 2}, {"rule": "x"}])
def test_targets_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError):
        Targets(**wrong)
