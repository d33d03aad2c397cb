"""Where predictions go: before the answer, and all of them before the process ends."""

import asyncio
import time
from threading import Thread

import httpx
import pytest

from api.main import create_app
from libelle.errors import StorageError
from libelle.monitoring.prediction_sink import NullSink
from tests.api.test_metrics import read
from tests.api.test_serve import call, serving
from tests.exposition import total


class Recorder:
    """A sink that notes what it is told."""

    n_dropped = 0
    is_dropping = False

    def __init__(self, seconds=0.0):
        self.said, self.rows, self.seconds = [], [], seconds

    def append(self, rows):
        time.sleep(self.seconds)
        self.said.append("append")
        self.rows.append(rows)

    def sync(self):
        self.said.append("sync")

    def close(self):
        self.said.append("close")


def answer(app, *requests, stop_after=None):
    """Send requests at the same time; end the application meanwhile, or once they are answered."""

    async def inside():
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            http = httpx.AsyncClient(transport=transport, base_url="http://libelle.test")
            tasks = [asyncio.create_task(http.post(path, json=body)) for path, body in requests]
            if stop_after is None:
                return await asyncio.gather(*tasks)
            await asyncio.sleep(stop_after)
        return await asyncio.gather(*tasks)

    return asyncio.run(inside())


def test_a_single_text_is_described_before_it_is_answered(settings, model):
    sink = Recorder()
    app = create_app(settings, model, sink=sink)
    [response] = answer(app, ("/v1/predict", {"text": "Nid de poule", "id": "7"}))
    [rows] = sink.rows
    answered = response.json()
    assert (rows.positions, rows.texts, rows.ids) == ([0], ["Nid de poule"], ["7"])
    assert rows.predictions[0].prediction_id == answered["prediction_id"]
    assert rows.features.n_characters == [12]
    assert rows.request_id == response.headers["X-Request-ID"]
    assert (rows.digest, rows.model_version) == (model.predictor.digest, "3")
    assert rows.predictions[0].decision == answered["decision"]
    assert rows.received_at.tzinfo is not None
    assert 0 < rows.duration_seconds < 10
    assert sink.said == ["append", "sync", "close"]


def test_the_texts_of_a_batch_are_described_with_their_positions(settings, model):
    sink = Recorder()
    items = [{"text": "a", "id": "x"}, {"texte": "b"}, *[{"text": "c"}] * 400]
    [response] = answer(
        create_app(settings, model, sink=sink), ("/v1/predict/batch", {"items": items})
    )
    [[failed], *nothing] = [rows.failed for rows in sink.rows]
    assert not any(nothing)
    assert (failed.position, failed.id) == (1, None)
    noted = sink.rows[1:]
    assert [place for rows in noted for place in rows.positions] == [0, *range(2, 402)]
    assert [text for rows in noted for text in rows.texts] == ["a", *["c"] * 400]
    assert noted[0].ids[:2] == ["x", None]
    ids = [one.prediction_id for rows in noted for one in rows.predictions]
    assert failed.prediction_id not in ids
    results = [one["prediction"] for one in response.json()["results"] if one["prediction"]]
    assert ids == [one["prediction_id"] for one in results]


def test_a_request_is_not_answered_before_its_prediction_is_kept(settings, model):
    sink = Recorder(seconds=0.2)
    started = time.perf_counter()
    answer(create_app(settings, model, sink=sink), ("/v1/predict", {"text": "a"}))
    assert time.perf_counter() - started > 0.2


def test_what_is_in_flight_is_kept_before_the_sink_is_closed(settings, model):
    sink = Recorder(seconds=0.1)
    requests = [("/v1/predict", {"text": "a", "top_k": 1 + place}) for place in range(5)]
    responses = answer(create_app(settings, model, sink=sink), *requests, stop_after=0.15)
    assert [response.status_code for response in responses] == [200] * 5
    assert sink.said.count("append") == 5
    assert sink.said[-1] == "close"


def test_no_answer_leaves_before_its_predictions_are_safe(settings, model):
    class Slow(Recorder):
        def sync(self):
            time.sleep(0.2)
            super().sync()

    for path, body in (
        ("/v1/predict", {"text": "a"}),
        ("/v1/predict/batch", {"items": [{"text": "a"}]}),
    ):
        started = time.perf_counter()
        [response] = answer(create_app(settings, model, sink=Slow()), (path, body))
        assert response.status_code == 200
        assert time.perf_counter() - started > 0.2


def test_what_cannot_be_made_safe_is_not_answered(settings, model):
    class Broken(Recorder):
        def sync(self):
            raise StorageError("/a/path is full")

    for path, body in (
        ("/v1/predict", {"text": "a"}),
        ("/v1/predict/batch", {"items": [{"text": "a"}]}),
    ):
        [response] = answer(create_app(settings, model, sink=Broken()), (path, body))
        assert response.status_code == 503
        assert response.json()["type"].endswith(":unavailable")
        assert "/a/path" not in response.text


def test_without_its_trace_no_prediction_is_answered_nor_counted(settings, model):
    class Full(NullSink):
        def append(self, rows):
            raise StorageError("/a/path is full")

    app = create_app(settings, model, sink=Full())
    [response] = answer(app, ("/v1/predict", {"text": "a"}))
    assert response.status_code == 503
    assert response.json()["type"].endswith(":unavailable")
    assert total(read(app.state.service.meter), "libelle_texts_total") == 0


def test_what_the_sink_lost_is_counted(settings, model):
    sink = Recorder()
    sink.n_dropped = 3
    app = create_app(settings, model, sink=sink)
    answer(app)
    assert total(read(app.state.service.meter), "libelle_dropped_predictions_total") == 3


SLOW_SINK = """
import sys, time
import api.serving
from libelle.cli import main

class Slow:
    n_dropped = 0
    is_dropping = False
    def append(self, rows):
        time.sleep(0.3)
        self.say(f"append {len(rows.texts)}")
    def sync(self):
        self.say("sync")
    def close(self):
        self.say("close")
    def say(self, what):
        with open("said", "a") as file:
            file.write(what + "\\n")

create = api.serving.create_app
api.serving.create_app = lambda *given, **named: create(*given, **{**named, "sink": Slow()})
sys.argv[0] = "libelle"
main()
"""


def test_sigterm_closes_the_sink_once_all_is_answered(model_folder, tmp_path):
    items, statuses = [{"text": f"Nid de poule {n}"} for n in range(600)], []
    changes = {"program": ("-c", SLOW_SINK), "LIBELLE_DRAIN_SECONDS": "0"}
    with serving(model_folder, tmp_path, **changes) as (port, process, _):

        def ask():
            statuses.append(call(port, "POST", "/v1/predict/batch", {"items": items})[0])

        asking = Thread(target=ask)
        asking.start()
        time.sleep(0.45)
        process.terminate()
        assert process.wait_for_end() == 0
        asking.join()
    assert statuses == [200]
    *kept, last = (tmp_path / "said").read_text().splitlines()
    assert last == "close"
    appended = [int(line.removeprefix("append ")) for line in kept if line != "sync"]
    assert sum(appended) == len(items)
    assert len(appended) > 1
    assert kept[-1] == "sync"


@pytest.mark.parametrize("method", ["append", "sync", "close"])
def test_the_null_sink_keeps_the_contract(method):
    assert getattr(NullSink(), method)(*([None] if method == "append" else [])) is None
    assert NullSink().n_dropped == 0
