"""What the tests of tracking share: a store that MLflow made once, and copies of it."""

import shutil
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from libelle.tracking.client import connect
from libelle.tracking.record import RunRecord
from libelle.tracking.runs import default_tracking_uri
from tests.tracking.models import make_predictor, tell_a_training


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """A SQLite file with its tables: MLflow takes seconds to make them."""
    home = tmp_path_factory.mktemp("empty")
    connect(default_tracking_uri(home)).search_experiments()
    return home / "mlflow.db"


@pytest.fixture
def home(tmp_path, empty_store) -> Path:
    """A home with accents and a blank in its path, and an empty store."""
    home = tmp_path / "là où on garde"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    return home


@pytest.fixture
def tracking_uri(home) -> str:
    return default_tracking_uri(home)


@pytest.fixture
def client(tracking_uri):
    return connect(tracking_uri)


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> list[Path]:
    """Three saved predictors that differ."""
    root = tmp_path_factory.mktemp("predictors")
    return [make_predictor(accuracy=n / 10).save(root / str(n)) for n in (7, 8, 9)]


@pytest.fixture
def record(home, folders) -> RunRecord:
    """A finished run with three trials and a model."""
    record = RunRecord.create(home, "demo")
    tell_a_training(record, model=folders[0])
    return record


@pytest.fixture
def refusing_uri():
    """The address of a server that wants a password."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(401)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *arguments):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
