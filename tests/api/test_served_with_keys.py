"""The real service with keys, as an operator starts it."""

import http.client
import os
import subprocess
import sys
from contextlib import closing

import pytest

from libelle.cli.serve import describe_new_key
from tests.api.test_serve import serving

_, SECRET, _, ENTRY = describe_new_key("tickets", "predict,read")
_, WRONG, _, _ = describe_new_key("tickets", "predict")
HASH = ENTRY.rpartition(":")[2]
JSON = {"Content-Type": "application/json"}
KEY = {"X-API-Key": SECRET}
LOGIN = f'{{"key": "{SECRET}"}}'


def exchange(port, method, path, body=None, headers=None):
    """Return the status, and all that came back as one text."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, f"{response.headers}{response.read().decode()}"


def test_s2_a_planted_key_stands_in_no_output(model_folder, tmp_path):
    (tmp_path / "keys").write_text(ENTRY + "\n")
    calls = [
        ("POST", "/v1/predict", '{"text": "a"}', JSON | KEY, 200),
        ("POST", "/v1/predict", f'{{"text": "{SECRET}"}}', JSON | KEY, 200),
        ("POST", "/v1/predict", f'{{"{SECRET}": "{SECRET}"}}', JSON | KEY, 422),
        ("POST", "/v1/predict", '{"text": "a"}', JSON | {"X-API-Key": WRONG}, 401),
        ("POST", "/v1/predict", "a", {"Content-Type": SECRET} | KEY, 415),
        ("GET", f"/v1/model?key={SECRET}", None, {}, 401),
        ("GET", f"/{SECRET}", None, KEY, 404),
        ("GET", f"/v1/models/{SECRET}/model", None, KEY, 404),
        ("GET", f"/v1/codes/{SECRET}?q={SECRET}", None, KEY, 404),
        ("GET", f"/v1/codes?limit={SECRET}", None, KEY, 422),
        ("GET", "/v1/model", None, KEY | {"X-Request-ID": SECRET}, 200),
        ("GET", "/v1/model", None, {"Authorization": f"Basic {SECRET}"}, 401),
        ("GET", "/v1/model", None, {"Cookie": f"libelle_session={SECRET}"}, 401),
        ("POST", "/login", LOGIN, JSON, 200),
        ("POST", "/login", LOGIN[:-1], JSON, 400),
        ("POST", "/login", f'{{"{SECRET}": 1}}', JSON, 422),
        ("POST", "/login", f'{{"key": "{WRONG}"}}', JSON, 401),
        (SECRET.replace("-", "_"), "/v1/model", None, KEY, 400),
    ]
    with serving(
        model_folder, tmp_path, variables={"LIBELLE_API_KEYS_FILE": str(tmp_path / "keys")}
    ) as (port, process, log):
        answered = [exchange(port, *call[:4]) for call in calls]
        process.terminate()
        assert process.wait_for_end() == 0
    assert [status for status, _ in answered] == [call[4] for call in calls]
    outputs = log.read_text() + "".join(text for _, text in answered)
    assert '"client":"tickets"' in outputs
    for planted in (SECRET, WRONG, HASH):
        assert planted not in outputs


def test_workers_know_the_sessions_of_one_another(model_folder, tmp_path):
    with serving(model_folder, tmp_path, 2, variables={"LIBELLE_API_KEYS": ENTRY}) as (port, *_):
        _, answer = exchange(port, "POST", "/login", LOGIN, JSON)
        cookie = answer.partition("libelle_session=")[2].partition(";")[0]
        headers = {"Cookie": f"libelle_session={cookie}"}
        assert {exchange(port, "GET", "/v1/model", None, headers)[0] for _ in range(20)} == {200}


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({}, "--new-key"),
        ({"LIBELLE_API_KEYS": SECRET}, "is a key, not the hash of one"),
        ({"LIBELLE_API_KEYS": ENTRY, "LIBELLE_AUTH": "none"}, "contradict each other"),
        ({"LIBELLE_API_KEYS": ENTRY, "LIBELLE_LOG_KEY": "short"}, "LIBELLE_LOG_KEY"),
        ({"LIBELLE_API_KEYS": ENTRY, "LIBELLE_API_KEYS_FILE": "k"}, "are both given"),
        ({"LIBELLE_API_KEYS_FILE": "absent"}, "cannot be read"),
        ({"LIBELLE_AUTH": "off"}, "LIBELLE_AUTH"),
    ],
)
def test_s3_a_service_that_would_be_open_does_not_start(tmp_path, variables, complaint):
    command = [sys.executable, "-m", "libelle.cli", "serve", "--model", str(tmp_path)]
    finished = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | variables
    )
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert complaint in line
    assert SECRET not in line
    assert HASH not in line
