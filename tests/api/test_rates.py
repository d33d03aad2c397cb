"""How often a client may ask, and whose request it is."""

import logging
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.security.addresses import Proxies, household, is_loopback
from api.security.rates import RateLimit
from tests.api.keys import bearing

LOOPBACK = (ip_network("127.0.0.0/8"),)


@given(per_minute=st.integers(1, 500), waits=st.lists(st.floats(0, 90), min_size=1, max_size=200))
def test_s6_a_client_gets_its_minute_and_then_its_pace(per_minute, waits):
    rates, now, taken = RateLimit(per_minute), 1000.0, []
    for wait in waits:
        now += wait
        if rates.take("a", now=now) == 0:
            taken.append(now)
    for first in taken:
        for span in (0.0, 60.0, 300.0):
            n_taken = sum(first <= moment <= first + span for moment in taken)
            assert n_taken <= per_minute + per_minute * span / 60 + 1e-6


@given(per_minute=st.integers(1, 10_000))
def test_s6_exactly_the_requests_of_a_minute_are_answered_at_once(per_minute):
    rates = RateLimit(per_minute)
    assert not any(rates.take("a", now=5.0) for _ in range(per_minute))
    wait = rates.take("a", now=5.0)
    assert wait == pytest.approx(60 / per_minute)
    assert rates.take("a", now=5.0 + wait) == 0
    assert rates.take("b", now=5.0) == 0


def test_s6_memory_is_bounded_and_the_one_seen_longest_ago_is_forgotten():
    rates = RateLimit(1, max_clients=10)
    for number in range(1_000):
        rates.take(f"client {number}", now=0.0)
    assert len(rates) == 10
    assert rates.take("client 999", now=0.0) > 0


def test_s6_over_the_limit_each_client_waits_alone_and_probes_are_exempt(make_guarded):
    guarded = make_guarded(rate_limit=3)
    statuses = [guarded.get("/v1/model", headers=bearing("all")).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = guarded.get("/v1/model", headers=bearing("all"))
    assert refused.json()["type"] == "urn:libelle:problem:too-many-requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert guarded.get("/v1/model", headers=bearing("read")).status_code == 200
    for path in ("/health/live", "/health/ready", "/docs"):
        assert {guarded.get(path).status_code for _ in range(10)} == {200}


def test_s6_requests_without_a_key_take_nothing_from_those_who_have_one(make_guarded):
    guarded = make_guarded(rate_limit=2)
    assert {guarded.get("/v1/model").status_code for _ in range(10)} == {401}
    assert guarded.get("/v1/model", headers=bearing("read")).status_code == 200


def test_s6_without_keys_the_limit_is_that_of_the_address(make_client):
    client = make_client(rate_limit=2)
    assert [client.get("/v1/model").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/health/live").status_code == 200


def test_s6_logins_are_limited_by_address(make_guarded):
    guarded = make_guarded(rate_limit=2)
    statuses = [guarded.post("/login", json={"key": "wrong"}).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_s6_no_limit_unless_it_is_set(guarded):
    answers = {guarded.get("/v1/models", headers=bearing("read")).status_code for _ in range(50)}
    assert answers == {200}


FORGED = ["203.0.113.1", "203.0.113.2, 203.0.113.3", "", "garbage", "::1", "a\x1b[31m", "," * 500]


def test_s10_a_forged_address_changes_neither_the_limit_nor_the_log(make_client, caplog):
    client = make_client(rate_limit=1)
    with caplog.at_level(logging.INFO, logger="api"):
        statuses = [
            client.get("/v1/model", headers={"X-Forwarded-For": forged.encode()}).status_code
            for forged in FORGED
        ]
    assert statuses == [200, *[429] * (len(FORGED) - 1)]
    facts = [one.facts for one in caplog.records if hasattr(one, "facts")]
    assert [fact["address"] for fact in facts[1:]] == ["127.0.0.1"] * (len(FORGED) - 1)
    assert "203.0.113" not in caplog.text + str(facts)


def test_s10_a_trusted_proxy_tells_its_clients_apart(make_client):
    client = make_client(rate_limit=1, trusted_proxies=LOOPBACK)

    def ask(forwarded):
        return client.get("/v1/model", headers={"X-Forwarded-For": forwarded}).status_code

    assert ask("203.0.113.1") == 200
    assert ask("203.0.113.2") == 200
    # What the client wrote before its own address is not believed.
    assert ask("203.0.113.9, 203.0.113.1") == 429


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.9, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.9", "192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.9, garbage"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("::ffff:10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
        ("192.0.2.7", ["192.0.2.1"], "192.0.2.7"),
        ("/socket", ["192.0.2.1"], "unknown"),
    ],
)
def test_s10_the_address_is_the_first_that_is_not_trusted_from_the_end(peer, forwarded, expected):
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"client": (peer, 1), "headers": headers}
    assert Proxies([ip_network("10.0.0.0/8")]).client_of(scope) == expected
    assert Proxies([ip_network("10.0.0.0/8")]).client_of(scope | {"client": None}) == "unknown"


def test_a_subscriber_has_one_limit_for_all_its_ipv6_addresses():
    assert household("2001:db8::1") == household("2001:db8::ffff") != household("2001:db8:1::1")
    assert household("fe80::1%eth0") == "fe80::/64"
    assert household("192.0.2.1") == "192.0.2.1"


def test_loopback_is_this_machine_alone():
    for host in ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"):
        assert is_loopback(host)
    for host in ("0.0.0.0", "::", "192.168.1.1", "localhost.example.org", "", "127.0.0.1.x.org"):
        assert not is_loopback(host)
