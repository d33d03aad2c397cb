"""What the notebook promises: it runs on what the service wrote, and stands here executed."""

import ast
import asyncio
import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from api.loading import ModelSource, load_model
from api.main import create_app
from libelle.monitoring.drift.windows import Window
from libelle.monitoring.prediction_log import PredictionLog
from libelle.monitoring.prediction_log.upload import Uploader
from libelle.monitoring.privacy import TextPolicy
from libelle.settings import Settings
from tests.classifiers.corpus import make_corpus
from tests.conftest import ROOT
from tests.evaluated import make_model
from tests.monitoring.rows import make_log

NOTEBOOK = ROOT / "notebooks" / "drift.ipynb"
KEY = "k" * 40
N_POSTED, BATCH = 312, 104
NETWORK = {"requests", "urllib", "urllib3", "http", "httpx", "aiohttp", "socket", "fsspec", "s3fs"}


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def cells(notebook, kind="code"):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def outputs(notebook):
    return [output for cell in cells(notebook) for output in cell["outputs"]]


def shown(notebook, kind="text/markdown"):
    """Return what the notebook shows of a kind, in order."""
    data = [output.get("data", {}).get(kind, "") for output in outputs(notebook)]
    return ["".join(one) for one in data if one]


def n_rows_shown(notebook):
    (count,) = re.findall(r"\*\*([\d\s]+)\*\* lignes\.", shown(notebook)[0])
    return int("".join(count.split()))


def trees(notebook):
    return [ast.parse("".join(cell["source"])) for cell in cells(notebook)]


@pytest.fixture(scope="module")
def committed():
    return read(NOTEBOOK)


def post(app, batches):
    """Send batches to an application, one after the other; return how many items were answered."""

    async def inside():
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            http = httpx.AsyncClient(transport=transport, base_url="http://libelle.test")
            return [await http.post("/v1/predict/batch", json={"items": one}) for one in batches]

    answers = [response.json()["results"] for response in asyncio.run(inside())]
    return sum(result["prediction"] is not None for results in answers for result in results)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Settings of a log that the service wrote, and of the model that answered."""
    folder = tmp_path_factory.mktemp("served")
    profile = Window.of(make_log(800, np.random.default_rng(0))).profile
    reference = replace(profile, right=profile.confidences).to_dict()
    loaded = load_model(ModelSource(make_model(reference=reference).save(folder / "model")))
    environment = {
        "LIBELLE_HOME": str(folder),
        "LIBELLE_LOG_URI": str(folder / "log"),
        "LIBELLE_LOG_KEY": KEY,
        "LIBELLE_MODEL": str(folder / "model"),
    }
    settings = Settings.model_construct(
        home=folder,
        log_uri=environment["LIBELLE_LOG_URI"],
        log_key=SecretStr(KEY),
        text_policy=TextPolicy.FULL,
        auth="none",
    )
    options = settings.log_options()
    texts = [f"{text} {n}" for n in range(4) for text in make_corpus()[0]][:N_POSTED]
    items = [{"id": str(n), "text": text} for n, text in enumerate(texts)]
    app = create_app(settings, loaded, sink=PredictionLog(options))
    answered = post(app, [items[start : start + BATCH] for start in range(0, N_POSTED, BATCH)])
    assert answered == N_POSTED
    Uploader(options).run_once()
    return environment


@pytest.fixture(scope="module")
def executed(served, tmp_path_factory):
    """A copy of the notebook, executed as `make notebook` does on that log."""
    target = tmp_path_factory.mktemp("notebook") / "drift.ipynb"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIBELLE_")}
    command = [sys.executable, str(ROOT / "notebooks" / "execute.py"), str(target)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=kept | served, cwd=target.parent, timeout=250
    )
    assert done.returncode == 0, done.stderr
    return read(target)


def test_it_runs_on_the_log_that_the_service_wrote_and_shows_each_row(executed):
    assert not [one for one in outputs(executed) if one["output_type"] in ("error", "stream")]
    assert n_rows_shown(executed) == N_POSTED
    assert len(shown(executed, "image/png")) >= 3


def test_it_stands_in_the_project_executed_with_its_pictures(committed):
    assert not [one for one in outputs(committed) if one["output_type"] in ("error", "stream")]
    counts = [cell["execution_count"] for cell in cells(committed)]
    assert counts == list(range(1, len(counts) + 1))
    assert n_rows_shown(committed) > 10_000
    pictures = [base64.b64decode(one) for one in shown(committed, "image/png")]
    assert len(pictures) == 5
    assert all(one.startswith(b"\x89PNG") for one in pictures)


def test_it_finds_the_change_of_the_demonstration(committed):
    said = "\n".join(shown(committed))
    assert "« Urbanisme » a doublé depuis" in said
    assert "**stationnement**" in said


def test_it_defines_no_function(committed):
    defining = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    assert not [
        node for tree in trees(committed) for node in ast.walk(tree) if isinstance(node, defining)
    ]


def test_it_reaches_no_network(committed):
    nodes = [node for tree in trees(committed) for node in ast.walk(tree)]
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in imported} & NETWORK
    values = [node.value for node in nodes if isinstance(node, ast.Constant)]
    assert not [value for value in values if isinstance(value, str) and urlsplit(value).netloc]
    assert not shown(committed, "text/html")


def test_it_holds_nothing_of_the_machine_that_made_it(committed):
    content = json.dumps([shown(committed), [cell["source"] for cell in committed["cells"]]])
    assert not re.findall(r"(?<![\w.~])/(?:home|root|tmp|work|Users|usr|opt)\b", content)
    assert not [cell for cell in committed["cells"] if "execution" in cell["metadata"]]
