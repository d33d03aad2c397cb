"""The chain of watching: what goes through HTTP is in the log, row for row, and on the dashboard.

The notebook on drift counts the same rows: see `test_notebook.py`.
"""

import asyncio
import json
import re

import httpx
import jsonschema
import pytest
from pydantic import SecretStr

from api.loading import ModelSource, load_model
from api.main import create_app
from libelle.dashboard import create_dashboard
from libelle.monitoring.prediction_log import PredictionLog
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.schema import json_schema
from libelle.monitoring.prediction_log.upload import Uploader
from libelle.settings import Settings
from tests.evaluated import make_model

N_SINGLE, N_BATCH, N_FAILED = 7, 120, 3


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Return the settings of a service that answered some items, and what it answered."""
    folder = tmp_path_factory.mktemp("watched")
    settings = Settings.model_construct(
        home=folder,
        model=str(make_model().save(folder / "model")),
        log_uri=str(folder / "log"),
        log_key=SecretStr("k" * 40),
        auth="none",
    )
    options = settings.log_options()
    loaded = load_model(ModelSource(folder / "model"))
    app = create_app(settings, loaded, sink=PredictionLog(options))
    items = [{"text": f"nid de poule {n}", "id": str(n)} for n in range(N_BATCH)]
    items[5:5] = [{"texte": "?"}, "?", {"text": 1}]

    async def ask():
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            http = httpx.AsyncClient(transport=transport, base_url="http://libelle.test")
            for n in range(N_SINGLE):
                await http.post("/v1/predict", json={"text": f"cantine {n}"})
            return await http.post("/v1/predict/batch", json={"items": items})

    answered = asyncio.run(ask()).json()["results"]
    assert sum(result["error"] is not None for result in answered) == N_FAILED
    Uploader(options).run_once()
    return settings


def test_each_item_is_one_row_that_the_published_schema_accepts(watched):
    rows = read_log(watched.log_uri).table.to_pylist()
    assert len(rows) == N_SINGLE + N_BATCH + N_FAILED
    check = jsonschema.Draft202012Validator(json_schema())
    for row in rows:
        written = {**row, "received_at": row["received_at"].isoformat()}
        check.validate(json.loads(json.dumps(written)))
    assert sum(row["decision"] is None for row in rows) == N_FAILED


def test_the_schema_refuses_a_row_that_is_not_one(watched):
    check = jsonschema.Draft202012Validator(json_schema())
    [row, *_] = read_log(watched.log_uri).table.to_pylist()
    sound = {**row, "received_at": row["received_at"].isoformat()}
    assert check.is_valid(sound)
    assert not check.is_valid({**sound, "decision": "perhaps"})
    assert not check.is_valid({name: sound[name] for name in sound if name != "confidence"})
    assert not check.is_valid({**sound, "colour": "blue"})


def test_the_dashboard_shows_as_many(watched):
    app = create_dashboard(watched)
    desk = app.state.desk
    desk.drawer.warm()
    desk.journal.start()
    desk.journal.wait(60)

    async def look():
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5))
        http = httpx.AsyncClient(transport=transport, base_url="http://libelle.test")
        return (await http.get("/today?lang=en")).text

    page = re.sub(r"<[^>]+>", " ", asyncio.run(look()))
    assert re.search(rf"\b{N_SINGLE + N_BATCH + N_FAILED}\b", page)
    assert desk.view().snapshot.n_rows == N_SINGLE + N_BATCH + N_FAILED
