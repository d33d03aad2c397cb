"""Live is not ready."""

import threading
import time

from api.schemas import Liveness, Readiness


def test_a_service_with_its_model_is_live_and_ready(client, model):
    assert Liveness.model_validate_json(client.get("/health/live").content).status == "live"
    ready = Readiness.model_validate_json(client.get("/health/ready").content)
    assert (ready.status, ready.model.digest) == ("ready", model.predictor.digest)


def test_a_service_is_live_while_it_loads_its_model(make_client, model):
    loaded = threading.Event()

    def load():
        loaded.wait(10)
        return model

    client = make_client(load)
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 503
    loaded.set()
    deadline = time.monotonic() + 10
    while client.get("/health/ready").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert client.predict("Crèche")["candidates"]
