"""A key exchanged for a cookie, and the token that guards the writes of a page."""

import time
from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.security.keys import make_key
from api.security.sessions import Session, Sessions
from tests.api.keys import ENTRIES, HEADER, SECRETS, UNKNOWN, bearing

KEY = make_key("client", ["read"])[1]
TOKEN = "X-CSRF-Token"
TEXT = {"text": "Nid de poule"}
BODIES = {
    "JSON": {"json": {"key": SECRETS["all"]}},
    "a form": {"data": {"key": SECRETS["all"]}},
}


def log_in(client, name="all", **options):
    """Return the headers that a browser sends after a login, and the token of its pages."""
    client.forget_cookies()
    response = client.post("/login", json={"key": SECRETS[name]}, **options)
    assert response.status_code == 200, response.text
    cookie = SimpleCookie(response.headers["set-cookie"])["libelle_session"]
    return {"Cookie": f"libelle_session={cookie.value}"}, response.json()["csrf_token"]


@pytest.fixture
def sessions():
    return Sessions(b"0" * 32, seconds=100)


def test_a_session_is_read_until_it_is_over(sessions):
    session = sessions.start(KEY, now=1000.0)
    assert session.expires_at == 1100
    assert sessions.read(session.token, now=1099.9) == KEY.fingerprint
    assert sessions.read(session.token, now=1100.0) is None
    assert sessions.start(KEY, now=1000.0).token != session.token


def test_a_session_is_known_to_those_who_share_the_key_alone(sessions):
    token = sessions.start(KEY, now=0).token
    assert Sessions(b"0" * 32, seconds=1).read(token, now=0) == KEY.fingerprint
    assert Sessions(b"1" * 32, seconds=100).read(token, now=0) is None


@given(position=st.integers(0, 150), character=st.characters())
def test_a_changed_session_is_none(position, character):
    sessions = Sessions(b"0" * 32, seconds=100)
    token = sessions.start(KEY, now=0).token
    changed = token[:position] + character + token[position + 1 :]
    assert sessions.read(changed, now=0) == (KEY.fingerprint if changed == token else None)


@given(token=st.text())
def test_no_other_text_is_a_session(token):
    assert Sessions(b"0" * 32, seconds=100).read(token, now=0) is None


def test_a_token_of_one_session_is_not_that_of_another(sessions):
    one, other = (sessions.start(KEY, now=0) for _ in range(2))
    assert isinstance(one, Session)
    assert sessions.is_csrf_token(one.csrf_token, one.token)
    for wrong in (other.csrf_token, one.token.rpartition(".")[2], "", "é"):
        assert not sessions.is_csrf_token(wrong, one.token)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_key_is_exchanged_for_a_cookie_that_pages_cannot_read(guarded, body):
    response = guarded.post("/login", headers={"Host": "libelle.example.org"}, **body)
    assert response.status_code == 200
    answer = response.json()
    assert (answer["client"], answer["scopes"]) == ("all", ["predict", "read", "review"])
    cookie = SimpleCookie(response.headers["set-cookie"])["libelle_session"]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert (cookie["samesite"], cookie["path"], cookie["max-age"]) == ("strict", "/", "28800")
    assert SECRETS["all"] not in response.text + str(response.headers)


@pytest.mark.parametrize(
    ("url", "headers", "is_secure"),
    [
        ("http://127.0.0.1:8000/login", {}, False),
        ("http://localhost:8000/login", {}, False),
        ("http://[::1]:8000/login", {}, False),
        ("https://127.0.0.1:8000/login", {}, True),
        ("http://libelle.example.org/login", {}, True),
        ("http://127.0.0.1:8000/login", {"X-Forwarded-Proto": "https"}, True),
    ],
)
def test_the_cookie_is_secure_but_on_loopback_in_clear(guarded, url, headers, is_secure):
    response = guarded.post(url, json={"key": SECRETS["all"]}, headers=headers)
    assert ("secure" in response.headers["set-cookie"].lower()) == is_secure


def test_the_cookie_is_sent_under_the_sub_path_alone(make_guarded):
    guarded = make_guarded(root_path="/proxy/8000")
    response = guarded.post("/proxy/8000/login", json={"key": SECRETS["all"]})
    assert "Path=/proxy/8000;" in response.headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "wrong", UNKNOWN, SECRETS["all"] + "a"])
