"""Whatever is sent, the answer is one of those the schema names, and repeats nothing."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

SECRET = "texte-confidentiel"
JSON = "application/json"

BODIES = {
    "lone surrogate": (rb'{"text": "texte-confidentiel \ud800"}', JSON, 422),
    "lone surrogate as a field": (rb'{"text": "a", "\ud800": 1}', JSON, 422),
    "lone surrogate as an id": (rb'{"text": "a", "id": "\udfff"}', JSON, 422),
    "whole pair": (rb'{"text": "\ud83d\ude00"}', JSON, 200),
    "NaN": (b'{"text": NaN}', JSON, 400),
    "NaN and an escape": (rb'{"text": NaN, "id": "\u00e9"}', JSON, 400),
    "Infinity": (b'{"text": "a", "top_k": -Infinity}', JSON, 400),
    "invalid UTF-8": (b'{"text": "texte-confidentiel \xff"}', JSON, 400),
    "encoded surrogate": (b'{"text": "\xed\xa0\x80"}', JSON, 400),
    "Latin-1": ('{"text": "crèche"}'.encode("latin-1"), JSON, 400),
    "UTF-16": ('{"text": "texte-confidentiel"}'.encode("utf-16"), JSON, 400),
    "byte order mark": (b'\xef\xbb\xbf{"text": "texte-confidentiel"}', JSON, 400),
    "deep JSON": (b"[" * 100_000 + b"]" * 100_000, JSON, 400),
    "deep JSON and an escape": (rb'["\u00e9",' * 50_000 + b"1" + b"]" * 50_000, JSON, 400),
    "deep enough to parse": (b'{"text": ' + b"[" * 500 + b"]" * 500 + b"}", JSON, 422),
    "huge integer": (b'{"text": "a", "top_k": ' + b"9" * 5_000 + b"}", JSON, 400),
    "huge integer and an escape": (
        rb'{"text": "\ud800", "top_k": ' + b"9" * 5_000 + b"}",
        JSON,
        400,
    ),
    "large integer": (b'{"text": "a", "top_k": 36893488147419103232}', JSON, 422),
    "huge float": (b'{"text": "a", "top_k": 1e999}', JSON, 400),
    "float for an integer": (b'{"text": "a", "top_k": 5.0}', JSON, 422),
    "true for an integer": (b'{"text": "a", "top_k": true}', JSON, 422),
    "NUL": (rb'{"text": "nid\u0000de poule"}', JSON, 200),
    "raw NUL": (b'{"text": "texte-confidentiel\x00"}', JSON, 400),
    "newlines and controls": (rb'{"text": "nid\nde\r\u001b[31m\u2028poule"}', JSON, 200),
    "duplicate keys, the last counts": (b'{"text": 1, "text": "nid de poule"}', JSON, 200),
    "empty body": (b"", JSON, 400),
    "blank body": (b"  \n", JSON, 400),
    "truncated": (b'{"text": "texte-confidentiel', JSON, 400),
    "two values": (b'{"text": "a"} {"text": "texte-confidentiel"}', JSON, 400),
    "a text alone": (b'"texte-confidentiel"', JSON, 422),
    "null": (b"null", JSON, 422),
    "a list": (b'["texte-confidentiel"]', JSON, 422),
    "unknown field": (b'{"text": "a", "texte-confidentiel": "texte-confidentiel"}', JSON, 422),
    "unknown fields": (
        b'{"text": "a"' + b"".join(b', "f%d": 1' % n for n in range(9_999)) + b"}",
        JSON,
        422,
    ),
    "a million characters": (b'{"text": "' + b"a" * 1_000_000 + b'"}', JSON, 422),
    "compressed": (gzip.compress(b'{"text": "a"}'), JSON, 400),
    "with its charset": (b'{"text": "a"}', "Application/JSON; charset=utf-8", 200),
    "no type": (b'{"text": "a"}', None, 415),
    "a form": (b"text=texte-confidentiel", "application/x-www-form-urlencoded", 415),
    "plain text": (b"texte-confidentiel", "text/plain", 415),
    "XML": (b"<text>texte-confidentiel</text>", "application/xml", 415),
    "a type that is none": (b"{}", "\xe9;;,", 415),
}


@pytest.mark.parametrize(("body", "media_type", "status"), BODIES.values(), ids=BODIES)
def test_fault_20_a_hostile_body_has_a_defined_answer(client, body, media_type, status):
    headers = {} if media_type is None else {"Content-Type": media_type.encode("latin-1")}
    response = client.post("/v1/predict", content=body, headers=headers)
    assert response.status_code == status, response.text
    assert SECRET not in response.text
    assert len(response.content) < 5_000
    if status >= 400:
        assert response.headers["content-type"] == "application/problem+json; charset=utf-8"
        assert response.json()["status"] == status


@pytest.mark.parametrize("body", [body for body, media_type, _ in BODIES.values() if media_type])
def test_fault_20_a_hostile_item_never_breaks_a_batch(client, body):
    whole = b'{"items": [{"id": "good", "text": "nid de poule"}, ' + body + b"]}"
    response = client.post("/v1/predict/batch", content=whole, headers={"Content-Type": JSON})
    assert response.status_code in (200, 400)
    assert SECRET not in response.text
    if response.status_code == 200:
        assert response.json()["results"][0]["prediction"]["candidates"][0]["code"] == "0101"


@given(body=st.binary(max_size=60))
def test_s8_random_bytes_are_not_json(client, body):
    response = client.post("/v1/predict", content=body, headers={"Content-Type": JSON})
    assert response.status_code in (400, 422)


# Halves of surrogate pairs are too rare among all characters to be met by chance.
HALVES = st.sampled_from("\ud800\udbff\udc00\udfff")
WILD_TEXT = st.lists(st.characters() | HALVES, max_size=20).map("".join)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WILD_TEXT,
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=8,
)
FIELDS = st.sampled_from(["text", "id", "top_k", "explain", "items"])


@given(body=st.dictionaries(FIELDS, ANY_JSON) | ANY_JSON)
def test_s8_random_json_never_fails_the_service(client, body):
    content, headers = json.dumps(body), {"Content-Type": JSON}
    for path in ("/v1/predict", "/v1/predict/batch"):
        response = client.post(path, content=content, headers=headers)
        assert response.status_code in (200, 400, 422)


def test_fault_20_a_compressed_body_is_refused_by_its_header(client):
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    response = client.post("/v1/predict", content=b'{"text": "a"}', headers=headers)
    assert response.status_code == 415
