"""The real server: its port, its processes, its end."""

import contextlib
import http.client
import json
import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from api.server import listen, refuse_busy_port
from api.serving import serve
from libelle.errors import ModelError, UsageError
from tests.servers import ServiceProcess, free_port

ROOT = Path(__file__).resolve().parents[2]
CLI = ("-m", "libelle.cli")
SOURCES = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
FROM_ELSEWHERE = ("LIBELLE_", "AWS_", "MLFLOW_")


def call(port, method, path, body=None, headers=()):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        content = None if body is None else json.dumps(body)
        connection.request(
            method, path, content, {"Content-Type": "application/json", **dict(headers)}
        )
        response = connection.getresponse()
        return response.status, response.headers, json.loads(response.read())


@contextlib.contextmanager
def serving(
    model,
    tmp_path,
    workers=1,
    limit_files=None,
    until="ready",
    program=CLI,
    variables=None,
    **others,
):
    """Start `libelle serve` in a process group of its own and give its port, once it is ready.

    With variables, access is as they say; without, no key is asked for.
    """
    port, log = free_port(), tmp_path / "serve.log"
    command = [sys.executable, *program, "serve", "--model", str(model)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FROM_ELSEWHERE)}
    usual = {"PYTHONPATH": SOURCES, "LIBELLE_DRAIN_SECONDS": "0.2"}
    access = {"LIBELLE_AUTH": "none"} if variables is None else variables
    with log.open("wb") as output:
        process = ServiceProcess(
            [*command, "--port", str(port), "--workers", str(workers)],
            cwd=tmp_path,
            stdout=output,
            stderr=output,
            env=kept | usual | access | others,
            start_new_session=True,
            preexec_fn=limit_files and partial(_limit_files, limit_files),
        )
    try:
        wait_until(until, port, process)
        yield port, process, log
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _limit_files(n_files):
    resource.setrlimit(resource.RLIMIT_NOFILE, (n_files, n_files))


def wait_until(state, port, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if call(port, "GET", f"/health/{state}")[0] == 200:
                return
        time.sleep(0.05)
    pytest.fail(f"the service did not become {state} (exit {process.poll()})")


def test_a_served_model_answers_and_ends_cleanly_on_sigterm(model_folder, tmp_path):
    with serving(model_folder, tmp_path) as (port, process, log):
        status, headers, answer = call(port, "POST", "/v1/predict", {"text": "Nid de poule"})
        assert (status, answer["candidates"][0]["code"]) == (200, "0101")
        assert "server" not in headers
        with pytest.raises(UsageError, match=f"Port {port} .* is in use .*LIBELLE_PORT or --port"):
            refuse_busy_port("127.0.0.1", port)
        process.terminate()
        assert process.wait_for_end() == 0
    assert "Traceback" not in log.read_text()
    records = [json.loads(line) for line in log.read_text().splitlines()]
    (record,) = [one for one in records if one.get("path") == "/v1/predict"]
    assert (record["status"], record["request_id"]) == (200, headers["X-Request-ID"])
    assert record["at"].endswith("Z")
    assert "poule" not in log.read_text()


def test_workers_share_the_key_and_end_cleanly_on_ctrl_c(model_folder, tmp_path):
    with serving(model_folder, tmp_path, workers=2) as (port, process, log):
        ids = set()
        for _ in range(20):
            answer = call(port, "POST", "/v1/predict", {"text": "a"}, {"X-Request-ID": "r"})[2]
            ids.add(answer["prediction_id"])
        assert len(ids) == 1
        deadline = time.monotonic() + 10
        while log.read_text().count("Started server process") < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # A terminal tells every process of the group.
        assert process.wait_for_end() == 0
    assert log.read_text().count("Started server process") == 2
    assert "Traceback" not in log.read_text()


def test_a_busy_port_is_refused_before_the_model_is_read(settings, monkeypatch):
    monkeypatch.setattr("api.serving._exit_cleanly", lambda: None)
    monkeypatch.setattr("api.serving.configure_logs", lambda: None)
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        busy = settings.model_copy(update={"port": port, "model": "/nowhere"})
        with pytest.raises(UsageError, match=f"Port {port} of 127.0.0.1 is in use"):
            serve(busy)


def test_an_address_of_another_machine_is_refused(settings):
    with pytest.raises(UsageError, match=r"192\.0\.2\.1:8000 cannot be listened on .*LIBELLE_HOST"):
        refuse_busy_port("192.0.2.1", 8000)


def test_a_model_that_cannot_be_loaded_stops_the_start(settings, monkeypatch, tmp_path):
    monkeypatch.setattr("api.serving._exit_cleanly", lambda: None)
    monkeypatch.setattr("api.serving.configure_logs", lambda: None)
    port = free_port()
    missing = settings.model_copy(update={"port": port, "model": str(tmp_path)})
    with pytest.raises(ModelError, match="holds no model"):
        serve(missing)
    refuse_busy_port("127.0.0.1", port)


FORBIDDEN = ("mlflow", "sklearn", "pandas", "optuna", "numba", "matplotlib", "nltk")
PREDICT = """
import asyncio, sys
from pathlib import Path
import httpx
from api.loading import ModelSource, load_model
from api.main import create_app
from libelle.settings import Settings

async def main():
    model = load_model(ModelSource(Path(sys.argv[1])))
    app = create_app(Settings.model_construct(auth="none"), model=model)
    async with app.router.lifespan_context(app):
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://libelle.test")
        async with http:
            answer = await http.post("/v1/predict", json={"text": "nid de poule"})
            assert answer.status_code == 200, answer.text
            assert (await http.get("/docs")).status_code == 200
            assert (await http.get("/v1/codes?q=voirie")).status_code == 200

asyncio.run(main())
print(*sys.modules)
"""


def test_serving_a_folder_imports_nothing_that_trains(model_folder):
    run = subprocess.run(
        [sys.executable, "-c", PREDICT, str(model_folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {name.partition(".")[0] for name in run.stdout.split()}
    assert not imported & set(FORBIDDEN)
    assert "libelle" in imported
