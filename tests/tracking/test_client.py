"""What the client promises: silence is bounded, and messages are clear and hold no password."""

import threading
import time

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from libelle.errors import TrackingError
from libelle.tracking.client import (
    connect,
    database_path,
    patient_requests,
    public_address,
    within,
)

OPTIONS = {"tracking_uri": "http://me:secret@host/x", "purpose": "take the run"}


def test_a_work_given_up_stops_at_its_next_beat():
    resumed, stopped = threading.Event(), threading.Event()

    def work(beat):
        resumed.wait(5)
        try:
            beat()
        except TrackingError:
            stopped.set()

    with pytest.raises(TrackingError, match=r"at http://host/x could not take the run: no answer"):
        within(0.05, work, **OPTIONS)
    resumed.set()
    assert stopped.wait(5)


def test_a_slow_work_that_beats_is_waited_for():
    def work(beat):
        for _ in range(6):
            time.sleep(0.05)
            beat()
        return "done"

    assert within(0.2, work, **OPTIONS) == "done"


def test_a_failure_keeps_its_cause_and_hides_the_password():
    def work(beat):
        raise OSError("no route to https://me:p@ss@host/api")

    with pytest.raises(TrackingError, match=r"no route to https://host/api") as caught:
        within(1, work, **OPTIONS)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "no key was given. Set AWS_ACCESS_KEY_ID"),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject"), "access is refused"),
        (ClientError({"Error": {"Code": "NoSuchBucket"}}, "PutObject"), "NoSuchBucket"),
        (EndpointConnectionError(endpoint_url="https://k:p@s3"), "cannot be reached"),
        (S3UploadFailedError("Failed to upload x: (AccessDenied)"), "access is refused"),
    ],
)
def test_a_failure_of_s3_names_s3(error, said):
    def work(beat):
        raise error

    with pytest.raises(TrackingError, match=r"^S3, where MLflow at http://host/x keeps") as caught:
        within(1, work, **OPTIONS)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://me:secret@mlflow.fr/a", "https://mlflow.fr/a"),
        ("postgresql://me:s@cret@db/mlflow?password=x", "postgresql://db/mlflow"),
        ("sqlite:////home/là où/mlflow.db", "sqlite:////home/là où/mlflow.db"),
    ],
)
def test_an_address_is_shown_without_its_password(uri, shown):
    assert public_address(uri) == shown


def test_only_a_sqlite_address_has_a_file():
    assert str(database_path("sqlite:////a b/mlflow.db")) == "/a b/mlflow.db"
    assert database_path("http://host/sqlite:///x") is None


def test_requests_are_bounded_unless_the_environment_says_otherwise(tracking_uri, monkeypatch):
    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT as TIMEOUT

    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    connect(tracking_uri)
    assert TIMEOUT.get() == 10
    with patient_requests(60):
        assert TIMEOUT.get() == 60
    assert TIMEOUT.get() == 10
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    connect(tracking_uri)
    with patient_requests(60):
        assert TIMEOUT.get() == 7
