"""A file is answered as a batch is, row by row, whatever its format and its parts."""

import asyncio
import csv
import io
import json
import tempfile
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.files.rows import FIELDS
from tests.api.hostile import BAD_FILES, BAD_LINES, BAD_ROWS, CSV, NDJSON, SECRET

SHARED = ("error", "model_digest", "guarantee")
IN_BATCH = (
    "prediction_id",
    "code",
    "title",
    "confidence",
    "decision",
    "reason",
    "candidates",
    "prediction_set",
    "prediction_set_complete",
    "roll_up",
)


def send(client, content, media_type=CSV, path="/v1/predict/file", **options):
    headers = {"Content-Type": media_type, **options.pop("headers", {})}
    return client.post(path, content=content, headers=headers, **options)


def read_csv(response, delimiter=","):
    """Return the rows of an answer, as dictionaries, and what its last record says."""
    assert response.status_code == 200, response.text
    text = response.content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    last = rows.pop()
    names = list(last)
    assert last[names[0]] == "#end"
    assert names[-len(FIELDS) :] == list(FIELDS)
    return rows, json.loads(last["error"])


def read_ndjson(response):
    assert response.status_code == 200, response.text
    assert response.content.endswith(b"\n")
    *rows, last = map(json.loads, response.content.splitlines())
    return rows, last


def write_csv(rows, delimiter=","):
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter).writerows(rows)
    return written.getvalue().encode()


def of_csv(row):
    """Return a row of CSV as NDJSON has it."""
    read = {name: value or None for name, value in row.items()}
    for name in (*FIELDS[-5:], "confidence"):
        read[name] = None if read[name] is None else json.loads(read[name])
    return read


TEXTS = ["Nid de poule", "", "Lampadaire éteint", 'Crèche "Les Lutins"\nrue A; B, C', "a" * 10_001]


def batch_of(client, texts, **fields):
    body = {"items": [{"text": text} for text in texts], **fields}
    return client.post("/v1/predict/batch", json=body, headers={"X-Request-ID": "same"}).json()[
        "results"
    ]


def check_against(results, rows, model):
    for result, row in zip(results, rows, strict=True):
        assert row["error"] == result["error"]
        assert row["model_digest"] == model.predictor.digest
        assert row["guarantee"] == model.predictor.guarantee.status
        assert row["threshold_id"] == model.predictor.guarantee.threshold_id
        for name in IN_BATCH:
            assert row[name] == (result["prediction"] or {}).get(name), name
        first = (result["prediction"] or {}).get("candidates")
        assert row["top_code"] == (first[0]["code"] if first else None)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_answered_as_a_batch(client, model, delimiter):
    content = write_csv(
        [["n", "text"], *([str(n), text] for n, text in enumerate(TEXTS))], delimiter
    )
    response = send(client, content, headers={"X-Request-ID": "same"}, params={"top_k": 3})
    rows, end = read_csv(response, delimiter)
    assert end == {"rows": 5, "errors": 1}
    assert [(row["n"], row["text"]) for row in rows] == [(str(n), t) for n, t in enumerate(TEXTS)]
    check_against(batch_of(client, TEXTS, top_k=3), map(of_csv, rows), model)


def test_ndjson_is_answered_as_a_batch(client, model):
    content = "\n".join(json.dumps({"n": n, "text": text}) for n, text in enumerate(TEXTS))
    response = send(client, content.encode(), NDJSON, headers={"X-Request-ID": "same"})
    rows, end = read_ndjson(response)
    assert end == {"rows": 5, "errors": 1}
    assert [(row["n"], row["text"]) for row in rows] == list(enumerate(TEXTS))
    assert all(list(row)[2:] == list(FIELDS) for row in rows)
    check_against(batch_of(client, TEXTS), rows, model)


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=300))
def test_any_texts_are_answered_as_a_batch(client, model, texts):
    results = batch_of(client, texts)
    content = "\n".join(json.dumps({"text": text}) for text in texts)
    rows, _ = read_ndjson(send(client, content, NDJSON, headers={"X-Request-ID": "same"}))
    check_against(results, rows, model)
    response = send(
        client,
        write_csv([["n", "text"], *(["1", text] for text in texts)]),
        headers={"X-Request-ID": "same"},
    )
    rows, _ = read_csv(response)
    assert [row["text"] for row in rows] == texts
    check_against(results, map(of_csv, rows), model)


