"""Coders give their verdicts on predictions over HTTP."""

import asyncio
import json
import logging
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import pytest
from pydantic import SecretStr

from api import feedback
from api.schemas import FeedbackAnswer, Problem
from libelle.errors import StorageError, UsageError
from libelle.monitoring.feedback import FeedbackVerdict
from libelle.monitoring.feedback.reading import read_feedback
from libelle.monitoring.privacy import Pseudonyms
from libelle.storage import StorageOptions, open_filesystem
from tests.api.keys import bearing
from tests.api.test_serve import call, serving
from tests.monitoring.verdicts import OTHER, PREDICTION
from tests.servers import free_port, moto

KEY = "k" * 40
PATH = "/v1/feedback"
CONFIRMED = {"prediction_id": PREDICTION, "verdict": "confirmed", "code": "0101"}
UNSURE = {"prediction_id": PREDICTION, "verdict": "not_enough_information"}


@pytest.fixture
def log(tmp_path):
    return {"log_uri": str(tmp_path / "log"), "log_key": SecretStr(KEY)}


@pytest.fixture
def client(make_client, log):
    return make_client(**log)


def rows_of(log):
    read = read_feedback(log["log_uri"])
    assert read.problems == []
    return sorted(read.table.to_pylist(), key=lambda row: (row["prediction_id"], row["n"]))


def counted(client, verdict):
    meter = client.service.meter
    family = next(one for one in meter.layout.families if one.name == "libelle_feedback_total")
    numbers = meter._numbers[meter.layout.place(family)]
    return dict(zip(family.labels["verdict"], numbers.tolist(), strict=True))[verdict]


def test_a_verdict_is_kept_once_and_the_same_again_is_told(client, log):
    first = client.post(PATH, json=CONFIRMED)
    again = client.post(PATH, json=CONFIRMED)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    answer = FeedbackAnswer.model_validate_json(first.content)
    [row] = rows_of(log)
    assert (row["feedback_id"], row["given_at"]) == (answer.feedback_id, answer.given_at)
    assert (row["verdict"], row["code"], row["source"]) == ("confirmed", "0101", "api")
    assert counted(client, "confirmed") == 1


def test_a_prediction_that_was_just_answered_can_be_judged(client):
    prediction = client.predict("Nid de poule")
    code = prediction["candidates"][0]["code"]
    body = {"prediction_id": prediction["prediction_id"], "verdict": "confirmed", "code": code}
    assert client.post(PATH, json=body).status_code == 201


def test_another_verdict_is_a_conflict_until_it_names_the_one_that_stands(client, log):
    kept = client.post(PATH, json=CONFIRMED).json()
    refused = client.post(PATH, json=UNSURE)
    assert refused.status_code == 409
    problem = Problem.model_validate_json(refused.content)
    assert problem.type == "urn:libelle:problem:conflict"
    assert problem.feedback_id == kept["feedback_id"]
    replacing = {**UNSURE, "replaces": problem.feedback_id}
    assert client.post(PATH, json=replacing).status_code == 201
    assert client.post(PATH, json=replacing).status_code == 200
    assert client.post(PATH, json=CONFIRMED).status_code == 409
    assert [(row["verdict"], row["current"]) for row in rows_of(log)] == [
        ("confirmed", False),
        ("not_enough_information", True),
    ]
    assert (counted(client, "confirmed"), counted(client, "not_enough_information")) == (1, 1)


def test_two_coders_may_each_give_a_verdict(client, log):
    for coder, body in (("ada", CONFIRMED), ("bob", UNSURE)):
        assert client.post(PATH, json={**body, "coder": coder}).status_code == 201
    assert len({row["coder"] for row in rows_of(log) if row["current"]}) == 2


def test_the_client_is_the_coder_when_none_is_named(make_guarded, log):
    guarded = make_guarded(**log)
    named = guarded.post(PATH, json={**CONFIRMED, "coder": "review"}, headers=bearing("review"))
    nameless = guarded.post(PATH, json=CONFIRMED, headers=bearing("review"))
    null = guarded.post(PATH, json={**CONFIRMED, "coder": None}, headers=bearing("review"))
    other = guarded.post(PATH, json=UNSURE, headers=bearing("all"))
    statuses = [one.status_code for one in (named, nameless, null, other)]
    assert statuses == [201, 200, 200, 201]
    pseudonyms = Pseudonyms(KEY.encode())
    assert {row["coder"] for row in rows_of(log)} == set(
        map(pseudonyms.of_coder, ("review", "all"))
    )


