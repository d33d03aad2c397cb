"""Every address asks for a key, but those that are listed as open."""

import logging
import re

import pytest
from fastapi import WebSocket
from fastapi.routing import iter_route_contexts

from api.main import OPEN_ADDRESSES
from api.schemas import Problem
from api.security.access import needed_scope
from tests.api.keys import HEADER, SECRETS, UNKNOWN, bearing

EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OPEN = {
    "/",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/health/live",
    "/health/ready",
    "/login",
    "/static/favicon.png",
    "/static/redoc.standalone.js",
    "/static/swagger-ui-bundle.js",
    "/static/swagger-ui.css",
    "/static/start-swagger.js",
}
ABSENT = [
    "/nothing",
    "/v1",
    "/v1/",
    "/v1/nothing",
    "/v1/models/other/model",
    "/v1/models/other/predict",
    "/v1/codes/9999",
    "/health",
    "/health/nothing",
    "/health/live/",
    "/docs/",
    "/DOCS",
    "http://libelle.test//docs",
    "http://libelle.test//v1/model",
    "/static/nothing.js",
    "/static/../v1/model",
    "/docs/../v1/model",
    "/docs%2F..%2Fv1%2Fmodel",
    "/v1/model?/docs",
    "/v1/model;/docs",
    "/metrics",
    "/login/",
]


def addresses(app) -> set[str]:
    """Return an address of every route of an application."""
    paths = {route.path for route in iter_route_contexts(app.routes)}
    return {re.sub(r"\{[^}]+\}", "demo", path) for path in paths}


def assert_unauthenticated(response):
    assert response.status_code == 401
    problem = Problem.model_validate_json(response.content)
    assert problem.type == "urn:libelle:problem:unauthenticated"
    assert response.headers["www-authenticate"] == 'Bearer realm="libelle"'


def test_s1_what_is_open_is_what_was_decided():
    assert OPEN_ADDRESSES == OPEN


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_s1_every_other_route_asks_for_a_key(guarded, method):
    private = addresses(guarded.app) - OPEN
    assert {"/v1/predict", "/v1/models/demo/predict/batch", "/v1/codes/demo"} <= private
    for path in [*private, *ABSENT]:
        response = guarded.request(method, path)
        assert response.status_code == 401, path
        if method != "HEAD":
            assert_unauthenticated(response)


def test_s1_open_addresses_ask_for_none(guarded):
    for path in OPEN - {"/login"}:
        assert guarded.get(path).status_code in (200, 307), path


def test_s1_a_new_route_is_private(guarded):
    guarded.app.add_api_route("/new", lambda: "answered")
    guarded.app.add_api_route("/health/new", lambda: "answered")
    for path in ("/new", "/health/new"):
        assert_unauthenticated(guarded.get(path))
        assert guarded.get(path, headers=bearing("read")).json() == "answered"


def test_s1_nobody_learns_without_a_key_which_model_or_code_exists(guarded):
    for known, unknown in (
        ("/v1/models/demo/model", "/v1/models/other/model"),
        ("/v1/codes/0101", "/v1/codes/nothing"),
        ("/v1/model", "/v1/nothing"),
    ):
        bodies = []
        for path in (known, unknown):
            response = guarded.get(path, headers={"X-Request-ID": "same"})
            bodies.append((response.status_code, response.content, dict(response.headers)))
        assert bodies[0] == bodies[1]


@pytest.mark.parametrize("root_path", ["/proxy/8000", "/v1", "/docs"])
def test_s1_a_sub_path_opens_nothing(make_guarded, root_path):
    guarded = make_guarded(root_path=root_path)
    for path in ("/v1/model", "/v1/v1/model", "/docs/v1/model", "/proxy/8000/v1/model"):
        assert guarded.get(path).status_code == 401, path
    assert guarded.get(f"{root_path}/docs").status_code == 200
    assert guarded.get(f"{root_path}/v1/model", headers=bearing("read")).status_code == 200


def test_s1_no_web_socket_is_opened(portal, guarded):
    async def accept(websocket: WebSocket):
        await websocket.accept()

    guarded.app.add_api_websocket_route("/docs", accept)
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def keep(message):
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/docs", "headers": [], "query_string": b""}
    portal.call(guarded.app, scope, receive, keep)
    assert sent == ["websocket.close"]