@pytest.fixture(scope="module")
def call(client, portal):
    """Return a function that gives parts to the application one by one, as a server would."""
    path = "/v1/predict/file"
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode()}

    def call(parts, media_type):
        messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        messages.append({"type": "http.request", "body": b"", "more_body": False})
        headers = [(b"content-type", media_type.encode()), (b"x-request-id", b"same")]

        async def answer():
            done, sent = asyncio.Event(), []

            async def receive():
                if messages:
                    return messages.pop(0)
                await done.wait()
                return {"type": "http.disconnect"}

            async def send(message):
                sent.append(message.get("body", b""))
                if message["type"] == "http.response.body" and not message["more_body"]:
                    done.set()

            await client.app({**scope, "query_string": b"", "headers": headers}, receive, send)
            return b"".join(sent)

        return portal.call(answer)

    return call


PIECES = st.sampled_from(
    [
        "a",
        '"',
        "\n",
        "\r\n",
        ",",
        ";",
        "crèche",
        '"x\ny"',
        '""',
        "\ud800",
        "{",
        "}",
        '{"text":"é"}',
        '{"text":1}',
        '{"code": "x", "text":"b"}',
        r'{"text": "\ud800"}',
        "[1]",
        "\0",
        "\ufeff",
    ]
)


@given(
    pieces=st.lists(PIECES, max_size=30),
    places=st.lists(st.integers(0, 300), max_size=10),
    media_type=st.sampled_from([CSV, NDJSON]),
)
def test_parts_change_nothing(call, pieces, places, media_type):
    head = "n,text\n" if media_type == CSV else ""
    content = (head + "".join(pieces)).encode("utf-8", "surrogatepass")
    bounds = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    parts = [content[start:stop] for start, stop in pairwise(bounds)]
    whole = call([content], media_type)
    assert call(parts, media_type) == whole
    assert call([bytes([byte]) for byte in content], media_type) == whole
    *rows, last = whole.decode().rstrip("\r\n").split("\n")
    if media_type == NDJSON:
        rows = list(map(json.loads, rows))
        n_errors = sum(row["error"] is not None for row in rows)
        assert json.loads(last) == {"rows": len(rows), "errors": n_errors}
    else:
        rows = list(csv.DictReader(io.StringIO(whole.decode(), newline=""), strict=True))
        n_errors = sum(row["error"] != "" for row in rows[:-1])
        assert json.loads(rows[-1]["error"]) == {"rows": len(rows) - 1, "errors": n_errors}