@pytest.mark.parametrize(("name", "status"), [("predict", 403), ("read", 403), (None, 401)])
def test_a_key_without_the_scope_review_gives_no_verdict(make_guarded, log, name, status):
    guarded = make_guarded(**log)
    for path in (PATH, "/v1/models/demo/feedback"):
        headers = bearing(name) if name else {}
        assert guarded.post(path, json=CONFIRMED, headers=headers).status_code == status
    assert rows_of(log) == []


def test_a_verdict_names_the_model_or_not(client):
    assert client.post("/v1/models/demo/feedback", json=CONFIRMED).status_code == 201
    assert client.post(PATH, json=CONFIRMED).status_code == 200
    assert client.post("/v1/models/other/feedback", json=CONFIRMED).status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"code": "9999"}, "#/code"),
        ({"code": "texte-confidentiel"}, "#/code"),
        ({"code": None}, "#/code"),
        ({"code": ""}, "#/code"),
        ({"code": 101}, "#/code"),
        ({"code": "0" * 257}, "#/code"),
        ({"code": "\ud800"}, "#/code"),
        ({"verdict": "ambiguous_nomenclature"}, "#/code"),
        ({"verdict": "texte-confidentiel"}, "#/verdict"),
        ({"verdict": None}, "#/verdict"),
        ({"verdict": 0}, "#/verdict"),
        ({"prediction_id": "../texte-confidentiel"}, "#/prediction_id"),
        ({"prediction_id": PREDICTION + "\n"}, "#/prediction_id"),
        ({"prediction_id": PREDICTION.upper()}, "#/prediction_id"),
        ({"coder": ""}, "#/coder"),
        ({"coder": 7}, "#/coder"),
        ({"coder": "a" * 257}, "#/coder"),
        ({"replaces": "texte-confidentiel"}, "#/replaces"),
        ({"comment": "texte-confidentiel"}, "#"),
    ],
)
def test_a_body_that_is_not_as_described_is_refused(client, log, changes, pointer):
    content = json.dumps({**CONFIRMED, **changes})
    response = client.post(PATH, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 422, response.text
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert "texte-confidentiel" not in response.text
    assert rows_of(log) == []


def test_a_code_above_may_be_the_right_one(client):
    assert client.post(PATH, json={**CONFIRMED, "verdict": "corrected", "code": "01"}).is_success


def test_a_large_body_is_refused(client):
    assert client.post(PATH, json={**CONFIRMED, "coder": "a" * 10_000}).status_code == 413


def test_every_example_of_the_description_is_answered(make_client, log, tmp_path):
    client = make_client(**log)
    described = client.get("/openapi.json").json()
    operation = described["paths"][PATH]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    assert operation["security"][0] == {"ApiKey": ["review"]}
    answers = {}
    for number, (name, example) in enumerate(examples.items()):
        # Each one on a prediction of its own: nothing stands there yet.
        body = {**example["value"], "prediction_id": f"{PREDICTION[:-1]}{number}"}
        answers[name] = client.post(PATH, json=body).status_code
    assert answers.pop("replaced") == 409
    assert set(answers.values()) == {201}


def test_without_a_log_there_is_no_place_for_verdicts(make_client):
    response = make_client().post(PATH, json=CONFIRMED)
    assert response.status_code == 503
    assert "LIBELLE_LOG_URI" in response.json()["detail"]


def test_a_log_without_key_is_refused_at_the_start(make_client, tmp_path):
    with pytest.raises(UsageError, match="LIBELLE_LOG_KEY"):
        make_client(log_uri=str(tmp_path))


def test_a_place_out_of_reach_is_a_503_that_names_nothing(make_client, log, tmp_path, caplog):
    (tmp_path / "log").write_text("a file")
    with caplog.at_level(logging.INFO):
        response = make_client(**log).post(PATH, json={**CONFIRMED, "coder": "Zeltanguy"})
    assert response.status_code == 503
    assert str(tmp_path) not in response.text
    assert "Zeltanguy" not in caplog.text + response.text


@contextmanager
def hanging():
    """Listen where nobody answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(feedback, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(feedback, "GIVE_SECONDS", 1.0)


def on_s3(endpoint):
    return {
        "log_uri": "s3://bucket/log",
        "aws_endpoint_url": endpoint,
        "aws_access_key_id": SecretStr("key"),
        "aws_secret_access_key": SecretStr("geheim"),
    }


def test_s3_that_hangs_keeps_neither_coders_nor_predictions_waiting(make_client, log, hurried):
    with hanging() as endpoint:
        client = make_client(**{**log, **on_s3(endpoint)})
        n_sent = feedback.MAX_WAITING + 8
        begun = time.monotonic()
        with ThreadPoolExecutor(n_sent) as pool:
            sent = [pool.submit(client.post, PATH, json=CONFIRMED) for _ in range(n_sent)]
            time.sleep(0.2)
            asked = time.monotonic()
            client.predict("Nid de poule")
            assert time.monotonic() - asked < 0.7
            answers = [one.result() for one in sent]
        assert time.monotonic() - begun < 6
    assert {one.status_code for one in answers} == {503}
    slugs = [one.json()["type"].rpartition(":")[2] for one in answers]
    assert (slugs.count("busy"), slugs.count("unavailable")) == (8, feedback.MAX_WAITING)


def test_a_coder_is_answered_in_time_however_long_a_call_may_last(make_client, log, monkeypatch):
    monkeypatch.setattr(feedback, "CALL_SECONDS", 4.0)
    monkeypatch.setattr(feedback, "GIVE_SECONDS", 0.5)
    with hanging() as endpoint:
        client = make_client(**{**log, **on_s3(endpoint)})
        begun = time.monotonic()
        assert client.post(PATH, json=CONFIRMED).status_code == 503
        assert time.monotonic() - begun < 3


def test_waiting_for_verdicts_leaves_the_loop_free(make_client, log, hurried, portal):
    ticks = []

    async def give():
        verdict = FeedbackVerdict.CONFIRMED
        asked = feedback.AskedFeedback(PREDICTION, verdict, "0101", None, None)
        ticking = asyncio.create_task(tick())
        with pytest.raises(StorageError):
            await client.service.feedback.give(asked, client="")
        ticking.cancel()

    async def tick():
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.02)

    with hanging() as endpoint:
        client = make_client(**{**log, **on_s3(endpoint)})
        portal.call(give)
    pauses = [after - before for before, after in pairwise(ticks)]
    assert len(ticks) > 5
    assert sorted(pauses)[len(pauses) // 2] < 0.5  # One may last while S3's client is imported.


def test_real_workers_share_what_was_given_and_it_outlives_them(model_folder, tmp_path):
    variables = {
        "LIBELLE_LOG_URI": str(tmp_path / "log"),
        "LIBELLE_SPOOL_PATH": str(tmp_path / "spool"),
        "LIBELLE_LOG_KEY": KEY,
    }
    with serving(model_folder, tmp_path, workers=2, **variables) as (port, process, _):
        bodies = [{**CONFIRMED, "code": code} for code in ("0101", "0102") for _ in range(10)]
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda body: call(port, "POST", PATH, body), bodies))
        process.send_signal(signal.SIGKILL)
    statuses = sorted(status for status, _, _ in answers)
    assert statuses == [200] * 9 + [201] + [409] * 10
    [row] = read_feedback(variables["LIBELLE_LOG_URI"]).table.to_pylist()
    told = {body["feedback_id"] for _, _, body in answers}
    assert told == {row["feedback_id"]}


def test_real_workers_give_verdicts_to_s3(model_folder, tmp_path):
    with moto() as (endpoint, _):
        secret = {"access_key_id": "key", "secret_access_key": "geheim"}
        options = StorageOptions(endpoint_url=endpoint, region="eu-west-3", **secret)
        open_filesystem("s3://bucket", options)[0].mkdir("bucket")
        variables = {
            "LIBELLE_LOG_URI": "s3://bucket/log",
            "LIBELLE_SPOOL_PATH": str(tmp_path / "spool"),
            "LIBELLE_LOG_KEY": KEY,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": "eu-west-3",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "geheim",
            "LIBELLE_METRICS_PORT": str(free_port()),
        }
        with serving(model_folder, tmp_path, workers=2, **variables) as (port, process, _):
            statuses = [
                call(port, "POST", PATH, {**CONFIRMED, "prediction_id": one})[0]
                for one in (PREDICTION, OTHER, PREDICTION)
            ]
            process.terminate()
            assert process.wait_for_end() == 0
        assert statuses == [201, 201, 200]
        assert read_feedback("s3://bucket/log", options=options).table.num_rows == 2
