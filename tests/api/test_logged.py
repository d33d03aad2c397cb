"""The service keeps what it answers: with real processes, whatever happens to them."""

import http.client
import json
import os
import signal
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from libelle.monitoring.prediction_log import read_state
from libelle.monitoring.prediction_log.reading import read_log
from libelle.storage import StorageOptions, open_filesystem
from tests.api.test_faults import Load, children_of
from tests.api.test_metrics_served import n_threads, scrape_until
from tests.api.test_serve import call, serving, wait_until
from tests.exposition import total
from tests.servers import free_port, moto

PLANTED = "Zébulon Zeltanguy"
KEY = "k" * 40
FIFTY = json.dumps({"items": [{"text": f"Nid de poule {n}"} for n in range(50)]}).encode()


def logging_to(tmp_path, **changes):
    usual = {
        "LIBELLE_LOG_URI": str(tmp_path / "log"),
        "LIBELLE_SPOOL_PATH": str(tmp_path / "spool"),
        "LIBELLE_LOG_KEY": KEY,
        "LIBELLE_LOG_UPLOAD_SECONDS": "0.5",
    }
    return usual | changes


def rows_of(tmp_path):
    return read_log(str(tmp_path / "log"), spool_path=tmp_path / "spool").table


def test_every_item_has_its_row_once_the_service_has_ended(model_folder, tmp_path):
    items = [{"text": "Nid de poule", "id": "7"}, {"texte": "?"}, {"text": ""}]
    with serving(model_folder, tmp_path, workers=2, **logging_to(tmp_path)) as (port, process, _):
        assert call(port, "GET", "/health/ready")[2]["log"] == "kept"
        _, headers, one = call(port, "POST", "/v1/predict", {"text": PLANTED, "id": "a"})
        _, _, batch = call(port, "POST", "/v1/predict/batch", {"items": items})
        process.terminate()
        assert process.wait_for_end() == 0
    assert list((tmp_path / "log").rglob("*.parquet"))
    table = read_log(str(tmp_path / "log")).table
    rows = {row["prediction_id"]: row for row in table.to_pylist()}
    assert len(rows) == table.num_rows == 4
    logged = rows[one["prediction_id"]]
    assert logged["request_id"] == headers["X-Request-ID"]
    assert (logged["decision"], logged["confidence"]) == (one["decision"], one["confidence"])
    assert (logged["text"], logged["text_hash"] is None) == (None, False)
    for position in (0, 2):
        answered = batch["results"][position]["prediction"]
        assert rows[answered["prediction_id"]]["position"] == position
    [failed] = [row for row in rows.values() if row["decision"] is None]
    assert (failed["position"], failed["error"]) == (1, "invalid_item")


def test_a_planted_name_is_in_no_file_nor_line(model_folder, tmp_path):
    with serving(model_folder, tmp_path, **logging_to(tmp_path)) as (port, process, _):
        call(port, "POST", "/v1/predict", {"text": PLANTED})
        call(port, "POST", "/v1/predict/batch", {"items": [{"text": PLANTED}, {"x": PLANTED}]})
        process.terminate()
        assert process.wait_for_end() == 0
        written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 1
    for part in PLANTED.split():
        assert not any(part.encode() in content for content in written)


def test_a_retry_is_one_row(model_folder, tmp_path):
    headers = {"X-Request-ID": "again"}
    with serving(model_folder, tmp_path, **logging_to(tmp_path)) as (port, process, _):
        ids = {
            call(port, "POST", "/v1/predict", {"text": "a nid"}, headers)[2]["prediction_id"]
            for _ in range(3)
        }
        process.terminate()
        process.wait_for_end()
    assert len(ids) == 1
    assert rows_of(tmp_path).num_rows == 1


def test_fault_1_what_was_answered_before_a_kill_is_in_the_log(model_folder, tmp_path, request):
    n_rounds = 50 if request.config.getoption("--long") else 3
    answered = set()
    for _ in range(n_rounds):
        with serving(model_folder, tmp_path, **logging_to(tmp_path)) as (port, process, _):
            with Load(port) as load, Load(port, body=FIFTY, path="/v1/predict/batch") as batches:
                time.sleep(0.4)
                for pid in [*children_of(process.pid), process.pid]:
                    os.kill(pid, signal.SIGKILL)
            answered |= {*load.prediction_ids, *batches.prediction_ids}
    assert len(answered) > 10 * n_rounds
    # The next start brings what the dead ones left.
    with serving(model_folder, tmp_path, **logging_to(tmp_path)) as (_, process, _):
        process.terminate()
        assert process.wait_for_end() == 0
    ids = read_log(str(tmp_path / "log")).table["prediction_id"].to_pylist()
    assert answered <= set(ids)
    assert max(Counter(ids).values()) == 1


