"""What a prediction is over HTTP, one text or many."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.schemas import SinglePrediction
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.decision import Guarantee, GuaranteeStatus
from tests.api.conftest import make_predictor

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
KEY = SecretStr("key")
ONLY_IN_SINGLE = {"id", "model", "guarantee"}


def test_a_prediction_has_its_whole_shape(client, model):
    answer = client.predict("Nid de poule devant l'école", id="A-17", top_k=2)
    assert SinglePrediction.model_validate(answer)
    assert answer["prediction_id"]
    assert (answer["decision"], answer["reason"]) == ("review", "no_threshold")
    assert answer["code"] is answer["title"] is None
    assert [candidate["rank"] for candidate in answer["candidates"]] == [1, 2]
    assert answer["candidates"][0]["code"] == "0101"
    assert answer["candidates"][0]["title"] == "Chaussée et trottoirs"
    assert answer["confidence"] == answer["candidates"][0]["probability"]
    assert answer["id"] == "A-17"
    assert answer["model"] == {"name": "demo", "version": "3", "digest": model.predictor.digest}
    assert answer["guarantee"]["status"] == "none"
    for later in ("prediction_set", "roll_up", "explanation"):
        assert answer[later] is None


@given(text=TEXTS)
def test_one_text_is_answered_as_a_batch_of_one(client, text):
    headers = {"X-Request-ID": "same"}
    single = client.post("/v1/predict", json={"text": text}, headers=headers).json()
    body = {"items": [{"text": text}]}
    batch = client.post("/v1/predict/batch", json=body, headers=headers).json()
    alone = {name: value for name, value in single.items() if name not in ONLY_IN_SINGLE}
    assert batch["results"] == [{"id": None, "prediction": alone, "error": None}]
    assert {name: batch[name] for name in ("model", "guarantee")} == {
        name: single[name] for name in ("model", "guarantee")
    }


@given(texts=st.lists(TEXTS, max_size=8))
def test_http_answers_what_the_predictor_answers(client, model, texts):
    results = client.predict_batch([{"text": text} for text in texts], top_k=3)
    for result, expected in zip(results, model.predictor.predict(texts, top_k=3), strict=True):
        prediction = result["prediction"]
        assert prediction["decision"] == expected.decision
        assert prediction["confidence"] == expected.confidence
        codes = [candidate["code"] for candidate in prediction["candidates"]]
        assert codes == [candidate.code for candidate in expected.candidates]


def test_a_text_with_no_known_word_is_refused_by_an_answer(make_client, model):
    words_alone = make_predictor(classifier=TfidfClassifier(piece_weight=0.0))
    client = make_client(replace(model, predictor=words_alone))
    answer = client.predict("Ruche d'abeilles")
    assert (answer["decision"], answer["reason"]) == ("refused", "no_known_word")
    assert (answer["confidence"], answer["candidates"], answer["code"]) == (0, [], None)
    assert client.predict("Lampadaire d'abeilles")["decision"] == "review"


def test_where_pieces_of_words_were_learnt_the_same_text_lies_outside_the_vocabulary(client):
    answer = client.predict("Ruche d'abeilles")
    assert (answer["decision"], answer["reason"]) == ("refused", "outside_vocabulary")


def test_above_the_threshold_the_code_may_be_stored(make_client, model):
    guarantee = Guarantee(GuaranteeStatus.GUARANTEED, 0.05, 0.05, 0.04, "t1", threshold=0.0)
    client = make_client(replace(model, predictor=make_predictor(guarantee)))
    answer = client.predict("Lampadaire éteint")
    assert (answer["decision"], answer["reason"]) == ("automatic", "above_threshold")
    assert (answer["code"], answer["title"]) == ("0102", "Éclairage public")
    assert answer["guarantee"] == {
        "status": "guaranteed",
        "target_error": 0.05,
        "delta": 0.05,
        "bound": 0.04,
        "threshold_id": "t1",
    }


def test_results_keep_the_order_and_the_ids(client):
    items = [{"id": f"n°{number}", "text": f"crèche {number}"} for number in range(50)]
    results = client.predict_batch(items)
    assert [result["id"] for result in results] == [item["id"] for item in items]
    assert len({result["prediction"]["prediction_id"] for result in results}) == 50


def test_a_batch_of_bad_items_is_still_answered(client):
    results = client.predict_batch([{}, 1, {"text": []}])
    assert [result["prediction"] for result in results] == [None, None, None]


BAD_BATCHES = {
    "a list": [],
    "no items": {},
    "items that are no list": {"items": {"text": "a"}},
    "too many": {"items": [{"text": "a"}] * 1_001},
    "unknown field": {"items": [], "secret-field": 1},
    "top_k of zero": {"items": [{"text": "a"}], "top_k": 0},
    "top_k too large": {"items": [{"text": "a"}], "top_k": 51},
    "top_k as text": {"items": [{"text": "a"}], "top_k": "5"},
}


@pytest.mark.parametrize("body", BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_a_bad_envelope_is_refused_whole(client, body):
    response = client.post("/v1/predict/batch", json=body)
    assert response.status_code == 422
    assert response.json()["type"] == "urn:libelle:problem:invalid-request"
    assert "secret" not in response.text


def test_an_empty_batch_has_no_result(client):
    assert client.predict_batch([]) == []


def test_s5_bounds_are_those_of_the_settings(make_client):
    client = make_client(max_batch_texts=2, max_text_characters=3, max_top_k=1)
    assert len(client.predict("nid")["candidates"]) == 1
    assert client.post("/v1/predict", json={"text": "nids"}).status_code == 422
    body = {"items": [{"text": "a"}] * 3}
    assert client.post("/v1/predict/batch", json=body).status_code == 422


def test_a_retry_gets_the_same_prediction_ids(client):
    items = [{"text": "Crèche"}, {"text": "Crèche"}]
    first, again, other = (
        client.post("/v1/predict/batch", json={"items": items}, headers={"X-Request-ID": name})
        for name in ("r1", "r1", "r2")
    )
    ids = [
        [result["prediction"]["prediction_id"] for result in answer.json()["results"]]
        for answer in (first, again, other)
    ]
    assert ids[0] == ids[1]
    assert len({*ids[0], *ids[2]}) == 4


def test_two_services_with_one_key_give_the_same_ids(make_client):
    headers, body = {"X-Request-ID": "r1"}, {"text": "Crèche"}
    ids = [
        make_client(**key).post("/v1/predict", json=body, headers=headers).json()["prediction_id"]
        for key in ({"log_key": KEY}, {"log_key": KEY}, {"log_key": SecretStr("other")}, {})
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_an_explanation_says_what_each_word_brings(client, model):
    answer = client.predict("Nid de poule, nid de Poule", explain=True, top_k=1)
    assert SinglePrediction.model_validate(answer)
    explanation = answer["explanation"]
    words = [part["word"] for part in explanation["words"]]
    assert words == ["nid", "de", "poule", "nid", "de", "poule"]
    total = sum(part["contribution"] for part in explanation["words"]) + explanation["baseline"]
    assert total == pytest.approx(explanation["score_difference"], rel=1e-9)
    (expected,) = model.predictor.predict(["Nid de poule, nid de Poule"], top_k=2)
    first, second = expected.candidates
    assert explanation["against"] == {"code": second.code, "title": second.title}
    odds = first.probability / second.probability  # Rounded: there are six digits.
    assert explanation["score_difference"] == pytest.approx(math.log(odds), abs=0.02)


@pytest.mark.parametrize("asked", [{}, {"explain": False}])
def test_without_being_asked_nothing_is_explained(client, asked):
    assert client.predict("Nid de poule", **asked)["explanation"] is None


@pytest.mark.parametrize("text", ["", "0101", "aaaa"])
def test_a_refused_text_is_answered_without_explanation(client, text):
    answer = client.predict(text, explain=True)
    assert (answer["decision"], answer["explanation"]) == ("refused", None)


@given(text=TEXTS)
def test_being_explained_changes_nothing_else_of_an_answer(client, text):
    headers = {"X-Request-ID": "same"}
    plain, explained = (
        client.post("/v1/predict", json={"text": text, **asked}, headers=headers).json()
        for asked in ({}, {"explain": True})
    )
    assert (explained["explanation"] is None) == (plain["decision"] == "refused")
    assert explained | {"explanation": None} == plain


def test_a_batch_is_not_explained(client):
    body = {"items": [{"text": "Crèche"}], "explain": True}
    assert client.post("/v1/predict/batch", json=body).status_code == 422
    assert client.predict_batch([{"text": "Crèche"}])[0]["prediction"]["explanation"] is None
