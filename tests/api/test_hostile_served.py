"""Hostile clients before a real service: defined answers, which repeat nothing, each one logged."""

import csv
import http.client
import io
import json
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import libelle
from api.schemas import BatchAnswer, Problem
from libelle.monitoring.prediction_log.reading import read_log
from tests.api.conftest import REQUESTS
from tests.api.hostile import (
    ANY_BODY,
    BAD_FILES,
    BAD_ITEMS,
    BAD_LINES,
    BAD_ROWS,
    BODIES,
    CSV,
    JSON,
    NDJSON,
    SECRET,
)
from tests.api.keys import ENTRIES, bearing
from tests.api.test_logged import logging_to
from tests.api.test_serve import ROOT, serving

ONE, BATCH, FILE = "/v1/predict", "/v1/predict/batch", "/v1/predict/file"
GOOD = b'{"id": "good", "text": "nid de poule"}'


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    def json(self):
        return json.loads(self.content)

    def lines(self):
        return [json.loads(line) for line in self.content.splitlines()]


class Served(NamedTuple):
    """A running service."""

    port: int
    folder: Path
    log: Path

    def ask(self, path, body=None, media_type=None, *, method="POST", **headers) -> Answer:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {} if media_type is None else {"Content-Type": media_type}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def send(self, path, asked, **headers) -> Answer:
        return self.ask(path, json.dumps(asked).encode(), JSON, **headers)

    def predict(self, text, **headers):
        answer = self.send(ONE, {"text": text}, **headers)
        assert answer.status == 200, answer.content
        return answer.json()

    def said(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture(scope="module")
def served(model_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    variables = logging_to(folder, LIBELLE_TEXT_POLICY="full")
    with serving(model_folder, folder, **variables) as (port, process, log):
        yield Served(port, folder, log)
        process.terminate()
        assert process.wait_for_end() == 0
        assert SECRET not in log.read_text()
        assert "Traceback" not in log.read_text()


@pytest.fixture
def n_examples(request):
    return 200 if request.config.getoption("--long") else 15


def assert_problem(answer, status):
    assert answer.status == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == status
    assert problem.type.startswith("urn:libelle:problem:")
    assert problem.request_id == answer.headers["X-Request-ID"]
    assert_tells_nothing(answer)


def assert_tells_nothing(answer):
    text = answer.content.decode()
    for told in (SECRET, "Traceback", ".py", str(ROOT), "/tmp", libelle.__version__):
        assert told not in text
    assert len(text) < 5_000


@pytest.mark.parametrize(("body", "media_type", "status"), BODIES.values(), ids=BODIES)
def test_fault_20_a_hostile_body_has_a_defined_answer(served, body, media_type, status):
    answer = served.ask(ONE, body, media_type)
    if status == 200:
        assert answer.status == 200
        assert_tells_nothing(answer)
    else:
        assert_problem(answer, status)


@pytest.mark.parametrize(("body", "media_type", "status"), BODIES.values(), ids=BODIES)
def test_fault_20_a_hostile_body_is_no_batch(served, body, media_type, status):
    assert_problem(served.ask(BATCH, body, media_type), 422 if status == 200 else status)


@pytest.mark.parametrize(("body", "media_type", "status"), BODIES.values(), ids=BODIES)
def test_fault_20_a_hostile_item_never_breaks_a_batch(served, body, media_type, status):
    answer = served.ask(BATCH, b'{"items": [' + GOOD + b", " + body + b"]}", JSON)
    if answer.status == 200:
        good, other = BatchAnswer.model_validate_json(answer.content).results
        assert good.prediction.candidates[0].code == "0101"
        assert (status, other.error is None) in (
            (200, True),
            (422, False),
            (415, True),
            (415, False),
        )
        assert SECRET not in answer.content.decode()
    else:  # What is no JSON alone is none among items.
        assert status in (400, 415)
        assert_problem(answer, 400)


@pytest.mark.parametrize("body", [body for body, _, _ in BODIES.values()], ids=BODIES)
def test_fault_20_a_hostile_line_never_breaks_a_file(served, body):
    answer = served.ask(FILE, GOOD + b"\n" + body + b"\n" + GOOD, NDJSON)
    first, *_, last, end = answer.lines()
    assert answer.status == 200
    assert first["top_code"] == last["top_code"] == "0101"
    assert end["errors"] <= end["rows"] - 2
    errors = [row["error"] for row in answer.lines()[1:-2]]
    assert SECRET not in json.dumps(errors)


@pytest.mark.parametrize(
    ("content", "media_type", "query", "status"), BAD_FILES.values(), ids=BAD_FILES
)
def test_fault_20_a_hostile_file_is_a_problem(served, content, media_type, query, status):
    path = f"{FILE}?{urlencode(query, doseq=True)}"
    assert_problem(served.ask(path, content, media_type), status)


@pytest.mark.parametrize("path", [ONE, BATCH, FILE])
def test_fault_20_a_compressed_body_is_refused_by_its_header(served, path):
    media_type = CSV if path == FILE else JSON
    answer = served.ask(path, b'{"text": "a"}', media_type, Content_Encoding="gzip")
    assert_problem(answer, 415)


CONTROLS = st.sampled_from("\0\n\r\t\v\f\x1b\x7f\x85\u2028\u2029\ufeff\u202e,;\"'\\{}")
CONTROLLED = st.lists(CONTROLS | st.sampled_from("nid é😀"), max_size=12).map("".join)


def test_fault_21_and_s11_of_a_text_with_controls_there_is_one_row_and_one_line(served, n_examples):
    texts, request_ids = {}, []

    @settings(max_examples=n_examples)
    @given(asked=st.lists(CONTROLLED, min_size=1, max_size=4))
    @example(asked=["nid\nde poule", "nid\0de\x1b[31m\r\npoule", '","\u2028"'])
    def all_are_answered(asked):
        request_ids.append(f"controls-{len(request_ids)}")
        headers = {"X_Request_ID": request_ids[-1]}
        items = [{"text": text} for text in asked]
        results = served.send(BATCH, {"items": items}, **headers).json()["results"]
        ids = [result["prediction"]["prediction_id"] for result in results]
        texts.update(zip(ids, asked, strict=True))
        lines = "\n".join(map(json.dumps, items)).encode()
        # The same request as a file: the same predictions, whose rows are the same.
        rows = served.ask(FILE, lines, NDJSON, **headers).lines()
        assert [row["prediction_id"] for row in rows[:-1]] == ids

    all_are_answered()
    logged = rows_once_they_are_there(served, texts.keys())
    assert {row["prediction_id"]: row["text"] for row in logged} == texts
    assert len(logged) == len(texts)
    lines = Counter(line.get("request_id") for line in served.said())
    assert {lines[request_id] for request_id in request_ids} == {2}


def rows_once_they_are_there(served, ids):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        log = read_log(str(served.folder / "log"), spool_path=served.folder / "spool").table
        rows = [row for row in log.to_pylist() if row["prediction_id"] in ids]
        if len(rows) >= len(ids):
            return rows
        time.sleep(0.2)
    return pytest.fail(f"{len(ids) - len(rows)} rows are missing")


UNKNOWN = st.sampled_from(["", "aaaa", "12", "Ruche d'abeilles", "日本語", "%%%"])
BLANK = st.text(" \t\n\r\v\f\x85\xa0\u2003\u2028\u3000", max_size=6)
EMOJI = st.text("😀🚀👩‍🚒❤️🇫🇷", min_size=1, max_size=6)


def test_fault_23_a_text_that_says_nothing_is_refused_alike_everywhere(served, n_examples):
    number = iter(range(1_000_000))

    @settings(max_examples=n_examples)
    @given(text=UNKNOWN | BLANK | EMOJI)
    def it_is_refused(text):
        headers = {"X_Request_ID": f"nothing-{next(number)}"}
        single = served.predict(text, **headers)
        assert (single["decision"], single["code"]) == ("refused", None)
        assert single["reason"] == "empty" or text.strip()
        assert (single["confidence"], single["candidates"]) == (0, [])
        batch = served.send(BATCH, {"items": [{"text": text}]}, **headers).json()
        [result] = batch["results"]
        assert result["prediction"].items() <= single.items()
        row, _ = served.ask(FILE, json.dumps({"text": text}).encode(), NDJSON, **headers).lines()
        for name in ("prediction_id", "decision", "reason", "code", "confidence", "candidates"):
            assert row[name] == single[name]

    it_is_refused()


GOOD_ITEMS = st.sampled_from([requests[0] for requests in REQUESTS.values()])


def test_fault_24_a_bad_item_gets_its_own_error_and_misaligns_nothing(served, n_examples):
    alone = {requests[0]: served.predict(requests[0]) for requests in REQUESTS.values()}
    bad = list(BAD_ITEMS.values())

    @settings(max_examples=n_examples)
    @given(mixed=st.lists(GOOD_ITEMS | st.sampled_from(bad), max_size=20))
    @example(mixed=[one for pair in zip(alone, bad, strict=False) for one in pair] + bad)
    def all_have_their_place(mixed):
        items = [
            {"id": f"n°{place}", "text": one} if isinstance(one, str) else one[0]
            for place, one in enumerate(mixed)
        ]
        answer = served.send(BATCH, {"items": items})
        assert answer.status == 200
        assert BatchAnswer.model_validate_json(answer.content)
        assert "secret" not in answer.content.decode()
        for place, (one, result) in enumerate(zip(mixed, answer.json()["results"], strict=True)):
            if isinstance(one, str):
                assert (result["id"], result["error"]) == (f"n°{place}", None)
                assert result["prediction"]["candidates"] == alone[one]["candidates"]
                continue
            _, identifier, pointer = one
            assert (result["id"], result["prediction"]) == (identifier, None)
            assert result["error"]["type"] == "urn:libelle:problem:invalid-item"
            assert [error["pointer"] for error in result["error"]["errors"]] == [pointer]

    all_have_their_place()


@pytest.mark.parametrize(("bad", "pointer", "_"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_fault_24_a_bad_row_of_a_file_misaligns_nothing(served, bad, pointer, _):
    content = b"n,text\n0,Cr\xc3\xa8che\n" + bad + b"\n2,Cantine\n"
    answered = served.ask(FILE, content, CSV).content.decode("utf-8", "replace")
    rows = list(csv.DictReader(io.StringIO(answered, newline=""), strict=True))
    assert [row["top_code"] for row in rows] == ["0201", "", "0202", ""]
    assert (rows[0]["n"], rows[2]["n"], rows[3]["n"]) == ("0", "2", "#end")
    error = json.loads(rows[1]["error"])
    assert [one["pointer"] for one in error["errors"]] == [pointer]
    assert SECRET not in rows[1]["error"]


@pytest.mark.parametrize(("bad", "pointer"), BAD_LINES.values(), ids=BAD_LINES)
def test_fault_24_a_bad_line_of_a_file_misaligns_nothing(served, bad, pointer):
    content = b'{"text": "Cr\xc3\xa8che"}\n' + bad + b'\n{"text": "Cantine"}'
    before, wrong, after, end = served.ask(f"{FILE}?id=id", content, NDJSON).lines()
    assert (before["top_code"], wrong["top_code"], after["top_code"]) == ("0201", None, "0202")
    assert [one["pointer"] for one in wrong["error"]["errors"]] == [pointer]
    assert end == {"rows": 3, "errors": 1}


def test_fault_24_requests_at_the_same_time_do_not_mix(served):
    texts = [f"{request} {number}" for number in range(30) for request in ("Crèche", "Cantine")]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(served.predict, texts))
    alone = [served.predict(text) for text in texts]
    assert [answer["candidates"] for answer in answers] == [a["candidates"] for a in alone]


@pytest.mark.parametrize(
    ("method", "path", "body", "media_type", "status"),
    [
        ("GET", ONE, None, None, 405),
        ("PUT", BATCH, b"{}", JSON, 405),
        ("DELETE", "/v1/model", None, None, 405),
        ("PROPFIND", "/v1/codes", None, None, 405),
        ("POST", "/health/live", b"", None, 405),
        ("POST", ONE, b'{"text": "a"}', None, 415),
        ("POST", ONE, b"text=texte-confidentiel", "application/x-www-form-urlencoded", 415),
        ("POST", BATCH, b"text", CSV, 415),
        ("POST", FILE, b"{}", JSON, 415),
        ("POST", ONE, b'{"text": "a", "texte-confidentiel": 1}', JSON, 422),
        ("POST", BATCH, b'{"items": [], "texte-confidentiel": 1}', JSON, 422),
        ("POST", f"{FILE}?texte-confidentiel=1", b"text\n", CSV, 422),
    ],
)
def test_s7_what_is_not_supported_is_refused(served, method, path, body, media_type, status):
    answer = served.ask(path, body, media_type, method=method)
    assert_problem(answer, status)
    assert (status == 405) == ("Allow" in answer.headers)


def test_s8_random_bodies_never_fail_the_service(served, n_examples):
    @settings(max_examples=n_examples)
    @given(body=ANY_BODY.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=60))
    def it_is_answered(body):
        for path in (ONE, BATCH):
            answer = served.ask(path, body, JSON)
            if answer.status != 200:
                assert answer.status in (400, 422)
                assert_problem(answer, answer.status)
        assert served.ask(FILE, body, NDJSON).status == 200
        assert served.ask(FILE, body, CSV).status in (200, 422)

    it_is_answered()


LINE = b"GET /v1/model HTTP/1.1\r\n"
POST = b"POST /v1/predict HTTP/1.1\r\n"
CHUNKED = POST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
# What is not HTTP, says two things at a time, or has no end.
WILD_REQUESTS = {
    "bytes": (b"\0\x01\xff\r\n\r\n", 400),
    "another version": (b"GET /v1/model HTTP/9.9\r\n\r\n", 400),
    "no address": (b"GET  HTTP/1.1\r\n\r\n", 400),
    "an address that is not ASCII": (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", 400),
    "an address that decodes badly": (b"GET /%ff%00%zz HTTP/1.1\r\n\r\n", 404),
    "an address without end": (b"GET /" + b"a" * 1_000_000, 431),
    "a tunnel": (b"CONNECT a:80 HTTP/1.1\r\n\r\n", 400),
    "another protocol": (LINE + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 200),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "a length of 5,000 digits": (POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a length and parts": (
        POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a part of no size": (CHUNKED + b"zz\r\n", 400),
    "a part whose size has no end": (CHUNKED + b"1;" + b"a" * 1_000_000, 431),
    "trailers without end": (CHUNKED + b"0\r\n" + b"A: a\r\n" * 200_000, 431),
    "a header without name": (LINE + b": a\r\n\r\n", 400),
    "a NUL in a header": (LINE + b"A: \0\r\n\r\n", 400),
    "a header without end": (LINE + b"A: " + b"a" * 1_000_000, 431),
    "headers without end": (LINE + b"A: a\r\n" * 200_000, 431),
}


@pytest.mark.parametrize(("sent", "status"), WILD_REQUESTS.values(), ids=WILD_REQUESTS)
def test_s8_what_is_not_http_is_answered_and_told_nothing(served, sent, status):
    assert b"HTTP/1.1 %d " % status in exchange_bytes(served.port, sent)
    assert served.predict("Nid de poule")


def exchange_bytes(port, sent) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with suppress(OSError):  # It may close before it has read everything.
            connection.sendall(sent)
        with suppress(ConnectionResetError):
            return connection.recv(65_536)
        return b""


SMALL = {"BODY_BYTES": 2_000, "BATCH_TEXTS": 3, "TEXT_CHARACTERS": 20, "TOTAL_CHARACTERS": 40}
RATE_LIMIT, MAX_REQUESTS = 30, 2
APP = "https://app.example.org"


@pytest.fixture(scope="module")
def bounded(model_folder, tmp_path_factory):
    """A service with small bounds, which knows the keys of the tests."""
    folder = tmp_path_factory.mktemp("bounded")
    bounds = {f"LIBELLE_MAX_{name}": str(bound) for name, bound in SMALL.items()}
    limits = {
        "LIBELLE_MAX_TOP_K": "2",
        "LIBELLE_RATE_LIMIT": str(RATE_LIMIT),
        "LIBELLE_MAX_REQUESTS": str(MAX_REQUESTS),
        "LIBELLE_CORS_ORIGINS": APP,
    }
    keys = {"LIBELLE_API_KEYS": ",".join(ENTRIES.values())}
    with serving(model_folder, folder, variables=keys | bounds | limits) as (port, _, log):
        yield Served(port, folder, log)


def bear(name):
    return {header.replace("-", "_"): key for header, key in bearing(name).items()}


def test_s5_bounds_are_described_and_enforced(bounded):
    key = bear("predict")
    within = [
        (ONE, {"text": "a" * 20, "top_k": 2}),
        (BATCH, {"items": [{"text": "a" * 20}, {"text": "a" * 20}, {"text": ""}], "top_k": 2}),
    ]
    beyond = [
        (ONE, {"text": "a" * 21}, 422),
        (ONE, {"text": "a", "top_k": 3}, 422),
        (ONE, {"text": "a" * 2_000}, 413),
        (BATCH, {"items": [{"text": "a" * 20}, {"text": "a" * 20}, {"text": "a"}]}, 422),
        (BATCH, {"items": [{"text": ""}] * 4}, 422),
        (BATCH, {"items": [], "top_k": 3}, 422),
        (BATCH, {"items": [{"text": "a" * 2_000}]}, 413),
    ]
    for path, asked in within:
        assert bounded.send(path, asked, **key).status == 200
    for path, asked, status in beyond:
        assert_problem(bounded.send(path, asked, **key), status)
    described = bounded.ask("/openapi.json", method="GET").json()
    schemas = described["components"]["schemas"]
    assert schemas["PredictRequest"]["properties"]["text"]["maxLength"] == 20
    assert schemas["PredictRequest"]["properties"]["top_k"]["maximum"] == 2
    assert schemas["BatchRequest"]["properties"]["items"]["maxItems"] == 3
    body = described["paths"][BATCH]["post"]["requestBody"]["description"]
    assert body == "At most 2000 bytes, and 40 characters in all texts."


def test_s6_who_asks_too_often_waits_alone_and_probes_never(bounded):
    answers = [bounded.ask("/v1/model", method="GET", **bear("all")) for _ in range(RATE_LIMIT + 5)]
    statuses = [answer.status for answer in answers]
    assert statuses[:RATE_LIMIT] == [200] * RATE_LIMIT
    assert_problem(answers[-1], 429)
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert bounded.ask("/v1/model", method="GET", **bear("read")).status == 200
    for path in ("/health/live", "/health/ready"):
        assert {bounded.ask(path, method="GET").status for _ in range(2 * RATE_LIMIT)} == {200}


def test_s6_what_comes_while_all_places_are_taken_is_refused_at_once(bounded):
    key = bearing("other")
    head = "".join(f"{name}: {value}\r\n" for name, value in key.items()).encode()
    begun = POST + head + b"Content-Type: application/json\r\nContent-Length: 14\r\n\r\n"
    with ExitStack() as stack:
        waiting = [
            stack.enter_context(socket.create_connection(("127.0.0.1", bounded.port), timeout=20))
            for _ in range(MAX_REQUESTS)
        ]
        for connection in waiting:
            connection.sendall(begun)
        until = time.monotonic() + 10
        while (answer := bounded.send(ONE, {"text": "a"}, **bear("predict"))).status == 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert_problem(answer, 503)
        assert answer.headers["Retry-After"] == "1"
        assert bounded.ask("/health/live", method="GET").status == 200
        for connection in waiting:
            connection.sendall(b'{"text": "a"}\n')
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
    assert bounded.send(ONE, {"text": "a"}, **bear("predict")).status == 200


def test_s9_every_answer_has_the_headers_that_protect(bounded):
    key = bear("other")
    answers = [
        bounded.send(ONE, {"text": "a"}, **key),
        bounded.send(ONE, {"texte": "a"}, **key),
        bounded.send(ONE, {"text": "a" * 3_000}, **key),
        bounded.send(ONE, {"text": "a"}),
        bounded.ask("/nothing", method="GET", **key),
        bounded.ask("/v1/model", method="DELETE", **bear("review")),
        bounded.ask("/health/live", method="GET"),
    ]
    assert [answer.status for answer in answers] == [200, 422, 413, 401, 404, 405, 200]
    cut = exchange_bytes(bounded.port, WILD_REQUESTS["bytes"][0]).partition(b"\r\n\r\n")[0]
    headers = [answer.headers for answer in answers]
    headers.append(http.client.parse_headers(io.BytesIO(cut.partition(b"\r\n")[2])))
    for one in headers:
        assert one["X-Content-Type-Options"] == "nosniff"
        assert one["Cache-Control"] == "no-store"
        assert one["Content-Type"].endswith("; charset=utf-8")
        assert "Server" not in one


def test_s10_a_forged_address_changes_neither_the_limit_nor_the_log(bounded):
    statuses = [
        bounded.send("/login", {"key": "wrong"}, X_Forwarded_For=f"203.0.113.{number}").status
        for number in range(RATE_LIMIT + 1)
    ]
    assert statuses == [401] * RATE_LIMIT + [429]
    refused = bounded.ask("/v1/model", method="GET", X_Forwarded_For="203.0.113.1")
    assert refused.status == 401
    assert {line["address"] for line in bounded.said() if "address" in line} == {"127.0.0.1"}
    assert "203.0.113" not in bounded.log.read_text()


@pytest.mark.parametrize("origin", [APP, "https://evil.example.org", "null", "*"])
def test_s22_the_pages_of_the_named_origin_alone_are_answered(bounded, origin):
    asked = {"Origin": origin, "Access_Control_Request_Method": "POST"}
    before = bounded.ask(ONE, method="OPTIONS", **asked)
    answer = bounded.ask("/v1/model", method="GET", Origin=origin, **bear("review"))
    for headers in (before.headers, answer.headers):
        assert headers["Access-Control-Allow-Origin"] == (APP if origin == APP else None)
        assert "Access-Control-Allow-Credentials" not in headers
