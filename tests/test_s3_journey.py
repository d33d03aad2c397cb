"""Everything on S3: data, models behind an MLflow server, log, verdicts, reports; then the pages.

Real processes on loopback: an S3 server, an MLflow server that keeps its artifacts there, the
service and the dashboard, each with its own folder, as in pods of their own.
"""

import csv
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fsspec
import pytest

from libelle.data.demo import write_demo
from tests.servers import free_port, moto, wait_for

BUCKET = "s3://bucket"
N_TEXTS = 120
QUICK = ("--trials=1", "--folds=2", "--target-error=0.1")
FROM_ELSEWHERE = ("LIBELLE_", "AWS_", "MLFLOW_")


@dataclass(frozen=True)
class Places:
    """Where everything is: what each process is told, and a folder for each of them."""

    variables: dict[str, str]
    files: fsspec.AbstractFileSystem
    folder: Path

    def home(self, name) -> Path:
        home = self.folder / name
        home.mkdir(exist_ok=True)
        return home

    def environment(self, name, **changes) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(FROM_ELSEWHERE)}
        home = self.home(name)
        return kept | self.variables | {"LIBELLE_HOME": str(home)} | changes

    def run(self, *command, name="worker", **changes) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "libelle.cli", *command],
            cwd=self.home(name),
            env=self.environment(name, **changes),
            capture_output=True,
            text=True,
            timeout=240,
        )

    @contextmanager
    def serving(self, name, *command, port, **changes):
        """Run a command that serves until it is told to stop; it ends in order."""
        messages = self.folder / f"{name}.messages"
        with (
            messages.open("w") as written,
            subprocess.Popen(
                [sys.executable, "-m", "libelle.cli", *command],
                cwd=self.home(name),
                env=self.environment(name, **changes),
                stdout=written,
                stderr=written,
            ) as process,
        ):
            try:
                wait_for(port, process)
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0, messages.read_text()


@contextmanager
def mlflow_server(folder, variables):
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host=127.0.0.1", f"--port={port}"]
    command += [f"--backend-store-uri=sqlite:///{folder}/mlflow.db", "--workers=1"]
    command += [f"--artifacts-destination={BUCKET}/mlflow"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    keys = variables | {"MLFLOW_S3_ENDPOINT_URL": variables["AWS_ENDPOINT_URL"]}
    with subprocess.Popen(command, env=os.environ | keys, start_new_session=True, **quiet) as one:
        try:
            wait_for(port, one)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(one.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journey")
    with moto() as (endpoint, _):
        keys = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        files = fsspec.filesystem(
            "s3", key="key", secret="secret", endpoint_url=endpoint, skip_instance_cache=True
        )
        files.mkdir("bucket")
        with mlflow_server(folder, keys) as tracking_uri:
            variables = {
                **keys,
                "MLFLOW_TRACKING_URI": tracking_uri,
                "LIBELLE_LOG_URI": f"{BUCKET}/libelle/log",
                "LIBELLE_LOG_KEY": "k" * 40,
                "LIBELLE_LOG_UPLOAD_SECONDS": "1",
                "LIBELLE_VERDICT_URI": f"{BUCKET}/libelle/verdict.json",
                "LIBELLE_TEXT_POLICY": "full",
                "LIBELLE_AUTH": "none",
            }
            yield Places(variables, files, folder)


@pytest.fixture(scope="module")
def model(places):
    """Train on texts that are on S3, and return what the command says."""
    write_demo(places.folder / "demo.csv", n_texts=1500, seed=0)
    places.files.put(str(places.folder / "demo.csv"), "bucket/data/demo.csv")
    command = ("train", f"{BUCKET}/data/demo.csv", "--text=text", "--code=code", "--model=demo")
    done = places.run(*command, *QUICK, "--json", name="trainer")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask(port, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request("POST" if body else "GET", path, body and json.dumps(body), headers)
    response = connection.getresponse()
    content = response.read().decode()
    connection.close()
    return content


def ask_until(port, path, pattern):
    """Return the match of a pattern in a page that is still being made."""
    until = time.monotonic() + 60
    while (found := re.search(pattern, shown := ask(port, path))) is None:
        assert time.monotonic() < until, shown
        time.sleep(0.3)
    return found


@pytest.fixture(scope="module")
def answered(places, model):
    """Serve the champion to a batch, from an empty folder, until the service is stopped."""
    port = free_port()
    with (places.folder / "demo.csv").open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)][:N_TEXTS]
    command = ("serve", "--model", "models:/demo@champion", "--port", str(port))
    with places.serving("service", *command, port=port):
        ask_until(port, "/health/ready", '"ready"')
        items = [{"id": str(n), "text": text} for n, text in enumerate(texts)]
        return json.loads(ask(port, "/v1/predict/batch", {"items": items}))


def test_the_artifacts_are_on_s3_and_the_service_serves_that_digest(places, model, answered):
    names = places.files.find("bucket/mlflow")
    assert any(name.endswith("predictor/manifest.json") for name in names)
    assert answered["model"]["digest"] == model["digest"]
    assert len(answered["results"]) == N_TEXTS


def test_each_answer_is_in_the_log_on_s3_once_the_service_is_stopped(places, answered):
    from libelle.monitoring.prediction_log.reading import read_log
    from libelle.settings import Settings

    settings = Settings(
        _env_file=None,
        aws_endpoint_url=places.variables["AWS_ENDPOINT_URL"],
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    rows = read_log(f"{BUCKET}/libelle/log", options=settings.storage_options()).table.to_pylist()
    given = {one["prediction"]["prediction_id"] for one in answered["results"]}
    assert {row["prediction_id"] for row in rows} == given
    assert len(rows) == N_TEXTS


def test_drift_is_studied_and_published_there(places, answered):
    report = f"{BUCKET}/libelle/reports/drift.html"
    done = places.run("drift", "--publish", "--report", report)
    assert done.returncode == 0, done.stderr
    assert b"<html" in places.files.cat("bucket/libelle/reports/drift.html")
    published = json.loads(places.files.cat("bucket/libelle/verdict.drift.json"))
    assert published["model_digest"] == answered["model"]["digest"]


def test_the_dashboard_reads_it_from_there(places, answered):
    port = free_port()
    with places.serving("dashboard", "dashboard", "--port", str(port), port=port):
        shown = ask_until(port, "/today?lang=en", rf">{N_TEXTS}</b>")
        assert shown
        page = ask(port, "/models?lang=en")
        assert answered["model"]["digest"][:12] in page