@pytest.mark.parametrize(("bad", "pointer", "n_cells"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_gets_its_own_error_and_the_others_are_answered(client, bad, pointer, n_cells):
    response = send(client, b"n,text\n0,Cr\xc3\xa8che\n" + bad + b"\n2,Cantine\n")
    rows, end = read_csv(response)
    assert end == {"rows": 3, "errors": 1}
    before, wrong, after = map(of_csv, rows)
    assert (before["top_code"], after["top_code"]) == ("0201", "0202")
    assert (before["n"], after["n"]) == ("0", "2")
    assert wrong["error"]["type"] == "urn:libelle:problem:invalid-item"
    assert [error["pointer"] for error in wrong["error"]["errors"]] == [pointer]
    assert SECRET not in str(wrong["error"])
    assert all(wrong[name] is None for name in FIELDS if name not in SHARED)


def test_a_record_swallows_no_other(client):
    rows, end = read_csv(send(client, b'n,text\n1"x,"a\n",x"z\n3,Cantine\n'))
    assert end == {"rows": 3, "errors": 2}
    assert rows[2]["top_code"] == "0202"


@pytest.mark.parametrize(("bad", "pointer"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_gets_its_own_error_and_the_others_are_answered(client, bad, pointer):
    content = b'{"text": "Cr\xc3\xa8che"}\n' + bad + b'\n \t\r\n{"text": "Cantine"}'
    rows, end = read_ndjson(send(client, content, NDJSON, params={"id": "id"}))
    assert end == {"rows": 3, "errors": 1}
    before, wrong, after = rows
    assert (before["top_code"], after["top_code"]) == ("0201", "0202")
    assert wrong["error"]["type"] == "urn:libelle:problem:invalid-item"
    assert [error["pointer"] for error in wrong["error"]["errors"]] == [pointer]
    assert SECRET not in str(wrong["error"])
    assert all(wrong[name] is None for name in FIELDS if name not in SHARED)


def test_fields_of_ndjson_are_kept_as_they_are_written(client):
    line = rb'{"n": 0.10, "big": 123456789012345678901, "half": "\\ud800\ud800", "text": "a"}'
    content = send(client, line, NDJSON).content
    assert content.startswith(
        rb'{"n": 0.10, "big": 123456789012345678901, "half": "\\ud800\ufffd", "text": "a",'
    )


def test_columns_that_an_answer_would_hide_have_another_name(client):
    rows, _ = read_csv(send(client, b"code,text,input_code\nx,Cantine,y\n"))
    assert (rows[0]["input_input_code"], rows[0]["input_code"], rows[0]["code"]) == ("x", "y", "")
    line = b'{ "code" : 1.50 , "text":"Cantine", "error": {"a": [1]} }'
    [row], _ = read_ndjson(send(client, line, NDJSON))
    assert (row["input_code"], row["input_error"]) == (1.5, {"a": [1]})
    assert (row["code"], row["error"]) == (None, None)
    assert b'"input_code":1.50,' in send(client, line, NDJSON).content


def test_codes_are_text(client):
    assert b",0202," in send(client, b"n,text\n0111,Cantine\n").content
    [row], _ = read_csv(send(client, b"n,text\n0111,Cantine\n"))
    assert (row["n"], row["top_code"]) == ("0111", "0202")


def test_a_byte_order_mark_is_kept_and_hides_no_column(client):
    response = send(client, b"\xef\xbb\xbftext;n\nCantine;1\n")
    assert response.content.startswith(b"\xef\xbb\xbftext;n;prediction_id;")
    rows, end = read_csv(response, ";")
    assert (rows[0]["top_code"], end["errors"]) == ("0202", 0)
    _, end = read_ndjson(send(client, b'\xef\xbb\xbf{"text": "a"}', NDJSON))
    assert end == {"rows": 1, "errors": 0}


def test_a_lone_column_keeps_its_commas(client):
    [row], _ = read_csv(send(client, b"text\nCantine, rue de la Gare; ici\n"))
    assert (row["text"], row["top_code"]) == ("Cantine, rue de la Gare; ici", "0202")


def test_the_delimiter_is_the_one_that_finds_the_column(client):
    rows, _ = read_csv(send(client, b"a,b,c;text\nx;Cantine\n"), ";")
    assert (rows[0]["a,b,c"], rows[0]["top_code"]) == ("x", "0202")


def test_the_column_of_texts_is_named(client):
    rows, _ = read_csv(send(client, b"text,libelle\nx,Cantine\n", params={"text": "libelle"}))
    assert rows[0]["top_code"] == "0202"


@pytest.mark.parametrize("path", ["/v1/predict/file", "/v1/models/demo/predict/file"])
@pytest.mark.parametrize("media_type", [CSV, "text/csv; charset=UTF-8", 'Text/CSV;charset="utf-8"'])
def test_a_header_alone_has_no_row(client, path, media_type):
    response = send(client, b"n,text", media_type, path)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert read_csv(response) == ([], {"rows": 0, "errors": 0})


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_ndjson_file_has_no_row(client, content):
    rows, end = read_ndjson(send(client, content, NDJSON))
    assert (rows, end) == ([], {"rows": 0, "errors": 0})


@pytest.mark.parametrize(
    ("content", "media_type", "query", "status"), BAD_FILES.values(), ids=BAD_FILES
)
def test_what_cannot_be_begun_is_a_problem(client, content, media_type, query, status):
    response = send(client, content, media_type, params=query)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json; charset=utf-8"
    assert response.json()["status"] == status
    assert SECRET not in response.text
    assert len(response.content) < 1_000


def test_an_absent_column_is_told_by_the_number_of_columns(client):
    problem = send(client, b"a;b;c\n1;2;3\n").json()
    assert problem["errors"][0]["parameter"] == "text"
    assert "among the 3 of the header (cut at each semicolon)" in problem["errors"][0]["detail"]


def test_compressed_files_are_refused(client):
    response = send(client, b"text\n", headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415


def test_a_file_announced_too_large_is_refused_before_it_is_read(make_client):
    client = make_client(max_file_bytes=1_000)

    async def never():
        pytest.fail("the body was read")
        yield b""

    response = send(client, never(), headers={"Content-Length": "1001"})
    assert response.status_code == 413


@pytest.mark.parametrize("media_type", [CSV, NDJSON])
def test_a_file_that_grows_too_large_is_cut_and_says_so(make_client, media_type):
    client = make_client(max_file_bytes=1_000)

    async def parts():
        yield b"text,n\nCantine,1\n" if media_type == CSV else b'{"text": "Cantine"}\n'
        for _ in range(200):
            yield b"a,1\n" * 10 if media_type == CSV else b'{"text": "a"}\n' * 10

    response = send(client, parts(), media_type)
    assert response.status_code == 200
    if media_type == NDJSON:
        rows, last = read_ndjson(response)
        problem = last["cut"]
    else:
        *rows, last = csv.DictReader(io.StringIO(response.text, newline=""), strict=True)
        assert last["text"] == "#cut"
        problem = json.loads(last["error"])
    assert (problem["type"], problem["status"]) == ("urn:libelle:problem:too-large", 413)
    assert problem["request_id"] == response.headers["x-request-id"]
    assert rows[0]["top_code"] == "0202"


def test_bounds_are_those_of_the_settings(make_client):
    client = make_client(max_text_characters=3, max_top_k=1, max_record_bytes=20, max_batch_texts=1)
    rows, end = read_csv(send(client, b"n,text\n1,nid\n2,nids\n3,1234567890123456789\n"))
    assert end == {"rows": 3, "errors": 2}
    assert len(of_csv(rows[0])["candidates"]) == 1
    assert send(client, b"text\n", params={"top_k": 2}).status_code == 422
    parameters = client.get("/openapi.json").json()["paths"]["/v1/predict/file"]["post"]
    assert parameters["parameters"][2]["schema"]["maximum"] == 1


def test_identifiers_are_checked_as_those_of_a_batch(client):
    content = b"id,text\n" + b"b" * 257 + b",a\nok,b\n"
    rows, end = read_csv(send(client, content, params={"id": "id"}))
    assert end == {"rows": 2, "errors": 1}
    assert of_csv(rows[0])["error"]["errors"][0]["pointer"] == "#/id"
    assert read_csv(send(client, content))[1]["errors"] == 0


def test_a_disk_that_cannot_be_written_is_told_before_the_answer(client, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    response = send(client, b"text\na\n")
    assert response.status_code == 503
    assert "nowhere" not in response.text
    assert response.headers["retry-after"]


def test_a_service_without_disk_asks_nothing_of_it(make_client, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    client = make_client(max_spool_bytes=0)
    assert read_csv(send(client, b"n,text\n1,a\n"))[1] == {"rows": 1, "errors": 0}


def test_files_stand_under_the_same_admission(make_client):
    assert send(make_client(max_requests=0), b"n,text\n1,a\n").status_code == 503


def test_everything_is_given_back(make_client):
    client = make_client()
    for content in (b"n,text\n1,a\n", b"", b"a,b\n"):
        send(client, content)
    service = client.service
    assert (service._n_requests, service._n_bytes) == (0, 0)
    assert service.spools.take(service.settings.max_spool_bytes)
