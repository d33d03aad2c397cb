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


@pytest.mark.parametrize("value", ["http", "0", "70000", "http://10.0.0.1:8000"])
def test_a_wrong_port_is_named_and_not_repeated(monkeypatch, value):
    monkeypatch.setenv("LIBELLE_PORT", value)
    with pytest.raises(UsageError, match="LIBELLE_PORT") as raised:
        read_settings()
    assert "10.0.0.1" not in str(raised.value)


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


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("LIBELLE_PROT", "LIBELLE_PORT"), ("LIBELLE_MAX_BATCH_TEXT", "LIBELLE_MAX_BATCH_TEXTS")],
)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_name_that_no_setting_has_is_refused_with_the_nearest(
    monkeypatch, tmp_path, name, nearest, place
):
    if place == ".env":
        (tmp_path / ".env").write_text(f"{name}=planted\n")
    else:
        monkeypatch.setenv(name, "planted")
    with pytest.raises(UsageError) as raised:
        read_settings()
    said = f"Settings: {name} is no setting (did you mean {nearest}?). See .env.example."
    assert str(raised.value) == said
    assert "planted" not in str(raised.value)


INJECTED = {
    "LIBELLE_SERVICE_HOST": "10.0.0.1",
    "LIBELLE_SERVICE_PORT": "8000",
    "LIBELLE_SERVICE_PORT_HTTP": "8000",
    "LIBELLE_PORT": "tcp://10.0.0.1:8000",
    "LIBELLE_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "LIBELLE_PORT_8000_TCP_PROTO": "tcp",
    "LIBELLE_PORT_8000_TCP_PORT": "8000",
    "LIBELLE_PORT_8000_TCP_ADDR": "10.0.0.1",
    "LIBELLE_PORT_53_UDP": "udp://10.0.0.1:53",
    "LIBELLE_CHALLENGER_SERVICE_HOST": "10.0.0.1",
    "LIBELLE_CHALLENGER_PORT": "tcp://10.0.0.1:8000",
}


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_what_kubernetes_injects_changes_nothing(monkeypatch, tmp_path, place):
    expected = read_settings()
    if place == ".env":
        (tmp_path / ".env").write_text("".join(f"{n}={v}\n" for n, v in INJECTED.items()))
    else:
        for name, value in INJECTED.items():
            monkeypatch.setenv(name, value)
    assert read_settings() == expected


def test_the_port_that_kubernetes_injects_does_not_hide_the_one_of_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("LIBELLE_PORT=8001\n")
    monkeypatch.setenv("LIBELLE_PORT", "tcp://10.0.0.1:8000")
    assert read_settings().port == 8001


@pytest.mark.parametrize("name", ["LIBELLE_OTHER_PORT", "LIBELLE_SERVICE_HOSTS"])
def test_what_only_looks_injected_is_refused(monkeypatch, name):
    monkeypatch.setenv(name, "8000")
    with pytest.raises(UsageError, match=f"{name} is no setting"):
        read_settings()


@pytest.mark.parametrize("name", ["LIBELLE_LOG_KEY", "LIBELLE_API_KEYS"])
def test_two_values_for_one_secret_are_refused(monkeypatch, tmp_path, name):
    monkeypatch.setenv(name, "planted-secret")
    (tmp_path / ".env").write_text(f"{name}_FILE=/run/secrets/key\n")
    with pytest.raises(UsageError, match=f"{name} and {name}_FILE are both given") as raised:
        read_settings()
    assert "planted" not in str(raised.value)


def test_two_values_for_one_setting_are_refused(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("LIBELLE_PORT=8001\nlibelle_port=8002\n")
    with pytest.raises(UsageError, match="LIBELLE_PORT is given twice"):
        read_settings()
    (tmp_path / ".env").unlink()
    for name in ("MLFLOW_TRACKING_URI", "LIBELLE_MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "http://127.0.0.1:5000")
    with pytest.raises(UsageError, match="LIBELLE_MLFLOW_TRACKING_URI and MLFLOW_TRACKING_URI"):
        read_settings()


def test_lists_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("LIBELLE_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,192.0.2.1")
    monkeypatch.setenv("LIBELLE_CORS_ORIGINS", "https://a.example.org,http://localhost:3000")
    settings = read_settings()
    assert [str(one) for one in settings.trusted_proxies] == [
        "10.0.0.0/8",
        "fd00::/8",
        "192.0.2.1/32",
    ]
    assert settings.cors_origins == ("https://a.example.org", "http://localhost:3000")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LIBELLE_CORS_ORIGINS", "*"),
        ("LIBELLE_CORS_ORIGINS", "https://*.example.org"),
        ("LIBELLE_CORS_ORIGINS", "https://a.example.org/"),
        ("LIBELLE_CORS_ORIGINS", "null"),
        ("LIBELLE_TRUSTED_PROXIES", "*"),
        ("LIBELLE_TRUSTED_PROXIES", "10.0.0.1/8"),
    ],
)
def test_s22_a_list_that_is_too_wide_or_wrong_is_refused(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=f"{variable}: .* separated by commas"):
        read_settings()
