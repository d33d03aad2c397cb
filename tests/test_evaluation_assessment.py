"""What an evaluation says of a model: every text counted, its own decisions, no text quoted."""

import json
from dataclasses import replace

import numpy as np
import pytest

from libelle.data.nomenclature import Nomenclature
from libelle.decision import Decision
from libelle.errors import UsageError
from libelle.evaluation import answer_dataset, assess, assessment
from libelle.evaluation.hygiene import independent_rows
from tests.evaluated import make_coded_texts, make_model, make_threshold


@pytest.fixture(scope="module")
def predictor():
    return make_model()


@pytest.fixture(scope="module")
def dataset():
    return make_coded_texts()


@pytest.fixture(scope="module")
def assessed(predictor, dataset):
    return assess(predictor, dataset)


def test_the_result_is_json_and_holds_no_text(assessed, dataset):
    written = json.dumps(assessed, allow_nan=False)
    assert not [text for text in dataset.texts if text and text in written]


def test_texts_are_quoted_on_demand_only(predictor, dataset, assessed):
    assert assessed["examples"] == []
    quoted = assess(predictor, dataset, with_texts=True)["examples"]
    texts = [example["text"] for pair in quoted for example in pair["texts"]]
    assert texts
    assert set(texts) <= set(dataset.texts)


def test_decisions_are_those_of_the_predictor(predictor, dataset, assessed):
    predictions = predictor.predict(dataset.texts)
    automatic = [prediction.decision is Decision.AUTOMATIC for prediction in predictions]
    wrong = [
        prediction.code != code
        for prediction, code in zip(predictions, dataset.codes, strict=True)
        if prediction.decision is Decision.AUTOMATIC
    ]
    assert assessed["automation"]["n_automatic"] == sum(automatic) > 0
    assert assessed["automation"]["n_errors"] == sum(wrong) > 0
    assert sum(row["n_texts"] for row in assessed["decisions"]) == len(dataset)


def test_an_unknown_code_is_an_error_counted_apart(assessed):
    assert assessed["unknown_codes"]["n_texts"] == 1
    (unknown,) = assessed["unknown_codes"]["codes"]
    assert (unknown["code"], unknown["in_nomenclature"]) == ("0999", False)
    assert assessed["metrics"]["n_texts"] == 99


def test_texts_of_unknown_codes_only_have_no_log_loss(predictor, dataset):
    strange = replace(dataset, codes=["0999"] * len(dataset))
    metrics = assess(predictor, strange)["metrics"]
    assert (metrics["log_loss"], metrics["accuracy"]) == (None, 0)


def test_repeated_texts_count_once_in_intervals(predictor, dataset):
    twice = replace(dataset, texts=dataset.texts * 2, codes=dataset.codes * 2)
    once, doubled = assess(predictor, dataset), assess(predictor, twice)
    assert doubled["automation"]["n_automatic"] == 2 * once["automation"]["n_automatic"]
    assert doubled["automation"]["n_independent"] == once["automation"]["n_independent"]
    assert doubled["hygiene"]["n_distinct"] == once["hygiene"]["n_distinct"]


def test_one_row_of_each_key_is_drawn():
    keys = ["a", "b", "a", "a", "c", "b"]
    drawn = independent_rows(keys)
    assert sorted(np.array(keys)[drawn]) == ["a", "b", "c"]


def test_chunks_change_nothing(predictor, dataset, assessed, monkeypatch):
    monkeypatch.setattr(assessment, "CHUNK_TEXTS", 7)
    again = assess(predictor, dataset)
    assert again["decisions"] == assessed["decisions"]
    assert again["metrics"] == pytest.approx(assessed["metrics"])
    assert again["levels"] == assessed["levels"]


def test_a_level_sums_the_probabilities_below_it(predictor, dataset):
    answered = answer_dataset(predictor, dataset, predictor.nomenclature)
    normalized = predictor.normalizer.normalize_many(dataset.texts)
    probabilities = predictor.classifier.predict_proba(normalized)
    tops = np.array([code[:2] for code in predictor.codes])
    sums = np.stack([probabilities[:, tops == top].sum(axis=1) for top in sorted(set(tops))], 1)
    expected = [sorted(set(tops))[column] for column in sums.argmax(axis=1)]
    assert answered.level_answers[1] == expected
    assert answered.level_answers[2] == answered.answers
    assert answered.level_confidences[1] == pytest.approx(sums.max(axis=1), abs=1e-6)


def test_a_level_is_right_whenever_the_code_is(assessed):
    top, leaves = assessed["levels"]
    assert leaves["accuracy"] == pytest.approx(assessed["metrics"]["accuracy"])
    assert top["accuracy"] >= leaves["accuracy"]


