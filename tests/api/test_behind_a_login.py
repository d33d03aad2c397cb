"""Behind a proxy that asks for a login of its own, keys alone still say who one is."""

from http.cookies import SimpleCookie

import pytest

from tests.api.keys import SECRETS, bearing

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqZG9lIn0.c2lnbmF0dXJl"  # As an OIDC server makes them.


@pytest.mark.parametrize("name", ["X-Auth-Request-User", "X-Forwarded-User", "X-Forwarded-Email"])
def test_a_name_that_a_proxy_gives_lets_nobody_in(guarded, name):
    assert guarded.get("/v1/model", headers={name: "jdoe@example.org"}).status_code == 401
    both = bearing("read") | {name: "jdoe@example.org"}
    assert guarded.get("/v1/model", headers=both).status_code == 200


def test_a_token_of_a_proxy_is_no_key_and_spoils_the_one_beside_it(guarded):
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get("/v1/model", headers=token).status_code == 401
    for both in (token | bearing("read"), bearing("read") | token):
        assert guarded.get("/v1/model", headers=both).status_code == 401


def test_a_session_holds_beside_the_cookie_of_a_proxy(guarded):
    guarded.forget_cookies()
    cookies = SimpleCookie(
        guarded.post("/login", json={"key": SECRETS["read"]}).headers["set-cookie"]
    )
    session = f"libelle_session={cookies['libelle_session'].value}"
    both = {"Cookie": f"_oauth2_proxy={TOKEN}; {session}"}
    guarded.forget_cookies()
    assert guarded.get("/v1/model").status_code == 401
    assert guarded.get("/v1/model", headers=both).status_code == 200