def test_fault_8_without_its_place_the_log_waits_and_answers_go_on(model_folder, tmp_path):
    port = free_port()
    settings = logging_to(
        tmp_path,
        LIBELLE_LOG_URI="s3://bucket/log",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}",
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="geheim",
        LIBELLE_METRICS_PORT=str(port),
    )
    with serving(model_folder, tmp_path, **settings) as (api, process, log):
        assert call(api, "POST", "/v1/predict", {"text": "Nid de poule"})[0] == 200
        found = scrape_until(
            port, lambda found: total(found, "libelle_log_upload_failure", kind="unreachable") == 1
        )
        assert total(found, "libelle_log_backlog_bytes") > 0
        assert call(api, "POST", "/v1/predict", {"text": "Nid de poule"})[0] == 200
        process.terminate()
        assert process.wait_for_end() == 0
        assert "geheim" not in log.read_text()
    assert read_state(tmp_path / "spool").last_failure == "unreachable"
    table = read_log(str(tmp_path / "log"), spool_path=tmp_path / "spool").table
    assert table.num_rows == 2


def test_a_log_without_key_is_refused(model_folder, tmp_path):
    settings = logging_to(tmp_path)
    del settings["LIBELLE_LOG_KEY"]
    with (
        pytest.raises(pytest.fail.Exception, match=r"exit 2"),
        serving(model_folder, tmp_path, **settings),
    ):
        pass
    assert "LIBELLE_LOG_KEY" in (tmp_path / "serve.log").read_text()


def test_fault_7_a_spool_that_cannot_be_written_is_refused_at_the_start(model_folder, tmp_path):
    (tmp_path / "file").write_text("")
    settings = logging_to(tmp_path, LIBELLE_SPOOL_PATH=str(tmp_path / "file"))
    with (
        pytest.raises(pytest.fail.Exception, match=r"exit 1"),
        serving(model_folder, tmp_path, **settings),
    ):
        pass
    said = (tmp_path / "serve.log").read_text()
    assert "LIBELLE_SPOOL_PATH" in said
    assert "Traceback" not in said


def test_fault_6_a_full_spool_is_counted_and_forgotten_once_there_is_room(model_folder, tmp_path):
    settings = logging_to(
        tmp_path,
        LIBELLE_LOG_SPOOL_BYTES=str(2**20),
        # Nothing leaves the spool: its place is a file.
        LIBELLE_LOG_URI=str(tmp_path / "log"),
    )
    (tmp_path / "log").write_text("")
    many = {"items": [{"text": f"Nid de poule {n}", "id": "x" * 200} for n in range(1000)]}
    with serving(model_folder, tmp_path, **settings) as (port, process, log):
        for _ in range(5):
            assert call(port, "POST", "/v1/predict/batch", many)[0] == 200
        assert call(port, "GET", "/health/ready")[2]["log"] == "degraded"
        (tmp_path / "log").unlink()
        until = time.monotonic() + 30
        while call(port, "GET", "/health/ready")[2]["log"] != "kept":
            assert time.monotonic() < until
            time.sleep(0.3)
            assert call(port, "POST", "/v1/predict", {"text": "Nid de poule"})[0] == 200
        process.terminate()
        assert process.wait_for_end() == 0
        assert "not logged any more" in log.read_text()
        assert "logged again" in log.read_text()
    assert rows_of(tmp_path).num_rows >= 1001


def test_fault_6_where_no_row_may_be_lost_a_full_spool_refuses(model_folder, tmp_path):
    settings = logging_to(
        tmp_path, LIBELLE_LOG_SPOOL_BYTES=str(2**20), LIBELLE_LOG_WHEN_FULL="refuse"
    )
    (tmp_path / "log").write_text("")
    many = {"items": [{"text": f"Nid de poule {n}", "id": "x" * 200} for n in range(1000)]}
    with serving(model_folder, tmp_path, **settings) as (port, process, _):
        answers = [call(port, "POST", "/v1/predict/batch", many) for _ in range(5)]
        statuses = [status for status, _, _ in answers]
        assert statuses[0] == 200
        assert statuses[-1] == 503
        assert str(tmp_path) not in json.dumps(answers[-1][2])
        (tmp_path / "log").unlink()
        until = time.monotonic() + 30
        while call(port, "POST", "/v1/predict", {"text": "Nid de poule"})[0] != 200:
            assert time.monotonic() < until
            time.sleep(0.3)
        process.terminate()
        assert process.wait_for_end() == 0
    answered = {
        result["prediction"]["prediction_id"]
        for status, _, answer in answers
        if status == 200
        for result in answer["results"]
    }
    assert answered <= set(rows_of(tmp_path)["prediction_id"].to_pylist())