def test_s2_every_wrong_key_is_answered_alike(guarded, key):
    same = {"X-Request-ID": "same"}
    response = guarded.post("/login", json={"key": key}, headers=same)
    expected = guarded.get("/v1/model", headers=same)
    assert (response.status_code, response.content) == (401, expected.content)
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{}", "application/json", 422),
        (b'{"key": 1}', "application/json", 422),
        (b'{"key": "a", "more": 1}', "application/json", 422),
        (b'{"key": "\\ud800"}', "application/json", 422),
        (b'{"key": "' + b"a" * 257 + b'"}', "application/json", 422),
        (b'{"key": "' + b"a" * 2_000 + b'"}', "application/json", 413),
        (b"{", "application/json", 400),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"a=1&b=2&c=3&d=4&key=5", "application/x-www-form-urlencoded", 422),
        (b"key=%ff%00\xe9", "application/x-www-form-urlencoded", 401),
        (b"key=a", "text/plain", 415),
        (b"key=a", "multipart/form-data; boundary=a", 415),
    ],
)
def test_a_hostile_login_has_a_defined_answer(guarded, content, media_type, status):
    response = guarded.post("/login", content=content, headers={"Content-Type": media_type})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json; charset=utf-8"


def test_a_page_of_another_site_logs_nobody_in(guarded):
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
        headers = {"Sec-Fetch-Site": site}
        response = guarded.post("/login", json={"key": SECRETS["all"]}, headers=headers)
        assert response.status_code == status


def test_a_session_reads_and_its_writes_bear_a_token(guarded):
    cookie, token = log_in(guarded)
    assert guarded.get("/v1/model", headers=cookie).status_code == 200
    for wrong in ({}, {TOKEN: ""}, {TOKEN: "a" * 64}, {TOKEN: "é".encode()}):
        response = guarded.post("/v1/predict", json=TEXT, headers=cookie | wrong)
        assert response.status_code == 403
        assert response.json()["type"] == "urn:libelle:problem:cross-site"
    right = guarded.post("/v1/predict", json=TEXT, headers=cookie | {TOKEN: token})
    assert right.status_code == 200
    other_cookie, _ = log_in(guarded)
    stolen = guarded.post("/v1/predict", json=TEXT, headers=other_cookie | {TOKEN: token})
    assert stolen.status_code == 403


def test_a_request_that_bears_a_key_needs_no_token(guarded):
    cookie, _ = log_in(guarded)
    headers = cookie | bearing("predict")
    assert guarded.post("/v1/predict", json=TEXT, headers=headers).status_code == 200
    wrong = cookie | {HEADER: UNKNOWN}
    assert guarded.get("/v1/model", headers=wrong).status_code == 401


def test_a_session_has_the_scopes_of_its_key_and_its_name(guarded):
    cookie, token = log_in(guarded, "read")
    headers = cookie | {TOKEN: token}
    assert guarded.get("/v1/model", headers=headers).status_code == 200
    assert guarded.post("/v1/predict", json=TEXT, headers=headers).status_code == 403


def test_a_session_ends_with_its_key(make_guarded):
    log_key = SecretStr("0" * 32)
    cookie, _ = log_in(make_guarded(log_key=log_key))
    assert make_guarded(log_key=log_key).get("/v1/model", headers=cookie).status_code == 200
    fewer = SecretStr(ENTRIES["read"])
    after = make_guarded(log_key=log_key, api_keys=fewer)
    assert after.get("/v1/model", headers=cookie).status_code == 401


def test_a_session_ends_with_its_time(guarded, monkeypatch):
    cookie, _ = log_in(guarded)
    later = time.time() + 28_801
    monkeypatch.setattr("api.security.access.time.time", lambda: later)
    assert guarded.get("/v1/model", headers=cookie).status_code == 401


def test_logging_out_erases_the_cookie_and_needs_the_token(guarded):
    cookie, token = log_in(guarded, "predict")
    assert guarded.post("/logout", headers=cookie).status_code == 403
    response = guarded.post("/logout", headers=cookie | {TOKEN: token})
    assert response.status_code == 204
    erased = SimpleCookie(response.headers["set-cookie"])["libelle_session"]
    assert (erased.value, erased["max-age"]) == ("", "0")
    assert guarded.post("/logout").status_code == 401


def test_without_keys_nobody_logs_in(client):
    assert client.post("/login", json={"key": SECRETS["all"]}).status_code == 401
