"""Metrics of real processes: on a port of their own, and right whatever happens to workers."""

import contextlib
import http.client
import json
import os
import signal
import socket
import time
from pathlib import Path
from random import Random

import pytest

from api.metrics.exposition import CONTENT_TYPE
from api.server import listen
from api.serving import serve
from libelle.errors import UsageError
from tests.api.conftest import make_predictor
from tests.api.test_faults import children_of
from tests.api.test_serve import call, serving
from tests.exposition import parse, total
from tests.servers import free_port

TEXT = {"text": "Nid de poule"}
WORKERS = "libelle_workers"
PREDICT = {"route": "/v1/predict", "method": "POST", "status": "200"}


def ask(port, path="/metrics", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def scrape(port) -> dict:
    status, headers, content = ask(port)
    assert (status, headers["Content-Type"]) == (200, CONTENT_TYPE)
    return parse(content)


def scrape_until(port, condition):
    """Return the first metrics for which a condition holds; gauges are shown ten times a second."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            found = scrape(port)
            if condition(found):
                return found
        time.sleep(0.05)
    return pytest.fail(f"it never came: {found}")


@contextlib.contextmanager
def measured(model, tmp_path, **changes):
    metrics_port = free_port()
    with serving(model, tmp_path, LIBELLE_METRICS_PORT=str(metrics_port), **changes) as served:
        yield *served, metrics_port


def n_threads(pid) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def exporter_pid(process):
    """Return the child that has one thread: workers, once started, predict in a second one."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        alone = [pid for pid in children_of(process.pid) if n_threads(pid) == 1]
        if len(alone) == 1:
            return alone[0]
        time.sleep(0.05)
    return pytest.fail(f"not one child alone: {alone}")


def test_two_workers_count_as_one_and_one_that_is_killed_takes_nothing_away(model_folder, tmp_path):
    with measured(model_folder, tmp_path, workers=2) as (port, process, log, metrics_port):
        for _ in range(40):
            assert call(port, "POST", "/v1/predict", TEXT)[0] == 200
        call(port, "POST", "/v1/predict/batch", {"items": [TEXT] * 100})
        found = scrape_until(
            metrics_port, lambda found: total(found, "libelle_requests_total", **PREDICT) == 40
        )
        assert total(found, WORKERS) == 2
        assert total(found, "libelle_texts_total") == 140
        assert total(found, "libelle_model_info", name="demo") == 1
        [worker, *_] = set(children_of(process.pid)) - {exporter_pid(process)}
        os.kill(worker, signal.SIGKILL)
        after = scrape_until(
            metrics_port,
            lambda found: (total(found, "libelle_worker_restarts_total"), total(found, WORKERS))
            == (1, 2),
        )
        assert total(after, "libelle_requests_total", **PREDICT) == 40
        for name in ("libelle_texts_total", "libelle_confidence_count", "libelle_batch_texts_sum"):
            assert total(after, name) == total(found, name) > 0
        for _ in range(10):
            assert call(port, "POST", "/v1/predict", TEXT)[0] == 200
        scrape_until(
            metrics_port, lambda found: total(found, "libelle_requests_total", **PREDICT) == 50
        )
        process.terminate()
        assert process.wait_for_end() == 0
    assert "Traceback" not in log.read_text()
    records = map(json.loads, log.read_text().splitlines())
    [batch] = [one for one in records if one.get("path") == "/v1/predict/batch"]
    assert batch["n_texts"] == 100


def test_the_process_that_shows_metrics_is_replaced_and_ends_with_the_service(
    model_folder, tmp_path
):
    with measured(model_folder, tmp_path) as (port, process, _, metrics_port):
        call(port, "POST", "/v1/predict", TEXT)
        scrape(metrics_port)
        exporter = exporter_pid(process)
        os.kill(exporter, signal.SIGKILL)
        found = scrape_until(metrics_port, lambda _: exporter not in children_of(process.pid))
        assert total(found, "libelle_requests_total", **PREDICT) == 1
        assert call(port, "POST", "/v1/predict", TEXT)[0] == 200
        process.kill()  # The service is not asked to end: it ends.
        process.wait()
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with contextlib.suppress(UsageError), listen("127.0.0.1", metrics_port):
                return
            time.sleep(0.1)
        pytest.fail("the metrics are still shown")


FOLLOW = """
import os, sys, time
from pathlib import Path
import api.watching
from api.loading import ModelSource
from libelle.cli import main

def watch(settings):
    parent = os.getppid()
    for name in ("first", "second", "broken"):
        yield ModelSource(Path(name), "followed", name)
        while not Path(f"after-{name}").exists() and os.getppid() == parent:
            time.sleep(0.05)

api.watching.watch = watch
main()
"""


def test_a_reload_and_one_that_fails_show_and_take_nothing_away(model_folder, tmp_path):
    (tmp_path / "first").symlink_to(model_folder)
    other = make_predictor()
    other.manifest = {**other.manifest, "name": "other"}
    other.save(tmp_path / "second")
    (tmp_path / "broken").mkdir()
    following = measured("models:/followed@champion", tmp_path, program=("-c", FOLLOW))
    with following as (port, _, _, metrics_port):
        digest = call(port, "POST", "/v1/predict", TEXT)[2]["model"]["digest"]
        found = scrape(metrics_port)
        assert total(found, "libelle_model_info", version="first", digest=digest[:12]) == 1
        (tmp_path / "after-first").touch()
        found = scrape_until(metrics_port, lambda found: total(found, "libelle_reloads_total") == 1)
        (tmp_path / "after-second").touch()
        found = scrape_until(
            metrics_port, lambda found: total(found, "libelle_failed_reloads_total") == 1
        )
        assert total(found, "libelle_reload_failure", kind="refused") == 1
        assert total(found, "libelle_model_info") == 1
        assert total(found, "libelle_model_info", name="followed", version="second") == 1
        found = scrape_until(metrics_port, lambda found: total(found, WORKERS) == 1)
        assert total(found, "libelle_requests_total", **PREDICT) == 1
        assert total(found, "libelle_texts_total") == 1


def n_asked(found) -> float:
    """Return how many requests came, what is not HTTP among them, without the probes."""
    not_http = total(found, "libelle_refused_requests_total", problem="bad-http")
    n_probes = total(found, "libelle_requests_total", route="/health/ready")
    return total(found, "libelle_requests_total") + not_http - n_probes


def test_s23_metrics_have_their_port_and_no_caller_adds_a_series(model_folder, tmp_path):
    chance = Random(0)
    with measured(model_folder, tmp_path) as (port, _, _, metrics_port):
        assert call(port, "GET", "/metrics")[0] == 404
        before = set(scrape(metrics_port))
        for _ in range(500):
            segments = [f"{chance.getrandbits(40):x}" for _ in range(chance.randint(1, 4))]
            root = chance.choice(["", "/v1", "/v1/codes", "/v1/models", "/static", "/metrics"])
            method = chance.choice(
                ["GET", "POST", "PUT", "PROPFIND", "MKCOL", f"X{chance.getrandbits(20)}"]
            )
            ask(port, "/".join([root, *segments]), method)
        found = scrape_until(metrics_port, lambda found: n_asked(found) == 501)
    added = {(name, labels) for name, labels in set(found) - before if "bucket" not in name}
    assert len(added) < 40
    routes = {dict(labels)["route"] for _, labels in added if "route" in dict(labels)}
    assert routes <= {
        *("other", "/v1/codes/{code}", "/v1/models/{model}/predict", "/static/{name}"),
        *("/v1/models/{model}/codes", "/v1/models/{model}/codes/{code}", "/metrics"),
    }


def test_only_get_metrics_is_answered(model_folder, tmp_path):
    with measured(model_folder, tmp_path) as (_, _, _, port):
        assert ask(port, "/metrics?a=b")[0] == 200
        for path in ("/", "/metrics/", "/docs", "/v1/model", "/health/live"):
            assert ask(port, path)[0] == 404
        for method in ("POST", "HEAD", "DELETE"):
            status, headers, _ = ask(port, "/metrics", method)
            assert (status, headers["Allow"]) == (405, "GET")
        for sent in (b"\x00" * 20_000, b"GET /metrics HTTP/1.1\r\nA: " + b"a" * 20_000):
            assert send(port, sent) == b""
        with socket.create_connection(("127.0.0.1", port), timeout=20) as silent:
            silent.sendall(b"GET /metrics")
            assert ask(port)[0] == 200
            assert silent.recv(10) == b""


def send(port, sent) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            connection.sendall(sent)
            return connection.recv(100)
        except ConnectionError:
            return b""


def test_connections_refused_before_any_request_are_counted(model_folder, tmp_path):
    with measured(model_folder, tmp_path, LIBELLE_HEADER_SECONDS="0.3") as served:
        port, _, _, metrics_port = served
        assert b" 408 " in send(port, b"GET /v1/mod")
        assert b" 400 " in send(port, b"\x00\x00\r\n\r\n")
        found = scrape(metrics_port)
    assert total(found, "libelle_refused_requests_total", problem="too-slow") == 1
    assert total(found, "libelle_refused_requests_total", problem="bad-http") == 1


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.setattr("api.serving._exit_cleanly", lambda: None)
    monkeypatch.setattr("api.serving.configure_logs", lambda: None)


def test_a_busy_port_of_metrics_is_refused_before_anything_starts(settings, quiet):
    port = free_port()
    with listen("127.0.0.1", 0) as taken:
        busy = settings.model_copy(
            update={"port": port, "metrics_port": taken.getsockname()[1], "model": "/nowhere"}
        )
        with pytest.raises(UsageError, match=r"in use .* with LIBELLE_METRICS_PORT"):
            serve(busy)
    listen("127.0.0.1", port).close()


def test_the_port_of_the_api_is_refused_for_metrics(settings, quiet):
    port = free_port()
    with pytest.raises(UsageError, match=r"that of the API.*LIBELLE_METRICS_PORT"):
        serve(settings.model_copy(update={"port": port, "metrics_port": port}))


def test_without_a_port_no_metrics_are_shown(model_folder, tmp_path):
    with serving(model_folder, tmp_path) as (_, process, _):
        assert len(children_of(process.pid)) == 1
