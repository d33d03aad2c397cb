"""What the settings promise: typed, described, secret where they must be."""

import os
from pathlib import Path

import pytest

from libelle.errors import UsageError
from libelle.settings import Settings, example_environment, read_settings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for variable in ("MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL", "AWS_S3_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)


def test_the_example_is_that_of_the_settings():
    assert (ROOT / ".env.example").read_text() == example_environment()


def test_every_variable_has_its_sentence():
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith(".")


def test_the_example_itself_can_be_read(tmp_path):
    lines = example_environment().splitlines()
    (tmp_path / ".env").write_text(
        "\n".join(line.removeprefix("#") for line in lines if "=" in line)
    )
    assert read_settings() == read_settings(_env_file=None)


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("LIBELLE_PORT=8001\nLIBELLE_HOST=0.0.0.0\n")
    monkeypatch.setenv("LIBELLE_PORT", "8002")
    settings = read_settings()
    assert (settings.host, settings.port) == ("0.0.0.0", 8002)


@pytest.mark.parametrize("value", ["http", "0", "70000", "tcp://10.0.0.1:8000"])
def test_a_wrong_port_is_named_and_not_repeated(monkeypatch, value):
    monkeypatch.setenv("LIBELLE_PORT", value)
    with pytest.raises(UsageError, match="LIBELLE_PORT") as raised:
        read_settings()
    assert "10.0.0.1" not in str(raised.value)


def test_the_port_that_kubernetes_injects_is_explained(monkeypatch):
    monkeypatch.setenv("LIBELLE_PORT", "tcp://10.0.0.1:8000")
    with pytest.raises(UsageError, match="enableServiceLinks"):
        read_settings()


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("LIBELLE_LOG_KEY", "planted-secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
    settings = read_settings()
    assert "planted-secret" not in repr(settings) + str(settings.model_dump())
    assert "planted-secret" not in repr(settings.storage_options())
    assert settings.storage_options().secret_access_key == "planted-secret"


def test_a_secret_may_stand_in_a_file(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("planted-secret\n")
    monkeypatch.setenv("LIBELLE_LOG_KEY_FILE", str(tmp_path / "key"))
    assert read_settings().log_key_bytes() == b"planted-secret"
    monkeypatch.setenv("LIBELLE_LOG_KEY_FILE", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="LIBELLE_LOG_KEY_FILE"):
        read_settings().log_key_bytes()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_S3_ENDPOINT", "minio.example.org"), ("AWS_ENDPOINT_URL", "https://minio.example.org")],
)
def test_both_names_of_the_s3_server_are_read(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    assert read_settings().storage_options().endpoint_url == value


@pytest.fixture
def environment(monkeypatch):
    """An environment of its own, without any setting of S3 or MLflow."""
    kept = {name: value for name, value in os.environ.items() if "AWS" not in name}
    kept = {name: value for name, value in kept.items() if "MLFLOW" not in name}
    monkeypatch.setattr(os, "environ", kept)
    return kept


def test_mlflow_gets_what_only_the_file_says(tmp_path, environment):
    (tmp_path / ".env").write_text(
        "AWS_S3_ENDPOINT=minio.example.org\nAWS_ACCESS_KEY_ID=key\nAWS_SECRET_ACCESS_KEY=planted\n"
        "AWS_SESSION_TOKEN=token\nAWS_DEFAULT_REGION=eu-west-3\nMLFLOW_TRACKING_TOKEN=bearer\n"
        "MLFLOW_TRACKING_USERNAME=me\nMLFLOW_TRACKING_PASSWORD=word\n"
    )
    read_settings().share_with_mlflow()
    assert environment["MLFLOW_S3_ENDPOINT_URL"] == "https://minio.example.org"
    assert environment["AWS_SECRET_ACCESS_KEY"] == "planted"
    assert environment["AWS_SESSION_TOKEN"] == "token"
    assert environment["AWS_DEFAULT_REGION"] == "eu-west-3"
    assert environment["MLFLOW_TRACKING_TOKEN"] == "bearer"
    assert environment["MLFLOW_TRACKING_PASSWORD"] == "word"


def test_what_the_environment_tells_mlflow_is_not_changed(environment):
    told = {"MLFLOW_S3_ENDPOINT_URL": "https://other.example.org", "AWS_ACCESS_KEY_ID": "key"}
    environment.update(told, AWS_S3_ENDPOINT="http://minio.example.org")
    read_settings().share_with_mlflow()
    assert told.items() <= environment.items()


def test_without_s3_mlflow_is_told_nothing(environment):
    before = dict(environment)
    read_settings().share_with_mlflow()
    assert environment == before
