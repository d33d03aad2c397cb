"""A service that follows an alias: another model under load, a bad one, a registry that is down."""

import json
import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from libelle.tracking.registry import fetch_model
from libelle.tracking.runs import default_tracking_uri
from tests.api.test_faults import Load, children_of, memory_bytes
from tests.api.test_metrics_served import scrape_until
from tests.api.test_serve import call, serving
from tests.exposition import total
from tests.servers import free_port, mlflow

ALIAS = "models:/demo@champion"


@pytest.fixture
def home(registry):
    """The same, its first model champion and nothing downloaded yet."""
    shutil.rmtree(registry / "models", ignore_errors=True)
    move_champion(registry, 1)
    return registry


def move_champion(home, version):
    from mlflow import MlflowClient

    uri = default_tracking_uri(home)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.set_registered_model_alias("demo", "champion", str(version))


def wait_for(found, *, seconds=30):
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def version_of(port):
    return call(port, "GET", "/v1/model")[2]["version"]


def following(home, tmp_path, **changes):
    variables = {"LIBELLE_HOME": str(home), "LIBELLE_FOLLOW_SECONDS": "1"} | changes
    return serving(ALIAS, tmp_path, workers=2, **variables)


def test_fault_36_the_alias_moves_under_load_and_no_request_is_lost(home, tmp_path, request):
    rounds, memory = 20 if request.config.getoption("--long") else 2, []
    with following(home, tmp_path) as (port, process, log), Load(port) as load:
        for number in range(rounds):
            version = 2 - number % 2
            move_champion(home, version)
            wait_for(lambda wanted=str(version): version_of(port) == wanted)
            # Two workers and what watches: those of the model before have left.
            wait_for(lambda: len(children_of(process.pid)) == 3)
            memory.append(memory_bytes(process.pid))
        reload = call(port, "GET", "/health/ready")[2]["reload"]
    assert (set(load.statuses), load.errors) == ({200}, [])
    assert len(set(load.digests)) == 2
    assert max(memory) < 1.3 * memory[0]
    assert reload["n_reloads"] == rounds
    assert "Traceback" not in log.read_text()


@pytest.mark.long
def test_fault_13_a_registry_that_goes_down_leaves_the_model_that_is_served(home, tmp_path):
    metrics = free_port()
    with mlflow(default_tracking_uri(home)) as (address, server):
        changes = {"MLFLOW_TRACKING_URI": address, "LIBELLE_METRICS_PORT": str(metrics)}
        with following(tmp_path, tmp_path, **changes) as (port, _, log), Load(port) as load:
            os.killpg(server.pid, signal.SIGKILL)
            scrape_until(metrics, lambda found: total(found, "libelle_failed_reloads_total") > 0)
            status, _, ready = call(port, "GET", "/health/ready")
            assert (status, ready["reload"]["failure"]) == (200, "unreachable")
            assert version_of(port) == "1"
    assert (set(load.statuses), load.errors) == ({200}, [])
    assert "Traceback" not in log.read_text()


def test_fault_14_a_model_that_is_refused_leaves_the_one_before(home, tmp_path):
    files = home.glob("mlruns/**/predictor/coefficients.npy")
    damaged = max(files, key=lambda path: path.stat().st_mtime_ns)
    sound = damaged.read_bytes()
    with following(home, tmp_path) as (port, _, log):
        damaged.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
        move_champion(home, 2)
        wait_for(lambda: call(port, "GET", "/health/ready")[2]["reload"]["n_failures"] > 0)
        ready = call(port, "GET", "/health/ready")
        assert (ready[0], version_of(port)) == (200, "1")
        assert ready[2]["reload"]["failure"] == "refused"
        assert str(home) not in json.dumps(ready[2])
        assert call(port, "POST", "/v1/predict", {"text": "a"})[0] == 200
        damaged.write_bytes(sound)
    assert "SHA-256 differs" in log.read_text()


@pytest.mark.parametrize(
    "silent",
    [pytest.param(False, id="closed"), pytest.param(True, id="silent", marks=pytest.mark.long)],
)
def test_fault_12_without_registry_nor_copy_the_service_lives_and_is_not_ready(tmp_path, silent):
    with socket.create_server(("127.0.0.1", 0)) as listener:  # It takes, and never answers.
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if not silent:
            listener.close()
        lives_and_is_not_ready(address, tmp_path)


