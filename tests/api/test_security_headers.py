"""What every answer tells browsers, and which pages of other sites may call."""

import pytest

from tests.api.keys import SECRETS, bearing

PAGES = ("/docs", "/redoc")
APP = "https://app.example.org"
EVERY_KIND = [
    ("GET", "/v1/model", 200),
    ("GET", "/v1/codes/nothing", 404),
    ("GET", "/v1/nothing", 404),
    ("GET", "/health/live", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/", 307),
    ("DELETE", "/v1/model", 405),
    ("POST", "/v1/predict", 415),
    ("GET", "/static/swagger-ui.css", 200),
    *(("GET", page, 200) for page in PAGES),
]


@pytest.mark.parametrize(("method", "path", "status"), EVERY_KIND)
def test_s9_every_answer_has_the_headers_that_protect(guarded, method, path, status):
    response = guarded.request(method, path, headers=bearing("all"))
    headers = response.headers
    assert response.status_code == status
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers
    if path in PAGES:
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "SAMEORIGIN"
    else:
        expected = "default-src 'none'; frame-ancestors 'none'"
        assert headers["content-security-policy"] == expected
        assert headers["x-frame-options"] == "DENY"
    if path.startswith("/static/"):
        assert headers["cache-control"] == "max-age=3600"
    else:
        assert headers["cache-control"] == "no-store"
    if response.content:
        assert "charset=utf-8" in headers["content-type"]
    for name in ("x-content-type-options", "x-frame-options", "content-security-policy"):
        assert len(headers.get_list(name)) == 1


def test_s9_refusals_and_failures_have_them_too(guarded, monkeypatch, model):
    refused = guarded.get("/v1/model")

    def fail(*_arguments, **_options):
        raise RuntimeError

    monkeypatch.setattr(model.predictor, "answer", fail)
    failed = guarded.post("/v1/predict", json={"text": "a"}, headers=bearing("all"))
    assert (refused.status_code, failed.status_code) == (401, 500)
    for response in (refused, failed):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"


def test_s9_a_prediction_is_not_kept(guarded):
    response = guarded.post("/v1/predict", json={"text": "a"}, headers=bearing("predict"))
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def preflight(client, origin, method="POST"):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "x-api-key,content-type",
    }
    return client.request("OPTIONS", "/v1/predict", headers=headers)


def allowing(response):
    return {name for name in response.headers if name.startswith("access-control")}


def test_s22_by_default_no_other_site_is_answered(guarded):
    assert preflight(guarded, APP).status_code == 401
    response = guarded.get("/v1/model", headers={"Origin": APP} | bearing("read"))
    assert not allowing(response) | allowing(preflight(guarded, APP))


def test_s22_the_pages_of_a_named_origin_call_with_a_key(make_guarded):
    guarded = make_guarded(cors_origins=(APP,))
    asked = preflight(guarded, APP)
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == APP
    assert "X-API-Key" in asked.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in asked.headers
    for headers, status in ((bearing("read"), 200), ({}, 401)):
        response = guarded.get("/v1/model", headers={"Origin": APP} | headers)
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == APP
        assert "access-control-allow-credentials" not in response.headers
        assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.org", "null", "*", APP + ".evil.org", "http://app.example.org", ""],
)
def test_s22_other_origins_are_told_nothing(make_guarded, origin):
    guarded = make_guarded(cors_origins=(APP,))
    assert preflight(guarded, origin).status_code == 401
    response = guarded.get("/v1/model", headers={"Origin": origin} | bearing("read"))
    assert not allowing(response) | allowing(preflight(guarded, origin))
    assert "Origin" in response.headers["vary"]


def test_s22_a_page_of_a_named_origin_does_not_use_a_session(make_guarded):
    guarded = make_guarded(cors_origins=(APP,))
    headers = {"Origin": APP, "Sec-Fetch-Site": "cross-site"}
    assert guarded.post("/login", json={"key": SECRETS["all"]}, headers=headers).status_code == 403
