"""Clients that read late, read nothing, or leave; and a service that fails on the way."""

import asyncio
import json
import logging
import traceback

import pytest

from api.files.exchange import AnswerCutError
from api.files.spool import MEMORY_BYTES, Spool

SECRET = "texte-confidentiel"
PATH = "/v1/predict/file"
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": PATH,
    "raw_path": PATH.encode(),
    "query_string": b"",
    "headers": [(b"content-type", b"application/x-ndjson")],
}


class SlowClient:
    """Sends its parts, reads once `reading` is set, then leaves if it is of that kind."""

    def __init__(self, parts, *, leaves=False):
        self._messages = [
            {"type": "http.request", "body": part, "more_body": True} for part in parts
        ]
        self._messages.append({"type": "http.request", "body": b"", "more_body": False})
        self._leaves = leaves
        self.reading, self.received = asyncio.Event(), b""

    async def receive(self):
        if not self._messages:
            await asyncio.Event().wait() if not self._leaves else None
            return {"type": "http.disconnect"}
        return self._messages.pop(0)

    async def send(self, message):
        if message["type"] == "http.response.body":
            await self.reading.wait()
            self.received += message["body"]


def exchange(portal, client, slow, *, seconds=30):
    portal.call(asyncio.wait_for, client.app(SCOPE, slow.receive, slow.send), seconds)
    return slow.received


def lines(n_rows):
    return [json.dumps({"n": n, "text": f"Crèche {n}"}).encode() + b"\n" for n in range(n_rows)]


def check_nothing_is_held(client):
    assert (client.service._n_requests, client.service._n_bytes) == (0, 0)
    assert client.service.spools.take(client.service.settings.max_spool_bytes)


def read_at_the_end(monkeypatch, slow):
    put_last = Spool.put_last

    def then_read(spool, content):
        put_last(spool, content)
        slow.reading.set()

    monkeypatch.setattr(Spool, "put_last", then_read)


def test_a_client_that_reads_last_gets_everything(portal, make_client, monkeypatch):
    client, slow = make_client(), SlowClient(lines(5_000))
    read_at_the_end(monkeypatch, slow)
    content = exchange(portal, client, slow)
    assert len(content) > 2 * MEMORY_BYTES
    *rows, end = map(json.loads, content.splitlines())
    assert [row["n"] for row in rows] == list(range(5_000))
    assert end == {"rows": 5_000, "errors": 0}
    check_nothing_is_held(client)


def test_a_client_for_whom_the_disk_is_too_small_is_told(portal, make_client, monkeypatch):
    client = make_client(max_spool_bytes=100_000, body_seconds=0.3)
    slow = SlowClient(lines(5_000))
    read_at_the_end(monkeypatch, slow)
    content = exchange(portal, client, slow)
    assert len(content) < MEMORY_BYTES + 200_000
    assert json.loads(content.splitlines()[-1])["cut"]["type"] == "urn:libelle:problem:busy"
    check_nothing_is_held(client)


def test_a_client_that_leaves_before_it_reads_is_not_waited_for(portal, make_client, caplog):
    client, slow = make_client(), SlowClient(lines(100), leaves=True)
    with caplog.at_level(logging.INFO, logger="api"):
        exchange(portal, client, slow)
    assert "the client left" in caplog.text
    check_nothing_is_held(client)


def test_a_client_that_reads_nothing_is_given_up(portal, make_client):
    client, slow = make_client(body_seconds=0.3), SlowClient(lines(100))
    with pytest.raises(AnswerCutError, match="reads nothing"):
        exchange(portal, client, slow)
    check_nothing_is_held(client)


def test_a_disk_that_fails_on_the_way_cuts_the_answer(portal, make_client, monkeypatch, caplog):
    def fail(_segment, _piece):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("api.files.spool._Segment.write", fail)
    client, slow = make_client(), SlowClient(lines(5_000))
    with pytest.raises(AnswerCutError):
        exchange(portal, client, slow)
    assert b'"rows"' not in slow.received
    assert "OSError" in caplog.text
    check_nothing_is_held(client)


def test_a_failure_on_the_way_says_nothing_of_the_text(
    portal, make_client, model, monkeypatch, caplog
):
    def fail(texts, **_options):
        raise RuntimeError(f"cannot read {texts}")

    monkeypatch.setattr(model.predictor, "answer", fail)
    client, slow = make_client(), SlowClient([json.dumps({"text": SECRET}).encode()])
    slow.reading.set()
    with pytest.raises(AnswerCutError) as raised:
        exchange(portal, client, slow)
    assert b'"rows"' not in slow.received
    assert "RuntimeError" in caplog.text
    # The server logs what is raised, with all that led to it.
    assert SECRET not in caplog.text + "".join(traceback.format_exception(raised.value))
    check_nothing_is_held(client)
