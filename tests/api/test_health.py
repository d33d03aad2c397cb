"""Live is not ready."""

from api.schemas import Liveness, Readiness
from api.server.board import Board, Notice


def test_a_service_with_its_model_is_live_and_ready(client, model):
    assert Liveness.model_validate_json(client.get("/health/live").content).status == "live"
    ready = Readiness.model_validate_json(client.get("/health/ready").content)
    assert (ready.status, ready.model.digest) == ("ready", model.predictor.digest)


def test_a_service_without_a_model_is_live_and_not_ready(make_client):
    client = make_client(None)
    assert client.get("/health/live").status_code == 200
    for response in (client.get("/health/ready"), client.post("/v1/predict", json={"text": "a"})):
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert response.json()["type"] == "urn:libelle:problem:not-ready"


def test_a_service_that_stops_answers_and_is_not_ready(make_client):
    client = make_client()
    client.service.drain()
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200
    answered = client.post("/v1/predict", json={"text": "Crèche"})
    assert (answered.status_code, answered.headers["Connection"]) == (200, "close")


def test_a_failed_reload_shows_and_leaves_the_service_ready(make_client):
    board = Board(Notice())
    client = make_client(board=board)
    board.write(Notice(n_failed_reloads=2, failure="refused", failed_at="2026-11-26T10:00:00Z"))
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["reload"] == {
        "n_reloads": 0,
        "n_failures": 2,
        "failure": "refused",
        "failed_at": "2026-11-26T10:00:00Z",
        "from_cache": False,
    }
