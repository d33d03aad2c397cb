"""What hostile or careless clients send, and what each gets; their texts stand in no answer."""

import gzip
import json

from hypothesis import strategies as st

SECRET = "texte-confidentiel"
JSON, CSV, NDJSON = "application/json", "text/csv", "application/x-ndjson"

# Bodies of `POST /v1/predict`: what is sent, as which type, the status of the answer.
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

# Items of a batch: the item, the identifier that is echoed, what is wrong in it.
BAD_ITEMS = {
    "too long": ({"id": "b", "text": "a" * 10_001}, "b", "#/text"),
    "not text": ({"id": "b", "text": 12}, "b", "#/text"),
    "no text": ({"id": "b"}, "b", "#/text"),
    "null text": ({"id": "b", "text": None}, "b", "#/text"),
    "id that is a number": ({"id": 7, "text": "a"}, None, "#/id"),
    "id too long": ({"id": "b" * 257, "text": "a"}, None, "#/id"),
    "unknown field": ({"id": "b", "text": "a", "secret-field": 1}, "b", "#"),
    "not an object": ("secret-text", None, "#"),
    "null": (None, None, "#"),
    "half a surrogate pair": ({"id": "b", "text": "\ud800"}, "b", "#/text"),
}

# Records of a CSV file whose header is `n,text`: the record, what is wrong, cells of the answer.
BAD_ROWS = {
    "too long": (b"1," + b"a" * 10_001, "#/text", 2),
    "too few cells": (b"1", "#", 2),
    "too many cells": (b"1,a,b,c", "#", 2),
    "not UTF-8": (b"1,\xff texte-confidentiel", "#", 2),
    "encoded surrogate": (b"1,\xed\xa0\x80", "#", 2),
    "text after a quoted cell": (b'1,"a"b', "#", 2),
    "a mark that swallows": (b'1,"a\n"1,b', "#", 2),
    "a lone carriage return": (b"1,a\rb", "#", 2),
    "longer than a record": (b"1," + b"a" * 1_000_001, "#", 2),
    "longer, in quotes": (b'1,"' + b"a\n" * 600_000 + b'"', "#", 2),
}

# Lines of an NDJSON file: the line, what is wrong in it.
BAD_LINES = {
    "too long": (json.dumps({"text": "a" * 10_001}).encode(), "#/text"),
    "not text": (b'{"text": 12}', "#/text"),
    "null text": (b'{"text": null}', "#/text"),
    "no text": (b'{"texte-confidentiel": "a"}', "#/text"),
    "empty object": (b"{}", "#/text"),
    "not JSON": (b"texte-confidentiel", "#"),
    "a list": (b'["texte-confidentiel"]', "#"),
    "NaN": (b'{"text": "a", "n": NaN}', "#"),
    "not UTF-8": (b'{"text": "\xff"}', "#"),
    "deep": (b'{"text": "a", "n": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "#"),
    "deep, and hidden": (b'{"text": "a", "code": ' + b"[" * 1_000 + b"]" * 1_000 + b"}", "#"),
    "huge number": (b'{"text": "a", "n": ' + b"1" * 5_000 + b"}", "#"),
    "half a pair": (rb'{"text": "\ud800"}', "#/text"),
    "bad id": (b'{"text": "a", "id": 7}', "#/id"),
    "longer than a record": (b'{"text": "' + b"a" * 1_000_001 + b'"}', "#"),
}

# Files that cannot even be begun: what is sent, as which type, with which query, the status.
BAD_FILES = {
    "empty": (b"", CSV, {}, 422),
    "blank": (b"\n\n", CSV, {}, 422),
    "only a mark": (b"\xef\xbb\xbf", CSV, {}, 422),
    "no such column": (b"texte-confidentiel,b\n", CSV, {}, 422),
    "no such id": (b"text,texte-confidentiel\n", CSV, {"id": "n"}, 422),
    "header not UTF-8": (b"text,\xff\n", CSV, {}, 422),
    "UTF-16": ("text,n\n".encode("utf-16"), CSV, {}, 422),
    "header not closed": (b'text,"n\n1,2\n', CSV, {}, 422),
    "header too long": (b"text," + b"a" * 1_000_001, CSV, {}, 422),
    "too many columns": (b"text" + b",a" * 1_000, CSV, {}, 422),
    "another charset": (b"text\n", "text/csv; charset=latin-1", {}, 415),
    "another format": (b"{}", "application/json", {}, 415),
    "top_k of zero": (b"text\n", CSV, {"top_k": 0}, 422),
    "top_k too large": (b"text\n", CSV, {"top_k": 51}, 422),
    "top_k that is no number": (b"text\n", CSV, {"top_k": SECRET}, 422),
    "column without name": (b"text\n", CSV, {"text": ""}, 422),
    "column with a long name": (b"text\n", CSV, {"text": "a" * 257}, 422),
    "unknown parameter": (b"text\n", CSV, {SECRET: 1}, 422),
    "parameter given twice": (b"text\n", CSV, {"text": [SECRET, "text"]}, 422),
}

# Halves of surrogate pairs are too rare among all characters to be met by chance.
HALVES = st.sampled_from("\ud800\udbff\udc00\udfff")
WILD_TEXT = st.lists(st.characters() | HALVES, max_size=20).map("".join)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WILD_TEXT,
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=8,
)
FIELDS = st.sampled_from(["text", "id", "top_k", "explain", "items"])
ANY_BODY = st.dictionaries(FIELDS, ANY_JSON) | ANY_JSON
