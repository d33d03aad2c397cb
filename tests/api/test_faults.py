"""Faults of the service, each with real processes; the numbers are those of the run book."""

import contextlib
import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.api.test_serve import ROOT, call, serving
from tests.servers import ServiceProcess

JSON = {"Content-Type": "application/json"}
HEAD = "POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
TEXT = "Nid de poule"
ONE = json.dumps({"text": TEXT}).encode()
THOUSAND = json.dumps({"items": [{"text": f"Nid de poule {n}"} for n in range(1000)]}).encode()


class Load:
    """Clients that keep their connections and ask again and again, until they are stopped."""

    def __init__(self, port, *, n_clients=4, body=ONE, path="/v1/predict"):
        self.statuses, self.errors = Counter(), []
        self.answers, self.prediction_ids = [], []
        self._port, self._body, self._path = port, body, path
        self._going = threading.Event()
        self._going.set()
        self._threads = [threading.Thread(target=self._ask) for _ in range(n_clients)]

    @property
    def digests(self):
        return [answer["model"]["digest"] for answer in self.answers]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._going.clear()
        for thread in self._threads:
            thread.join(30)

    def _ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with contextlib.closing(connection):
            while self._going.is_set():
                try:
                    self._ask_once(connection)
                except (OSError, http.client.HTTPException) as error:  # An answer may be cut.
                    self.errors.append(repr(error))
                    connection.close()
                    time.sleep(0.01)

    def _ask_once(self, connection):
        connection.request("POST", self._path, self._body, JSON)
        response = connection.getresponse()
        content = response.read()  # http.client closes and opens again by itself when told to.
        self.statuses[response.status] += 1
        if response.status == 200:
            answer = json.loads(content)
            # The results of many batches would fill the memory.
            answered = [one["prediction"] for one in answer.pop("results", [])] or [answer]
            self.prediction_ids += [one["prediction_id"] for one in answered]
            self.answers.append(answer)


def children_of(pid) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return list(map(int, found))


def memory_bytes(pid) -> int:
    """Return the memory of a service and of its processes, what they share counted once."""
    n_kilobytes = 0
    for one in (pid, *children_of(pid)):
        with contextlib.suppress(OSError):  # It has just ended.
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            n_kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return n_kilobytes * 1024


