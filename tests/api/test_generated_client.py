"""A client that a generator makes of the committed description calls the real service."""

import subprocess
import sys

import pytest

from api.write_openapi import COMMITTED
from tests.api.test_serve import serving

# The generator knows files as bytes.
OPTIONS = """
post_hooks: []
content_type_overrides:
  text/csv: application/octet-stream
  application/x-ndjson: application/octet-stream
"""
CALLS = """
import sys
sys.path.insert(0, sys.argv[1])
from coder import Client
from coder.api.codes import look_up_code, search_codes
from coder.api.model import describe_model
from coder.api.predictions import predict, predict_batch
from coder.models import BatchItem, BatchRequest, PredictRequest

with Client(base_url=sys.argv[2]) as client:
    one = predict.sync(client=client, body=PredictRequest(text="Nid de poule", explain=True))
    assert one.candidates[0].code == "0101", one
    assert one.decision == "review"
    assert {part.word for part in one.explanation.words} == {"nid", "de", "poule"}
    items = [BatchItem(text="Nid de poule", id="a"), BatchItem(text="", id="b")]
    many = predict_batch.sync(client=client, body=BatchRequest(items=items, top_k=1))
    assert [result.id for result in many.results] == ["a", "b"]
    assert many.results[1].prediction.reason == "empty"
    assert many.guarantee.status == "none"
    assert describe_model.sync(client=client).n_codes == 6
    assert search_codes.sync(client=client, q="voirie").total == 1
    problem = look_up_code.sync(client=client, code="9999")
    assert problem.type_ == "urn:libelle:problem:unknown-code", problem
    refused = predict.sync_detailed(client=client, body=PredictRequest(text="a" * 10_001))
    assert (refused.status_code, refused.parsed.status) == (422, 422)
"""


@pytest.fixture(scope="module")
def client_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    (folder / "options.yml").write_text(OPTIONS)
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(COMMITTED)]
    command += ["--output-path", str(folder / "coder"), "--meta", "none"]
    command += ["--config", str(folder / "options.yml"), "--fail-on-warning"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_generated_client_calls_the_service(client_folder, model_folder, tmp_path):
    with serving(model_folder, tmp_path) as (port, _, _log):
        address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-c", CALLS, str(client_folder), address]
        called = subprocess.run(command, capture_output=True, text=True)
    assert called.returncode == 0, called.stderr
