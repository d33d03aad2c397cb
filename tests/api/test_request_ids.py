"""The identifier of a request: taken or made, always echoed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

HEADER = "X-Request-ID"


@given(identifier=st.from_regex(r"[A-Za-z0-9._:/+=@-]{1,128}", fullmatch=True))
def test_a_readable_identifier_is_echoed(client, identifier):
    response = client.get("/health/live", headers={HEADER: identifier})
    assert response.headers[HEADER] == identifier


@pytest.mark.parametrize(
    "identifier",
    [b"", b"a" * 129, b"a b", b"a\tb", b"\xe9", b'"', b"<script>", b"a,b", b"\x1b[31m"],
)
def test_another_identifier_is_replaced(client, identifier):
    response = client.get("/nothing", headers={HEADER: identifier})
    assert re.fullmatch("[0-9a-f]{32}", response.headers[HEADER])
    assert response.json()["request_id"] == response.headers[HEADER]


def test_each_request_without_identifier_gets_its_own(client):
    made = {client.get("/health/live").headers[HEADER] for _ in range(5)}
    assert len(made) == 5
