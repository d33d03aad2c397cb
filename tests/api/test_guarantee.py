"""The promise that was proved is the one that is served."""

import pytest

from api.loading import ModelSource, load_model
from libelle.data.datasets import Dataset
from libelle.decision import decide
from libelle.errors import ModelError
from libelle.training.certification import Targets, certify
from tests.api.conftest import REQUESTS, make_predictor

TARGETS = Targets(target_errors=(0.05, 0.1), delta=0.1)


def make_texts(n_texts, n_wrong):
    rows = []
    codes = list(REQUESTS)
    for number in range(n_texts):
        code = codes[number % len(codes)]
        request = REQUESTS[code][number % 3] if number % 4 else "rue de la Gare"
        wrong = number < n_wrong
        rows.append((f"{request} au {number} quai Sud", codes[number % 5] if wrong else code))
    texts, truth = zip(*rows, strict=True)
    return Dataset(texts=list(texts), codes=list(truth))


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    predictor = make_predictor()
    promises = certify(predictor, make_texts(600, 10), TARGETS, seed=0)
    served = predictor.promising(promises)
    return served.save(tmp_path_factory.mktemp("models") / "certified")


@pytest.mark.parametrize("target_error", [0.05, 0.1])
def test_rows_replayed_through_http_get_the_decisions_of_the_evaluation(
    certified, make_client, target_error
):
    model = load_model(ModelSource(certified), target_error=target_error)
    texts = [*make_texts(300, 0).texts, "", "0101", "12", "xxxx", "zzyzx qwrtp"]
    scored = model.predictor.score(texts)
    expected = [
        decide(refusal, confidence, model.predictor.guarantee)
        for refusal, confidence in zip(scored.refusals, scored.confidences.tolist(), strict=True)
    ]
    client = make_client(model=model)
    results = client.predict_batch([{"text": text} for text in texts])
    answered = [
        (result["prediction"]["decision"], result["prediction"]["reason"]) for result in results
    ]
    assert answered == expected
    assert {decision for decision, _ in answered} == {"automatic", "review", "refused"}
    alone = [client.predict(text)["decision"] for text in texts[:20]]
    assert alone == [decision for decision, _ in expected[:20]]


def test_a_code_is_given_only_where_it_is_automatic(certified, make_client):
    client = make_client(model=load_model(ModelSource(certified)))
    for result in client.predict_batch([{"text": text} for text in make_texts(100, 0).texts]):
        prediction = result["prediction"]
        automatic = prediction["decision"] == "automatic"
        assert (prediction["code"] is not None) == automatic
        if automatic:
            assert prediction["code"] == prediction["candidates"][0]["code"]
            assert (
                prediction["confidence"]
                >= client.get("/v1/model").json()["thresholds"][0]["threshold"]
            )


def test_every_envelope_bears_the_active_promise(certified, make_client):
    model = load_model(ModelSource(certified), target_error=0.1)
    client = make_client(model=model)
    described = client.get("/v1/model").json()
    chosen = described["thresholds"][1]
    guarantee = {
        "status": "guaranteed",
        "target_error": 0.1,
        "delta": chosen["delta"],
        "bound": 0.1,
        "threshold_id": chosen["id"],
    }
    assert described["guarantee"] == guarantee
    assert client.predict("Nid de poule")["guarantee"] == guarantee
    batch = client.post("/v1/predict/batch", json={"items": []}).json()
    assert batch["guarantee"] == guarantee
    assert set(described["levels"]) == {"1"}


def test_a_doubtful_text_gets_the_code_above_when_that_one_is_sure(certified, make_client):
    client = make_client(model=load_model(ModelSource(certified)))
    results = client.predict_batch([{"text": text} for text in make_texts(600, 0).texts])
    rolled = [
        result["prediction"]["roll_up"] for result in results if result["prediction"]["roll_up"]
    ]
    of_level, _ = client.get("/v1/model").json()["levels"]["1"]
    for roll_up in rolled:
        assert (roll_up["level"], roll_up["decision"]) == (1, "automatic")
        assert roll_up["confidence"] >= of_level["threshold"]
    for result in results:
        if result["prediction"]["decision"] != "review":
            assert result["prediction"]["roll_up"] is None


def test_a_prediction_set_is_never_empty_and_says_when_it_is_cut(certified, make_client):
    client = make_client(model=load_model(ModelSource(certified)))
    items = [{"text": text} for text in make_texts(200, 0).texts]
    whole, cut = (client.predict_batch(items, top_k=top_k) for top_k in (50, 1))
    for first, second in zip(whole, cut, strict=True):
        codes, kept = (one["prediction"]["prediction_set"] for one in (first, second))
        assert codes
        assert kept == codes[:1]
        assert first["prediction"]["prediction_set_complete"] is True
        assert second["prediction"]["prediction_set_complete"] == (len(codes) == 1)


def test_a_typed_code_is_refused_and_shown(certified, make_client):
    answer = make_client(model=load_model(ModelSource(certified))).predict("0101")
    assert (answer["decision"], answer["reason"], answer["code"]) == ("refused", "code_typed", None)
    assert [candidate["code"] for candidate in answer["candidates"]] == ["0101"]


def test_a_target_that_was_not_certified_stops_the_start(certified):
    with pytest.raises(ModelError, match=r"0\.01; declared: 0\.05, 0\.1"):
        load_model(ModelSource(certified), target_error=0.01)