def peak_bytes(pid) -> int:
    """Return the largest resident memory of a process and of its children so far."""
    lines = [
        line
        for one in (pid, *children_of(pid))
        for line in Path(f"/proc/{one}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return max(int(line.split()[1]) * 1024 for line in lines)


def test_fault_3_sigterm_under_load_loses_no_request(model_folder, tmp_path):
    changes = {"LIBELLE_DRAIN_SECONDS": "1"}
    with serving(model_folder, tmp_path, workers=2, **changes) as (port, process, log):
        with Load(port) as load:
            time.sleep(0.5)
            process.terminate()
            time.sleep(0.3)
            assert call(port, "GET", "/health/ready")[0] == 503
            assert call(port, "GET", "/health/live")[0] == 200
        assert process.wait_for_end() == 0
    assert (set(load.statuses), load.errors) == ({200}, [])
    assert load.statuses[200] > 50
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("pause", [0.0, 0.05, 0.3])
def test_fault_4_sigterm_at_any_moment_of_the_start_ends_cleanly(model_folder, tmp_path, pause):
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = ServiceProcess(
            [sys.executable, "-m", "libelle.cli", "serve", "--model", str(model_folder)],
            cwd=ROOT,
            stderr=output,
            env=os.environ | {"LIBELLE_PORT": "0", "LIBELLE_AUTH": "none"},
        )
    time.sleep(0.2 + pause)
    process.terminate()
    process.terminate()
    assert process.wait_for_end() in (0, -signal.SIGTERM)
    assert "Traceback" not in log.read_text()


def test_fault_4_a_second_sigterm_changes_nothing(model_folder, tmp_path):
    with serving(model_folder, tmp_path, LIBELLE_DRAIN_SECONDS="1") as (_, process, log):
        process.terminate()
        time.sleep(0.2)
        process.terminate()
        assert process.wait_for_end() == 0
    assert "Traceback" not in log.read_text()


def test_fault_19_a_body_too_large_is_refused_before_it_takes_memory(model_folder, tmp_path):
    with serving(model_folder, tmp_path) as (port, process, _):
        call(port, "POST", "/v1/predict", {"text": "a"})
        before = peak_bytes(process.pid)
        assert send_whole(port, 100_000_000, chunked=False) == 413
        assert send_whole(port, 100_000_000, chunked=True) == 413
        assert peak_bytes(process.pid) - before < 20_000_000
        assert call(port, "POST", "/v1/predict", {"text": "a"})[0] == 200


def send_whole(port, n_bytes, *, chunked) -> int:
    """Send a body as long as the server takes it; return the status of its answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {n_bytes}"
        connection.sendall(f"{HEAD}{length}\r\n\r\n".encode())
        part = b"a" * 65_536
        with contextlib.suppress(OSError):
            for _ in range(n_bytes // len(part)):
                connection.sendall(b"10000\r\n" + part + b"\r\n" if chunked else part)
        return int(connection.recv(65_536).split()[1])


def test_fault_22_the_largest_request_is_answered_and_one_more_is_refused(model_folder, tmp_path):
    n_texts, n_characters = 1_000, 10_000
    bounds = {
        "LIBELLE_MAX_BATCH_TEXTS": str(n_texts),
        "LIBELLE_MAX_TEXT_CHARACTERS": str(n_characters),
    }
    item = {"text": "nid de poule " * 75}
    slowest, going = [0.0], threading.Event()

    def probe(port):
        while not going.is_set():
            began = time.monotonic()
            assert call(port, "GET", "/health/live")[0] == 200
            slowest[0] = max(slowest[0], time.monotonic() - began)

    with serving(model_folder, tmp_path, **bounds) as (port, _, _):
        prober = threading.Thread(target=probe, args=(port,))
        prober.start()
        try:
            largest = call(port, "POST", "/v1/predict/batch", {"items": [item] * n_texts})
            one_more = call(port, "POST", "/v1/predict/batch", {"items": [item] * (n_texts + 1)})
            too_long = call(port, "POST", "/v1/predict", {"text": "a" * 1_000_000})
            just_right = call(port, "POST", "/v1/predict", {"text": "a" * n_characters})
            character_more = call(port, "POST", "/v1/predict", {"text": "a" * (n_characters + 1)})
        finally:
            going.set()
            prober.join(30)
    assert (largest[0], just_right[0]) == (200, 200)
    assert len(largest[2]["results"]) == n_texts
    assert [answer[0] for answer in (one_more, too_long, character_more)] == [422] * 3
    assert not any("aaaa" in str(answer[2]) for answer in (too_long, character_more))
    assert 0 < slowest[0] < 1


@pytest.mark.parametrize(
    "sent", [b"POST /v1/predict HT", b"", "body"], ids=["headers", "silence", "body"]
)
def test_fault_25_slow_senders_are_cut_and_others_are_served(model_folder, tmp_path, sent):
    if sent == "body":
        sent = f"{HEAD}Content-Length: 50\r\n\r\n{{".encode()
    changes = {"LIBELLE_HEADER_SECONDS": "1", "LIBELLE_BODY_SECONDS": "1"}
    with serving(model_folder, tmp_path, **changes) as (port, _, _log):
        slow = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(100)]
        for connection in slow:
            connection.sendall(sent)
        assert call(port, "POST", "/v1/predict", {"text": "a"})[0] == 200
        began = time.monotonic()
        for connection in slow:
            assert b"408" in connection.recv(100)
            connection.close()
        assert time.monotonic() - began < 5


def test_fault_26_more_than_the_service_can_do_is_refused_at_once(model_folder, tmp_path):
    changes = {"LIBELLE_MAX_REQUESTS": "2"}
    with serving(model_folder, tmp_path, **changes) as (port, process, _log):
        batch = Load(port, n_clients=8, body=THOUSAND, path="/v1/predict/batch")
        with batch:
            began, probes, memory = time.monotonic(), [], []
            while time.monotonic() - began < 2:
                asked = time.monotonic()
                assert call(port, "GET", "/health/live")[0] == 200
                probes.append(time.monotonic() - asked)
                if asked - began > 0.5:
                    memory.append(memory_bytes(process.pid))
        status, headers, _ = call(port, "POST", "/v1/predict", {"text": "a"})
    assert set(batch.statuses) == {200, 503}
    assert (status, batch.errors) == (200, [])
    assert max(probes) < 1
    assert max(memory) < 1.3 * memory[0]
    assert headers["Retry-After"] is None


def test_fault_27_a_client_that_leaves_harms_nobody(model_folder, tmp_path):
    head = HEAD.replace("/predict", "/predict/batch") + f"Content-Length: {len(THOUSAND)}\r\n\r\n"
    with serving(model_folder, tmp_path) as (port, _, log):
        for cut in (1, 100, len(THOUSAND) // 2, len(THOUSAND)):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(head.encode() + THOUSAND[:cut])
        assert call(port, "POST", "/v1/predict", {"text": "a"})[0] == 200
        time.sleep(0.5)
    assert "Traceback" not in log.read_text()
    assert "exception" not in log.read_text()


def test_fault_31_probes_answer_while_batches_are_predicted(model_folder, tmp_path):
    with (
        serving(model_folder, tmp_path) as (port, _, _log),
        Load(port, n_clients=3, body=THOUSAND, path="/v1/predict/batch"),
    ):
        for _ in range(50):
            began = time.monotonic()
            assert call(port, "GET", "/health/live")[0] == 200
            assert time.monotonic() - began < 1


def test_fault_32_without_descriptors_it_refuses_and_recovers(model_folder, tmp_path):
    with serving(model_folder, tmp_path, limit_files=64) as (port, _, log):
        crowd = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(100)]
        answers = []
        for connection in crowd[40:60]:
            connection.settimeout(1)
            with contextlib.suppress(OSError):
                answers.append(connection.recv(20))
        assert any(b"503" in answer for answer in answers)
        for connection in crowd:
            connection.close()
        time.sleep(1.5)
        assert call(port, "POST", "/v1/predict", {"text": "a"})[0] == 200
    assert "Traceback" not in log.read_text()


def test_fault_35_a_worker_that_dies_is_replaced_and_the_other_serves(model_folder, tmp_path):
    with serving(model_folder, tmp_path, workers=2) as (port, process, _):
        first = children_of(process.pid)
        os.kill(first[0], signal.SIGKILL)
        statuses = {call(port, "POST", "/v1/predict", {"text": "a"})[0] for _ in range(20)}
        assert statuses == {200}
        deadline = time.monotonic() + 10
        while len(children_of(process.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(set(children_of(process.pid)) - set(first)) == 1


def test_fault_1_workers_end_when_their_supervisor_is_killed(model_folder, tmp_path):
    with serving(model_folder, tmp_path, workers=2) as (_, process, _log):
        workers = children_of(process.pid)
        process.kill()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() for pid in workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)