def test_fault_9_an_s3_that_hangs_changes_no_answer_and_is_caught_up(model_folder, tmp_path):
    with moto() as (endpoint, server):
        storage = StorageOptions(
            endpoint_url=endpoint,
            access_key_id="key",
            secret_access_key="geheim",
            region="eu-west-3",
            deadline_seconds=20,
        )
        open_filesystem("s3://bucket", storage)[0].mkdir("bucket")
        settings = logging_to(
            tmp_path,
            LIBELLE_LOG_URI="s3://bucket/log",
            AWS_ENDPOINT_URL=endpoint,
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="geheim",
            AWS_DEFAULT_REGION="eu-west-3",
        )
        ask = ("POST", "/v1/predict", {"text": "Nid de poule"})
        with serving(model_folder, tmp_path, **settings) as (port, process, _):
            assert call(port, *ask)[0] == 200
            server.send_signal(signal.SIGSTOP)
            slowest = 0.0
            for _ in range(40):
                began = time.monotonic()
                assert call(port, *ask)[0] == 200
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.05)
            server.send_signal(signal.SIGCONT)
            assert slowest < 2
            until = time.monotonic() + 60
            while read_log("s3://bucket/log", options=storage).table.num_rows < 41:
                assert time.monotonic() < until
                time.sleep(0.5)
            process.terminate()
            assert process.wait_for_end() == 0


def test_fault_30_two_services_share_a_spool_and_each_row_is_there_once(model_folder, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    settings = logging_to(tmp_path)
    with (
        serving(model_folder, first, **settings) as (one, process, _),
        serving(model_folder, second, **settings) as (two, other, _),
    ):
        ids = {
            call(port, "POST", "/v1/predict", {"text": f"Nid de poule {n}"})[2]["prediction_id"]
            for n in range(20)
            for port in (one, two)
        }
        for ending in (process, other):
            ending.terminate()
        assert (process.wait_for_end(), other.wait_for_end()) == (0, 0)
    found = read_log(str(tmp_path / "log")).table["prediction_id"].to_pylist()
    assert sorted(found) == sorted(ids)
    assert len(ids) == 40


@contextmanager
def memory_limit(pid, n_bytes):
    """Let a process take so much more memory, and be killed by the system beyond."""
    root = Path("/sys/fs/cgroup/memory")
    group = root / f"libelle-test-{pid}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(n_bytes))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        pytest.skip("no memory cgroup can be made here")
    try:
        yield group
    finally:
        until = time.monotonic() + 20
        while (group / "cgroup.procs").read_text() and time.monotonic() < until:
            time.sleep(0.1)
        with suppress(OSError):
            group.rmdir()


def test_fault_28_a_worker_out_of_memory_takes_no_answered_row_with_it(model_folder, tmp_path):
    large = {"items": [{"text": f"nid de poule {n} " * 105} for n in range(1000)]}
    with serving(model_folder, tmp_path, **logging_to(tmp_path)) as (port, process, log):
        ids = [
            call(port, "POST", "/v1/predict", {"text": f"Nid {n}"})[2]["prediction_id"]
            for n in range(20)
        ]
        [worker] = [pid for pid in children_of(process.pid) if n_threads(pid) > 3]
        with memory_limit(worker, 4 * 2**20) as group:
            with suppress(OSError, http.client.HTTPException):
                call(port, "POST", "/v1/predict/batch", large)
            assert "oom_kill 1" in (group / "memory.oom_control").read_text()
            wait_until("ready", port, process)
            ids.append(call(port, "POST", "/v1/predict", {"text": "Nid"})[2]["prediction_id"])
            process.terminate()
            assert process.wait_for_end() == 0
    assert "ended" in log.read_text()
    assert set(ids) <= set(rows_of(tmp_path)["prediction_id"].to_pylist())