WRONG = {
    "unknown": {HEADER: UNKNOWN},
    "empty": {HEADER: ""},
    "beginning": {HEADER: SECRETS["all"][:-1]},
    "longer": {HEADER: SECRETS["all"] + "a"},
    "another case": {HEADER: SECRETS["all"].upper()},
    "not ASCII": {HEADER: "é".encode()},
    "basic": {"Authorization": "Basic " + SECRETS["all"]},
    "unknown bearer": {"Authorization": "Bearer " + UNKNOWN},
    "no cookie of ours": {"Cookie": "other=1; libelle_session=; libelle_session"},
    "a key as a cookie": {"Cookie": "libelle_session=" + SECRETS["all"]},
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
def test_s2_a_wrong_key_is_answered_as_an_absent_one(guarded, headers):
    same = {"X-Request-ID": "same"}
    wrong, absent = (guarded.get("/v1/model", headers=same | h) for h in (headers, {}))
    assert_unauthenticated(wrong)
    assert wrong.content == absent.content
    assert wrong.headers == absent.headers


def test_two_keys_in_one_request_are_refused(guarded):
    twice = [(HEADER, SECRETS["read"]), (HEADER, SECRETS["all"])]
    assert_unauthenticated(guarded.get("/v1/model", headers=twice))
    both = {HEADER: SECRETS["read"], "Authorization": f"Bearer {UNKNOWN}"}
    assert_unauthenticated(guarded.get("/v1/model", headers=both))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_key_may_come_as_a_bearer_token(guarded, scheme):
    headers = {"Authorization": f"{scheme} {SECRETS['read']}"}
    assert guarded.get("/v1/model", headers=headers).status_code == 200


def test_s2_a_key_in_the_address_is_not_read(guarded):
    for name in ("api_key", "key", "X-API-Key", "x-api-key", "token"):
        assert_unauthenticated(guarded.get("/v1/model", params={name: SECRETS["all"]}))


CALLS = {
    ("POST", "/v1/predict"): "predict",
    ("POST", "/v1/predict/batch"): "predict",
    ("POST", "/v1/models/demo/predict"): "predict",
    ("GET", "/v1/model"): "read",
    ("GET", "/v1/models"): "read",
    ("GET", "/v1/codes"): "read",
    ("GET", "/v1/models/demo/codes/0101"): "read",
    ("POST", "/v1/feedback"): "review",
    ("POST", "/v1/models/demo/feedback"): "review",
    ("POST", "/v1/models/predict"): "review",
    ("POST", "/v1/models"): "review",
    ("DELETE", "/v1/model"): "review",
}


@pytest.mark.parametrize(("call", "needed"), CALLS.items(), ids=map(str, CALLS))
def test_a_key_does_what_its_scopes_say(guarded, call, needed):
    for scope in ("predict", "read", "review"):
        response = guarded.request(*call, headers=bearing(scope))
        if scope == needed:
            assert response.status_code in (200, 404, 405, 415)
        else:
            assert response.status_code == 403
            assert response.json()["type"] == "urn:libelle:problem:wrong-scope"
            assert response.json()["detail"] == f"It takes a key with the scope {needed}."


def test_every_write_of_the_api_has_a_scope_that_was_thought_of(guarded):
    asked = set()
    for path, operations in guarded.app.openapi()["paths"].items():
        if "post" in operations and path not in OPEN:
            asked.add((path, needed_scope("POST", path)))
    assert asked == {
        ("/logout", None),
        ("/v1/predict", "predict"),
        ("/v1/predict/batch", "predict"),
        ("/v1/predict/file", "predict"),
        ("/v1/feedback", "review"),
        ("/v1/models/{model}/feedback", "review"),
        ("/v1/models/{model}/predict/file", "predict"),
        ("/v1/models/{model}/predict", "predict"),
        ("/v1/models/{model}/predict/batch", "predict"),
    }


def test_s7_what_is_refused_with_a_key_is_refused_as_before(guarded):
    for method, path, name, status in (
        ("GET", "/v1/nothing", "all", 404),
        ("DELETE", "/v1/model", "all", 405),
        ("POST", "/v1/predict", "predict", 415),
    ):
        assert guarded.request(method, path, headers=bearing(name)).status_code == status
    unknown_field = {"text": "a", "more": 1}
    response = guarded.post("/v1/predict", json=unknown_field, headers=bearing("predict"))
    assert response.status_code == 422


def test_a_prediction_id_is_that_of_its_client(guarded):
    same = {"X-Request-ID": "same"}
    first, again, other = (
        guarded.post("/v1/predict", json={"text": "a"}, headers=same | bearing(name)).json()
        for name in ("all", "all", "other")
    )
    assert first == again
    assert first["prediction_id"] != other["prediction_id"]


def test_the_log_says_whose_key_it_was(guarded, caplog):
    with caplog.at_level(logging.INFO, logger="api"):
        guarded.get("/v1/model", headers=bearing("read"))
        guarded.get("/v1/model")
        guarded.get("/health/live")
    known, refused, probe = (one.facts for one in caplog.records if hasattr(one, "facts"))
    assert known["client"] == "read"
    assert "address" not in known
    assert (refused["status"], refused["address"]) == (401, "127.0.0.1")
    assert not {"client", "address"} & set(probe)


def test_swagger_can_authorize_every_private_operation(guarded):
    described = guarded.get("/openapi.json").json()
    schemes = described["components"]["securitySchemes"]
    assert schemes["ApiKey"]["in"] == "header"
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            name = f"{method} {path}"
            if path in OPEN:
                assert "security" not in operation, name
                continue
            needed = needed_scope(method.upper(), path)
            asked = [needed] if needed else []
            assert operation["security"] == [{scheme: asked} for scheme in schemes], name
            assert {"401", "403", "429"} <= set(operation["responses"]), name
            assert f"Scope: `{needed}`." in operation["description"] or not needed
            headers = {schemes["ApiKey"]["name"]: SECRETS[needed or "all"]}
            answered = guarded.request(method, path.replace("{model}", "demo"), headers=headers)
            assert answered.status_code in (200, 204, 404, 415), name
