"""Who sees the pages: nobody without a key that may read, unless the settings say so."""

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from libelle.dashboard.access import needed_scope
from libelle.dashboard.main import OPEN_ADDRESSES
from libelle.errors import UsageError
from tests.api.keys import ENTRIES, SECRETS, UNKNOWN
from tests.dashboard.conftest import PAGES, make_settings

LOOPBACK = "http://127.0.0.1:8001"  # Elsewhere cookies are for https alone.
KEYS = SecretStr(",".join(ENTRIES.values()))


@pytest.fixture
def guarded(open_dashboard):
    def open_(base=LOOPBACK, **changes):
        return open_dashboard(auth="keys", api_keys=KEYS, base=base, **changes)

    return open_


def log_in(visitor, name, **options):
    return visitor.post("login", data={"key": SECRETS[name]}, **options)


def test_every_route_is_private_unless_listed(guarded):
    visitor = guarded()
    routes = list(iter_route_contexts(visitor.app.routes))
    assert len(routes) >= 11
    for route in routes:
        path = route.path.replace("{name}", "style.css")
        for method in (route.methods or set()) - {"HEAD"}:
            answer = visitor.request(method, path)
            is_open = path in OPEN_ADDRESSES
            refused = answer.status_code == 401 or answer.headers.get("location") == "login"
            assert refused != is_open or (path, method) == ("/login", "POST"), path
    assert OPEN_ADDRESSES == {
        "/login",
        "/health/live",
        "/static/style.css",
        "/static/icon.svg",
        "/static/slider.js",
        "/static/review.js",
        "/static/try.js",
    }


@pytest.mark.parametrize("path", ["nowhere", "a/b", "review", "static/x", "docs", "openapi.json"])
def test_what_does_not_exist_is_private_too(guarded, path):
    answer = guarded().get(path)
    assert answer.status_code in (303, 401)
    assert "libelle" not in answer.text.replace("libelle</", "") or answer.status_code == 401


def test_a_key_that_may_read_sees_the_pages(guarded):
    visitor = guarded()
    answer = log_in(visitor, "read")
    assert (answer.status_code, answer.headers["location"]) == (303, ".")
    for path in PAGES:
        assert visitor.get(path).status_code == (403 if path in ("try", "review") else 200)
    assert "Connexion : read" in visitor.page("").replace("\u00a0", " ")


@pytest.mark.parametrize("secret", [UNKNOWN, "", "x", SECRETS["predict"], SECRETS["review"]])
def test_another_key_sees_nothing(guarded, secret):
    visitor = guarded()
    answer = visitor.post("login", data={"key": secret})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert visitor.get("").status_code == 303


def test_the_cookie_is_out_of_the_reach_of_scripts_and_of_other_sites(guarded):
    cookie = log_in(guarded(base="https://libelle.test"), "read").headers["set-cookie"]
    for mark in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"):
        assert mark in cookie
    cookie = log_in(guarded(), "read").headers["set-cookie"]
    assert "Secure" not in cookie
    cookie = log_in(guarded(), "read", headers={"X-Forwarded-For": "1.2.3.4"}).headers["set-cookie"]
    assert "Secure" in cookie


def test_a_forged_session_is_none(guarded):
    visitor = guarded()
    for token in ("x", "9999999999.aaaa.bbbb.cccc", "..."):
        answer = visitor.get("", headers={"cookie": f"libelle_session={token}"})
        assert answer.status_code == 303


def test_logging_out_takes_a_token(guarded):
    visitor = guarded()
    log_in(visitor, "read")
    assert visitor.post("logout").status_code == 403
    assert visitor.post("logout", data={"csrf_token": "x"}).status_code == 403
    token = visitor.page("").partition('name="csrf_token" value="')[2].partition('"')[0]
    other_site = {"sec-fetch-site": "cross-site"}
    answer = visitor.post("logout", data={"csrf_token": token}, headers=other_site)
    assert answer.status_code == 403
    assert visitor.get("").status_code == 200
    assert visitor.post("logout", data={"csrf_token": token}).status_code == 303
    assert visitor.get("").status_code == 303


def test_a_page_of_another_site_logs_nobody_in(guarded):
    answer = log_in(guarded(), "read", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_attempts_are_counted(guarded):
    visitor = guarded(rate_limit=3)
    statuses = [visitor.post("login", data={"key": UNKNOWN}).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_pages_with_texts_and_writes_take_review():
    assert needed_scope("GET", "/review") == "review"
    assert needed_scope("GET", "/review/next") == "review"
    assert needed_scope("POST", "/anything") == "review"
    assert needed_scope("POST", "/try/file") == "predict"
    assert needed_scope("GET", "/codes") == "read"
    assert needed_scope("POST", "/logout") is None


def test_a_reader_may_not_review(guarded):
    visitor = guarded()
    log_in(visitor, "read")
    assert visitor.get("review").status_code == 403
    visitor = guarded()
    log_in(visitor, "all")
    assert visitor.get("review").status_code == 200


def test_without_keys_the_dashboard_does_not_start(tmp_path):
    from libelle.dashboard import create_dashboard

    with pytest.raises(UsageError, match="No key is known"):
        create_dashboard(make_settings(tmp_path, auth="keys"))


def test_a_sub_path_stays_in_every_link(guarded):
    visitor = guarded(root_path="/proxy/8001")
    assert visitor.get("/proxy/8001").headers["location"] == "8001/"
    answer = log_in_under(visitor, "/proxy/8001/login")
    assert "Path=/proxy/8001" in answer.headers["set-cookie"]
    assert visitor.get("/proxy/8001/today").status_code == 200
    assert 'href="today"' in visitor.get("/proxy/8001/").text


def log_in_under(visitor, path):
    return visitor.post(path, data={"key": SECRETS["read"]})
