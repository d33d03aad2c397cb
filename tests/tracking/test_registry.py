"""What the registry promises: a model is registered once, and what is fetched is what was."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from libelle.errors import ModelError, TrackingError
from libelle.predictor import Predictor
from libelle.tracking.client import connect
from libelle.tracking.registry import (
    cached_model,
    fetch_model,
    list_models,
    register_model,
    show_model,
)


@pytest.fixture
def registered(folders, tracking_uri):
    """Two versions of `demo`."""
    return [
        register_model(folder, name="demo", tracking_uri=tracking_uri) for folder in folders[:2]
    ]


@pytest.fixture
def destination(tmp_path):
    return tmp_path / "modèles"


def artifacts_of(client, version="1"):
    uri = client.get_model_version_download_uri("demo", version)
    from mlflow.artifacts import download_artifacts

    return Path(download_artifacts(uri))


def test_the_first_version_is_champion_and_later_ones_challenger(registered, folders, tracking_uri):
    register_model(folders[2], name="demo", tracking_uri=tracking_uri)
    model = show_model("demo", tracking_uri=tracking_uri)
    assert [(one.version, one.aliases, one.first) for one in model.versions] == [
        ("3", ("challenger",), False),
        ("2", (), False),
        ("1", ("champion",), True),
    ]
    assert [(one.version, one.alias) for one in registered] == [
        ("1", "champion"),
        ("2", "challenger"),
    ]


def test_a_digest_registered_again_keeps_its_version(registered, folders, tracking_uri):
    again = register_model(folders[0], name="demo", tracking_uri=tracking_uri)
    assert again == registered[0]
    assert len(show_model("demo", tracking_uri=tracking_uri).versions) == 2


def test_an_old_challenger_registered_again_takes_no_alias(registered, folders, tracking_uri):
    register_model(folders[2], name="demo", tracking_uri=tracking_uri)
    again = register_model(folders[1], name="demo", tracking_uri=tracking_uri)
    assert (again.version, again.alias) == ("2", None)
    assert show_model("demo", tracking_uri=tracking_uri).versions[0].aliases == ("challenger",)


def test_killed_before_the_alias_the_first_version_still_becomes_champion(
    registered, folders, tracking_uri, client
):
    client.delete_registered_model_alias("demo", "champion")
    again = register_model(folders[0], name="demo", tracking_uri=tracking_uri)
    assert (again.version, again.alias) == ("1", "champion")


def test_a_version_says_what_it_is(registered, folders, tracking_uri):
    version = show_model("models:/demo@champion", tracking_uri=tracking_uri).versions[0]
    assert version.digest == registered[0].digest == Predictor.load(folders[0]).digest
    assert version.metrics == {"test_accuracy": 0.7, "test_macro_f1": 0.8, "test_log_loss": 0.4}
    assert version.created_at.endswith("+00:00")
    assert "accuracy 0.700" in version.line()


def test_a_model_of_a_record_comes_from_its_run(record, tracking_uri, client):
    register_model(record, name="demo", tracking_uri=tracking_uri)
    run_id = show_model("demo", tracking_uri=tracking_uri).versions[0].run_id
    assert client.get_run(run_id).data.tags["libelle.record"] == record.run_name


def test_what_is_fetched_is_what_was_registered(registered, tracking_uri, destination):
    fetched = fetch_model(
        "models:/demo@champion", tracking_uri=tracking_uri, destination=destination
    )
    assert (fetched.version, fetched.alias) == ("1", "champion")
    assert Predictor.load(fetched.path).digest == fetched.digest == registered[0].digest
    other = fetch_model("models:/demo/2", tracking_uri=tracking_uri, destination=destination)
    assert Predictor.load(other.path).digest == registered[1].digest


def test_a_model_already_there_is_not_copied_again(registered, tracking_uri, destination):
    options = {"tracking_uri": tracking_uri, "destination": destination}
    first = fetch_model("models:/demo/1", **options)
    before = (first.path / "manifest.json").stat()
    assert fetch_model("models:/demo@champion", **options).path == first.path
    assert (first.path / "manifest.json").stat().st_ino == before.st_ino


def test_a_damaged_copy_is_replaced(registered, tracking_uri, destination):
    options = {"tracking_uri": tracking_uri, "destination": destination}
    folder = fetch_model("models:/demo/1", **options).path
    (folder / "word_idf.npy").write_bytes(b"damaged")
    assert Predictor.load(fetch_model("models:/demo/1", **options).path).codes


def test_a_model_changed_in_the_registry_is_refused(registered, tracking_uri, client, destination):
    with (artifacts_of(client) / "predictor" / "manifest.json").open("a") as file:
        file.write(" ")
    with pytest.raises(TrackingError, match="is not the model that was registered"):
        fetch_model("models:/demo/1", tracking_uri=tracking_uri, destination=destination)
    assert not list(destination.rglob("manifest.json"))


@pytest.mark.parametrize("name", ["predictor/model.pkl", "model.pkl"])
def test_a_model_of_another_tool_is_refused(tracking_uri, client, destination, tmp_path, name):
    file = tmp_path / "other" / name
    file.parent.mkdir(parents=True)
    file.touch()
    client.create_registered_model("demo")
    client.create_model_version("demo", (tmp_path / "other").as_uri())
    with pytest.raises(TrackingError, match=r"holds no predictor/manifest\.json"):
        fetch_model("models:/demo/1", tracking_uri=tracking_uri, destination=destination)


def test_a_download_that_grows_is_not_given_up(registered, tracking_uri, destination, monkeypatch):
    import mlflow.artifacts

    download = mlflow.artifacts.download_artifacts

    def download_slowly(address, *, dst_path, tracking_uri):
        for n_bytes in range(8):
            (Path(dst_path) / "part").write_bytes(b" " * n_bytes)
            time.sleep(0.15)
        return download(address, dst_path=f"{dst_path}/done", tracking_uri=tracking_uri)

    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", download_slowly)
    options = {"tracking_uri": tracking_uri, "destination": destination}
    assert fetch_model("models:/demo/1", deadline_seconds=0.6, **options).version == "1"


def test_a_server_finds_its_last_copy_without_the_registry(registered, tracking_uri, destination):
    uri = "models:/demo@champion"
    assert cached_model(uri, destination=destination) is None
    fetched = fetch_model(uri, tracking_uri=tracking_uri, destination=destination)
    assert cached_model(uri, destination=destination) == fetched
    (fetched.path / "word_idf.npy").unlink()
    assert cached_model(uri, destination=destination) is None


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("demo", "is not the address of a model"),
        ("models:/demo", "is not the address of a model"),
        ("models:/demo/../3", "is not the address of a model"),
        ("models:/../3", "is not the address of a model"),
        ("models:/other@champion", "No model is called 'other'. Registered models: demo"),
        ("models:/demo@best", "no alias 'best'. Its aliases: challenger, champion"),
        ("models:/demo/7", "no version 7. Its versions: 1, 2"),
    ],
)
def test_what_does_not_exist_is_answered_by_what_does(
    registered, tracking_uri, destination, uri, complaint
):
    with pytest.raises(TrackingError) as caught:
        fetch_model(uri, tracking_uri=tracking_uri, destination=destination)
    assert complaint in str(caught.value)


def test_a_store_never_made_is_not_made_by_looking_at_it(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert list_models(tracking_uri=uri) == []
    with pytest.raises(TrackingError, match=r"mlflow\.db does not exist"):
        fetch_model("models:/demo@champion", tracking_uri=uri, destination=tmp_path / "models")
    assert not list(tmp_path.iterdir())


def test_a_registry_that_is_silent_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(TrackingError, match=r"no answer within 0\.5 seconds"):
            fetch_model(
                "models:/demo/1", tracking_uri=uri, destination=tmp_path, deadline_seconds=0.5
            )
        assert time.monotonic() - began < 2


def test_a_registry_that_refuses_connections_is_told_at_once(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(TrackingError, match="nobody answers there"):
        fetch_model("models:/demo/1", tracking_uri=uri, destination=tmp_path)


def test_without_sqlalchemy_a_database_is_refused_in_clear_words(tracking_uri, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(TrackingError, match="mlflow-skinny cannot read"):
        list_models(tracking_uri=tracking_uri)


def test_a_folder_without_a_model_is_not_registered(tmp_path, tracking_uri):
    with pytest.raises(ModelError, match="holds no model"):
        register_model(tmp_path, name="demo", tracking_uri=tracking_uri)


def test_mlflow_loads_it_with_pickle_forbidden(registered, tracking_uri, client, monkeypatch):
    import mlflow
    import pandas as pd

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    model = mlflow.pyfunc.load_model(str(artifacts_of(client)))
    answers = model.predict(pd.DataFrame({"text": ["nid de poule"]}), params={"top_k": 2})
    assert answers["top_code"].tolist() == ["0101"]
    assert len(answers["candidates"][0]) == 2
    assert model.metadata.get_input_schema().input_names() == ["text"]


def test_the_registered_artifact_holds_no_code(registered, client):
    suffixes = {path.suffix for path in artifacts_of(client).rglob("*") if path.is_file()}
    assert suffixes <= {"", ".json", ".npy", ".txt", ".sha256", ".yaml"}


def test_importing_tracking_imports_no_mlflow():
    program = "import sys, libelle.tracking.runs, libelle.tracking.registry; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert not {"mlflow", "pandas", "sklearn", "sqlalchemy"} & set(modules)


@pytest.fixture
def served(tmp_path):
    """A function that starts a command of MLflow on a free port, and gives its address."""
    started = []

    def serve(*arguments, ready, **environment):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": scripts}
        command = [sys.executable, "-m", "mlflow", *arguments, "--host", "127.0.0.1"]
        with (tmp_path / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--port", str(port)],
                env={**os.environ, **quiet, **environment},
                cwd=tmp_path,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        uri = f"http://127.0.0.1:{port}"
        _wait_for(f"{uri}/{ready}", process, tmp_path / "server.log")
        return uri

    serve.started = started
    yield serve
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(address, process, log, seconds=60):
    import requests

    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(address, timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    pytest.fail(log.read_text())


@pytest.mark.long
def test_a_real_server_takes_runs_and_gives_models_then_hangs(
    served, record, empty_store, tmp_path, destination
):
    shutil.copy(empty_store, tmp_path / "server.db")
    uri = served(
        "server",
        "--backend-store-uri",
        f"sqlite:///{tmp_path}/server.db",
        "--artifacts-destination",
        str(tmp_path / "served"),
        "--workers",
        "1",
        ready="health",
    )
    version = register_model(record, name="demo", tracking_uri=uri)
    assert version == register_model(record, name="demo", tracking_uri=uri)
    fetched = fetch_model("models:/demo@champion", tracking_uri=uri, destination=destination)
    assert Predictor.load(fetched.path).digest == version.digest
    run_id = show_model("demo", tracking_uri=uri).versions[0].run_id
    assert connect(uri).get_run(run_id).info.status == "FINISHED"
    os.killpg(served.started[0].pid, signal.SIGSTOP)
    with pytest.raises(TrackingError, match="no answer within 1 seconds"):
        fetch_model("models:/demo/1", tracking_uri=uri, destination=destination, deadline_seconds=1)


@pytest.mark.long
def test_mlflow_serves_it(served, registered, client):
    uri = served(
        "models",
        "serve",
        "--model-uri",
        str(artifacts_of(client)),
        "--env-manager",
        "local",
        ready="ping",
        MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false",
    )
    import requests

    body = {"dataframe_records": [{"text": "nid de poule"}], "params": {"top_k": 1}}
    [answer] = requests.post(f"{uri}/invocations", json=body, timeout=30).json()["predictions"]
    assert answer["top_code"] == "0101"
    assert (answer["code"], answer["decision"]) == (None, "review")