def test_another_nomenclature_moves_levels_and_takes_its_thresholds_away(dataset):
    predictor = make_model(levels={"1": [make_threshold()]})
    flat = Nomenclature.from_codes(predictor.codes)
    own, other = assess(predictor, dataset), assess(predictor, dataset, nomenclature=flat)
    assert own["levels"][0]["here"]["n_automatic"] > 0
    assert [row["threshold"] for row in other["levels"]] == [None]


def test_segments_share_the_texts(predictor, dataset, assessed):
    segments = ["web" if row % 3 else "desk" for row in range(len(dataset))]
    found = assess(predictor, dataset, segments=segments, segment_column="channel")["segments"]
    assert [row["segment"] for row in found["rows"]] == ["web", "desk"]
    for name in ("n_texts", "n_automatic", "n_errors"):
        assert sum(row[name] for row in found["rows"]) == assessed["automation"][name]


def test_a_column_of_texts_is_no_segment(predictor, dataset, monkeypatch):
    monkeypatch.setattr(assessment, "MOST_SEGMENTS", 5)
    with pytest.raises(UsageError, match="'note' has 98 different values"):
        assess(predictor, dataset, segments=dataset.texts, segment_column="note")


@pytest.mark.parametrize("role", ["fit", "certify", "test"])
def test_a_part_of_the_training_is_recognised(dataset, role):
    predictor = make_model(data={role: {"digest": dataset.digest, "n_texts": len(dataset)}})
    assert assess(predictor, dataset)["hygiene"]["same_as"] == role


def test_texts_that_made_the_model_are_counted_and_prove_nothing(predictor, dataset):
    alone, known = (
        assess(predictor, dataset, seen=seen) for seen in (None, frozenset(dataset.keys[:40]))
    )
    assert alone["hygiene"]["n_seen"] is None
    assert known["hygiene"]["n_seen"] == len(set(dataset.keys[:40]))
    n_left = known["automation"]["n_independent"]
    assert 0 < n_left < alone["automation"]["n_independent"]
    assert known["automation"]["n_automatic"] == alone["automation"]["n_automatic"]


def test_the_test_part_may_test_the_promise(dataset):
    predictor = make_model(data={"test": {"digest": dataset.digest, "n_texts": len(dataset)}})
    assessed = assess(predictor, dataset, seen=frozenset(dataset.keys))
    assert assessed["hygiene"]["n_seen"] == 0
    assert assessed["automation"]["n_independent"] > 0


def test_texts_that_say_the_same_with_other_codes_are_counted(predictor, dataset):
    extra = replace(
        dataset, texts=[*dataset.texts, dataset.texts[20]], codes=[*dataset.codes, "0302"]
    )
    hygiene = assess(predictor, extra)["hygiene"]
    assert (hygiene["n_contradictory_keys"], hygiene["n_contradictory_texts"]) == (1, 2)


def test_a_model_without_threshold_promises_nothing(dataset):
    assessed = assess(make_model(thresholds=()), dataset)
    assert assessed["automation"]["outcome"] == "untested"
    assert assessed["automation"]["error"] is None
    assert assessed["thresholds"] == []


def test_an_indicative_threshold_is_no_promise(dataset):
    indicative = make_threshold(status="indicative", bound=None)
    assessed = assess(make_model(thresholds=(indicative,)), dataset)
    assert assessed["automation"]["n_automatic"] > 0
    assert assessed["automation"]["outcome"] == "untested"


def test_two_models_are_compared_on_independent_texts(predictor, dataset):
    other = make_model(thresholds=())
    compared = assess(predictor, dataset, against=other)["comparison"]
    assert compared["n_texts"] == len(set(dataset.keys)) < len(dataset)
    assert compared["difference"] == 0
    assert compared["p_value"] == 1
    assert compared["automation"]["n_automatic"] == 0


def test_a_model_is_not_compared_with_itself(predictor, dataset):
    with pytest.raises(UsageError, match="nothing to compare"):
        assess(predictor, dataset, against=predictor)


def test_one_cost_is_not_enough(predictor, dataset):
    with pytest.raises(UsageError, match="both costs"):
        assess(predictor, dataset, cost_review=1.0)


def test_costs_are_explored_on_texts_that_are_not_refused(predictor, dataset):
    costs = assess(predictor, dataset, cost_review=1.0, cost_error=5.0)["costs"]
    assert costs["all_by_hand"]["cost"] == pytest.approx(1.0)
    assert costs["best"]["cost"] < 1
    assert max(row["coverage"] for row in costs["curve"]) < 1
