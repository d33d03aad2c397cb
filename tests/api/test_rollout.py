"""Replicas behind an ingress, under load: one ends, all are restarted, all take another model."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from libelle.monitoring.prediction_log.backlog import writer_folders
from libelle.monitoring.prediction_log.reading import read_log
from libelle.predictor import Predictor
from libelle.tracking.runs import default_tracking_uri
from tests.api.ingress import Ingress, needs_haproxy, running_ingress
from tests.api.test_faults import TEXT, Load
from tests.api.test_logged import logging_to
from tests.api.test_serve import call, serving
from tests.servers import ServiceProcess

pytestmark = needs_haproxy

N_REPLICAS, N_CLIENTS = 2, 4
# The ingress looks ten times a second: it has left a replica long before this is over.
DRAIN_SECONDS = 1.0
MOMENT_SECONDS = 0.5


@dataclass(frozen=True)
class Replica:
    """A service that runs as in a pod: in a folder of its own, its spool there."""

    port: int
    process: ServiceProcess
    log: Path

    @property
    def folder(self) -> Path:
        return self.log.parent

    @property
    def name(self) -> str:
        return self.folder.name


class Deployment:
    """Replicas of one service, their log, and the ingress in front of them."""

    def __init__(self, folder, ingress: Ingress, stack: ExitStack):
        self.ingress, self._folder, self._stack = ingress, folder, stack
        self._n_started, self._replicas = 0, []

    def start(self, model, **variables):
        """Start a replica; requests come to it once it is ready."""
        self._n_started += 1
        folder = self._folder / f"replica-{self._n_started}"
        folder.mkdir()
        usual = logging_to(
            folder,
            LIBELLE_HOME=str(folder),
            LIBELLE_LOG_URI=str(self._folder / "log"),
            LIBELLE_DRAIN_SECONDS=str(DRAIN_SECONDS),
        )
        replica = Replica(*self._stack.enter_context(serving(model, folder, **usual | variables)))
        self.ingress.add(replica.name, replica.port)
        self._replicas.append(replica)

    def stop_oldest(self):
        """End a replica, which says at once that it is not ready: the ingress leaves it."""
        replica = self._replicas.pop(0)
        replica.process.terminate()
        began = time.monotonic()
        while call(replica.port, "GET", "/health/ready")[0] != 503:
            assert time.monotonic() - began < DRAIN_SECONDS / 2
        assert call(replica.port, "GET", "/health/live")[0] == 200
        self.ingress.wait_until_left(replica.name)
        assert replica.process.poll() is None
        assert replica.process.wait_for_end() == 0
        assert "Traceback" not in replica.log.read_text()
        assert writer_folders(replica.folder / "spool") == []

    def roll(self, model, **variables):
        """Replace every replica: a new one first, then one less."""
        for _ in range(N_REPLICAS):
            self.start(model, **variables)
            self.stop_oldest()

    def logged_ids(self):
        return read_log(str(self._folder / "log")).table["prediction_id"].to_pylist()


@pytest.fixture
def deployment(tmp_path):
    with ExitStack() as stack:
        ingress = stack.enter_context(running_ingress(tmp_path))
        yield Deployment(tmp_path, ingress, stack)


def deploy(deployment, model, **variables):
    for _ in range(N_REPLICAS):
        deployment.start(model, **variables)
    return Load(deployment.ingress.port, n_clients=N_CLIENTS)


def assert_nothing_was_lost(load):
    assert (set(load.statuses), load.errors) == ({200}, [])
    assert load.statuses[200] > 100


def test_fault_3_a_replica_that_ends_under_load_loses_no_request_and_no_row(
    deployment, model_folder
):
    with deploy(deployment, model_folder) as load:
        time.sleep(MOMENT_SECONDS)
        deployment.stop_oldest()
        n_before = len(load.answers)
        time.sleep(MOMENT_SECONDS)
        assert len(load.answers) > n_before
    deployment.stop_oldest()
    assert_nothing_was_lost(load)
    assert sorted(deployment.logged_ids()) == sorted(load.prediction_ids)


def test_fault_5_replicas_restarted_one_by_one_lose_no_request(deployment, model_folder, request):
    n_rounds = 4 if request.config.getoption("--long") else 1
    pinned = {"LIBELLE_MODEL_DIGEST": Predictor.load(model_folder).digest}
    with deploy(deployment, model_folder, **pinned) as load:
        for _ in range(n_rounds):
            deployment.roll(model_folder, **pinned)
    assert_nothing_was_lost(load)
    assert set(load.digests) == set(pinned.values())


def test_fault_5_from_one_model_to_another_no_request_is_lost_and_each_says_which_answered(
    deployment, registry, request
):
    n_rounds = 4 if request.config.getoption("--long") else 1
    models = [Predictor.load(registry.parent / f"model-{version}") for version in (1, 2)]

    def pinned(version):
        return {
            "model": f"models:/demo/{version}",
            "LIBELLE_MODEL_DIGEST": models[version - 1].digest,
            "MLFLOW_TRACKING_URI": default_tracking_uri(registry),
        }

    with deploy(deployment, **pinned(1)) as load:
        assert versions_now(load) == {"1"}
        for number in range(n_rounds):
            version = 2 - number % 2
            deployment.roll(**pinned(version))
            assert versions_now(load) == {str(version)}
    assert_nothing_was_lost(load)
    assert {told(answer) for answer in load.answers} == {
        (str(version), model.digest, model.predict([TEXT])[0].confidence)
        for version, model in enumerate(models, start=1)
    }


def versions_now(load):
    """Return the versions that answer from now on, during a moment."""
    time.sleep(MOMENT_SECONDS)  # What was asked before has been answered.
    n_before = len(load.answers)
    time.sleep(MOMENT_SECONDS)
    return {answer["model"]["version"] for answer in load.answers[n_before:]}


def told(answer):
    return answer["model"]["version"], answer["model"]["digest"], answer["confidence"]
