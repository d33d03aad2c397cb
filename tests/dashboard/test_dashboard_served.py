"""The command, as a real process."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.api.keys import ENTRIES
from tests.dashboard.conftest import LOG_KEY
from tests.monitoring.log_rows import make_row, put
from tests.servers import free_port, wait_for

FROM_ELSEWHERE = ("LIBELLE_", "AWS_", "MLFLOW_")


def command(folder, *arguments, **variables):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FROM_ELSEWHERE)}
    return {
        "args": [sys.executable, "-m", "libelle.cli", "dashboard", *arguments],
        "cwd": folder,
        "env": {**kept, "LIBELLE_HOME": str(folder), **variables},
    }


@contextmanager
def running(folder, **variables):
    port, words = free_port(), folder / "words.txt"
    with words.open("w") as stream:
        asked = command(folder, "--port", str(port), **variables)
        with subprocess.Popen(**asked, stderr=stream) as process:
            try:
                wait_for(port, process)
                yield f"http://127.0.0.1:{port}", process, words
            finally:
                process.kill()


def read(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read().decode()


def test_the_command_shows_the_log_follows_it_and_ends_well(tmp_path):
    now = datetime.now(UTC)
    put(tmp_path / "log", [make_row(received_at=now - timedelta(seconds=5))])
    variables = {"LIBELLE_AUTH": "none", "LIBELLE_LOG_URI": str(tmp_path / "log")}
    with running(tmp_path, LIBELLE_LOG_KEY=LOG_KEY, **variables) as (address, process, words):
        assert "coded automatically" in read(f"{address}/?lang=en&q=bonjour")
        assert json.loads(read(f"{address}/health/live")) == {"status": "live"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    told = words.read_text()
    assert "GET / 200" in told
    assert "bonjour" not in told


def test_a_log_that_hangs_does_not_hold_the_pages(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        variables = {
            "LIBELLE_AUTH": "none",
            "LIBELLE_LOG_URI": "s3://bucket/log",
            "LIBELLE_LOG_KEY": LOG_KEY,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "s",
        }
        with running(tmp_path, **variables) as (address, *_):
            started = time.monotonic()
            assert "being read" in read(f"{address}/?lang=en")
            assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "No key is known"),
        ({"LIBELLE_API_KEYS": ENTRIES["read"], "LIBELLE_AUTH": "none"}, "contradict"),
        ({"LIBELLE_API_URL": "ftp://x", "LIBELLE_AUTH": "none"}, "LIBELLE_API_URL"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, variables, said):
    asked = command(tmp_path, "--port", str(free_port()), **variables)
    ended = subprocess.run(**asked, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_busy_port_is_told(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        asked = command(tmp_path, "--port", port, LIBELLE_AUTH="none")
        ended = subprocess.run(**asked, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert f"Port {port}" in ended.stderr