def lives_and_is_not_ready(address, tmp_path):
    variables = {"MLFLOW_TRACKING_URI": address, "LIBELLE_HOME": str(tmp_path)}
    with serving(ALIAS, tmp_path, until="live", **variables) as (port, process, _):
        wait_for(lambda: call(port, "GET", "/health/ready")[0] == 503)
        assert call(port, "POST", "/v1/predict", {"text": "a"})[0] == 503
        time.sleep(1)
        assert process.poll() is None


def test_fault_12_without_registry_the_last_model_that_it_gave_is_served(home, tmp_path):
    uri, destination = default_tracking_uri(home), home / "models"
    fetch_model(ALIAS, tracking_uri=uri, destination=destination)
    address = f"http://127.0.0.1:{free_port()}"
    variables = {"MLFLOW_TRACKING_URI": address, "LIBELLE_HOME": str(home)}
    with serving(ALIAS, tmp_path, **variables) as (port, _, _log):
        assert version_of(port) == "1"
        assert call(port, "GET", "/health/ready")[2]["reload"]["from_cache"]


def test_a_pinned_digest_is_not_followed_elsewhere(home, tmp_path):
    uri = default_tracking_uri(home)
    digest = fetch_model(ALIAS, tracking_uri=uri, destination=tmp_path / "m").digest
    with following(home, tmp_path, LIBELLE_MODEL_DIGEST=digest) as (port, _, log):
        move_champion(home, 2)
        time.sleep(3)
        assert version_of(port) == "1"
    assert "LIBELLE_MODEL_DIGEST" not in log.read_text()


def test_an_alias_that_does_not_exist_is_one_line(home, tmp_path):
    log = fails(f"{ALIAS}s", home, tmp_path)
    assert log.splitlines()[-1].startswith("Error:")
    assert "has no alias 'champions'" in log


def test_a_damaged_folder_is_one_line(home, tmp_path):
    damaged = shutil.copytree(home.parent / "model-1", tmp_path / "damaged")
    next(Path(damaged).glob("*.npy")).write_bytes(b"")
    assert "SHA-256 differs" in fails(damaged, home, tmp_path)


def fails(model, home, tmp_path) -> str:
    """Return what a service says that cannot start."""
    starts = serving(model, tmp_path, LIBELLE_HOME=str(home))
    with pytest.raises(pytest.fail.Exception, match=r"did not become ready \(exit 1"), starts:
        pass
    log = (tmp_path / "serve.log").read_text()
    assert "Traceback" not in log
    return log


PINNED = {"LIBELLE_MODEL_DIGEST": "0" * 64}


@pytest.mark.parametrize("uri", ["models:/demo/1", "folder"])
def test_another_model_than_the_pinned_one_is_never_ready_and_the_reason_shows(home, tmp_path, uri):
    model = home.parent / "model-1" if uri == "folder" else uri
    variables = {"LIBELLE_HOME": str(home), **PINNED}
    with serving(model, tmp_path, until="live", **variables) as (port, process, log):
        wait_for(lambda: "digest" in call(port, "GET", "/health/ready")[2]["detail"])
        status, _, ready = call(port, "GET", "/health/ready")
        assert call(port, "POST", "/v1/predict", {"text": "a"})[0] == 503
        time.sleep(1)
        assert (status, call(port, "GET", "/health/live")[0], process.poll()) == (503, 200, None)
    assert "000000000000 is pinned by LIBELLE_MODEL_DIGEST" in ready["detail"]
    assert str(home) not in json.dumps(ready)
    assert "it is another model, which is not served" in log.read_text()


def test_a_pinned_version_that_does_not_exist_yet_is_waited_for(home, tmp_path):
    variables = {"LIBELLE_HOME": str(home), "LIBELLE_FOLLOW_SECONDS": "1", **PINNED}
    with serving("models:/demo/99", tmp_path, until="live", **variables) as (port, process, _):
        wait_for(lambda: "it was refused" in call(port, "GET", "/health/ready")[2]["detail"])
        assert process.poll() is None
