"""A real API beside a dashboard: texts in a log, verdicts handed in over HTTP."""

import threading
import time
from contextlib import contextmanager
from functools import cache

import uvicorn
from pydantic import SecretStr

from api.loading import ModelSource, load_model
from api.main import create_app
from libelle.monitoring.feedback.reading import read_feedback
from libelle.settings import Settings
from tests.api.conftest import make_predictor
from tests.dashboard.conftest import LOG_KEY, NOW
from tests.monitoring.log_rows import make_row, put
from tests.servers import free_port

CODES = ("0101", "0102", "0201", "0202", "0301")
SCRIPT = "<script>alert(1)</script>"


@contextmanager
def serving(app, port=None):
    """Serve an application on a free port, from a thread."""
    port = port or free_port()
    config = uvicorn.Config(app, port=port, log_config=None, ws="none", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@cache
def small_model(folder):
    return load_model(ModelSource(make_predictor().save(folder / "demo"), version="3"))


@contextmanager
def api_on(folder, model, *, at_port=None, **changes):
    """Serve the API, with its log in a folder."""
    values = {
        "auth": "none",
        "home": folder,
        "log_uri": str(folder / "log"),
        "log_key": SecretStr(LOG_KEY),
        **changes,
    }
    settings = Settings.model_construct().model_copy(update=values)
    with serving(create_app(settings, model), at_port) as address:
        yield address


def prediction_id(number):
    return f"00000000-0000-8000-8000-{number:012d}"


def make_review_row(number, **changes):
    """Return a row to review, with five candidates."""
    candidates = [
        {"code": code, "probability": 0.5 - 0.1 * place} for place, code in enumerate(CODES)
    ]
    values = {
        "prediction_id": prediction_id(number),
        "received_at": NOW,
        "order": number,
        "decision": "review",
        "reason": "below_threshold",
        "code": None,
        "top_code": CODES[0],
        "confidence": 0.5,
        "candidates": candidates,
        "text": f"Demande {number} du quartier {SCRIPT}",
        "text_kind": "original",
        "text_hash": f"h{number}",
        "text_probability": 1.0,
    }
    return make_row(**values | changes)


def put_reviews(folder, n_texts, **changes):
    put(folder / "log", [make_review_row(number, **changes) for number in range(n_texts)])


def verdicts_in(folder):
    return read_feedback(str(folder / "log")).table.to_pylist()
