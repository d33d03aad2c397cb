"""Every error is a problem, with a stable type and nothing of what was sent."""

import logging

import pytest

from api.errors import KIND_OF_ERROR
from api.main import create_app
from api.schemas import Problem
from libelle import errors

SECRET = "texte-confidentiel"

PROBLEMS = {
    ("GET", "/nothing"): (404, "unknown-address"),
    ("GET", "/v1/nothing"): (404, "unknown-address"),
    ("GET", "/docs/"): (404, "unknown-address"),
    ("GET", "/static/../main.py"): (404, "unknown-address"),
    ("GET", "/static/oauth2-redirect.html"): (404, "unknown-address"),
    ("GET", "/v1/predict"): (405, "method-not-allowed"),
    ("DELETE", "/v1/model"): (405, "method-not-allowed"),
    ("POST", "/health/live"): (405, "method-not-allowed"),
    ("POST", "/v1/predict"): (415, "unsupported-media-type"),
    ("GET", "/v1/models/other/model"): (404, "unknown-model"),
    ("POST", "/v1/models/other/predict"): (404, "unknown-model"),
    ("GET", "/v1/codes/texte-confidentiel"): (404, "unknown-code"),
    ("GET", "/v1/codes?limit=texte-confidentiel"): (422, "invalid-request"),
    ("GET", "/v1/codes?limit=0"): (422, "invalid-request"),
    ("GET", "/v1/codes?offset=-1"): (422, "invalid-request"),
    ("GET", "/v1/codes?offset=99999999999999999999"): (422, "invalid-request"),
    ("GET", "/v1/codes?q=" + "a" * 201): (422, "invalid-request"),
}


@pytest.mark.parametrize(("request_line", "expected"), PROBLEMS.items(), ids=map(str, PROBLEMS))
def test_an_error_is_a_problem(client, request_line, expected):
    status, slug = expected
    response = client.request(*request_line)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json; charset=utf-8"
    problem = Problem.model_validate_json(response.content)
    assert (problem.type, problem.status) == (f"urn:libelle:problem:{slug}", status)
    assert problem.request_id == response.headers["x-request-id"]
    assert SECRET not in response.text


def test_a_wrong_method_says_which_are_right(client):
    assert client.get("/v1/predict").headers["allow"] == "POST"


def every_error(base=errors.LibelleError):
    yield base
    for below in base.__subclasses__():
        yield from every_error(below)


def make_error(error_class, message):
    error = error_class.__new__(error_class)
    Exception.__init__(error, message)
    return error


@pytest.mark.parametrize("error_class", list(every_error()))
def test_every_error_of_libelle_has_a_status(make_client, model, monkeypatch, error_class):
    def fail(*_arguments, **_options):
        raise make_error(error_class, "in /srv/models/demo")

    client = make_client()
    monkeypatch.setattr("api.answers.make_prediction_ids", fail)
    response = client.post("/v1/predict", json={"text": "a"})
    kinds = [kind for known, kind in KIND_OF_ERROR.items() if issubclass(error_class, known)]
    assert response.status_code == kinds[0].status
    if response.status_code >= 500:
        assert "/srv" not in response.text


def test_an_unforeseen_failure_says_nothing_of_the_text(make_client, model, monkeypatch, caplog):
    def fail(texts, **_options):
        raise RuntimeError(f"cannot read {texts}")

    client = make_client()
    monkeypatch.setattr(model.predictor, "answer", fail)
    with caplog.at_level(logging.INFO):
        response = client.post("/v1/predict", json={"text": SECRET})
    assert response.status_code == 500
    problem = Problem.model_validate_json(response.content)
    assert problem.type == "urn:libelle:problem:internal-error"
    assert problem.request_id in caplog.text
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text + response.text


def test_logs_hold_no_query(client, caplog):
    with caplog.at_level(logging.INFO, logger="api"):
        client.get(f"/v1/codes?q={SECRET}")
    (record,) = [one for one in caplog.records if hasattr(one, "facts")]
    assert (record.facts["path"], record.facts["status"]) == ("/v1/codes", 200)
    assert SECRET not in caplog.text + str(record.facts)


def test_a_client_that_leaves_is_no_failure(portal, settings, model, caplog):
    app = create_app(settings, model=model)
    sent = []

    async def leave():
        return {"type": "http.disconnect"}

    async def keep(message):
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/predict", "headers": headers}

    async def call():
        async with app.router.lifespan_context(app):
            await app({**scope, "query_string": b"", "raw_path": b"/v1/predict"}, leave, keep)

    with caplog.at_level(logging.INFO, logger="api"):
        portal.call(call)
    assert sent == []
    assert "the client left" in caplog.text
    assert "failed" not in caplog.text
