"""A dashboard on a log made up, and a client that needs no socket."""

from datetime import timedelta
from functools import partial

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from libelle.dashboard import FixedParts, Parts, create_dashboard
from libelle.dashboard.watching import Look
from libelle.settings import Settings
from tests.monitoring.log_rows import MONDAY, make_row, put, put_weeks

NOW = MONDAY + timedelta(days=10, hours=16)
PAGES = ("", "today", "try", "guarantee", "drift", "codes", "review", "models")
LOG_KEY = "a key of the tests, long enough to sign"


class Visitor:
    """Looks at a dashboard as a browser would, from a test that is not asynchronous."""

    def __init__(self, portal, app, *, base="http://libelle.test", peer="127.0.0.1") -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 5))
        self._portal, self.app, self.desk = portal, app, app.state.desk
        self._http = httpx.AsyncClient(transport=transport, base_url=base)

    def get(self, path, **options) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path, **options) -> httpx.Response:
        return self.request("POST", path, **options)

    def request(self, method, path, **options) -> httpx.Response:
        path = path if path.startswith("/") else f"/{path}"
        return self._portal.call(partial(self._http.request, method, path, **options))

    def page(self, path, lang="fr") -> str:
        mark = "&" if "?" in path else "?"
        answer = self.get(f"{path}{mark}lang={lang}")
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture(scope="session")
def portal():
    with start_blocking_portal() as opened:
        yield opened


def make_settings(folder, **changes) -> Settings:
    values = {
        "home": folder,
        "log_uri": str(folder / "log"),
        "log_key": LOG_KEY,
        "auth": "none",
        "model": str(folder / "no-model"),
        **changes,
    }
    return Settings(_env_file=None, **values)


@pytest.fixture
def open_dashboard(portal, tmp_path):
    """Return what opens a dashboard on the log of a folder, counted already."""

    def open_(folder=tmp_path, *, parts=None, facts=None, base="http://libelle.test", **settings):
        source = FixedParts(parts or Parts())
        app = create_dashboard(make_settings(folder, **settings), source=source, clock=lambda: NOW)
        desk = app.state.desk
        desk.drawer.warm()
        desk.journal.start()
        desk.journal.wait(60)
        if facts is not None:
            desk.models.view = lambda: Look(facts, NOW)
            desk.models.titles = lambda: facts.titles
            desk.models.is_registered = bool(facts.versions)
        return Visitor(portal, app, base=base)

    return open_


@pytest.fixture(scope="session")
def weeks(tmp_path_factory):
    """Return a folder whose log has twelve weeks of traffic."""
    folder = tmp_path_factory.mktemp("weeks")
    put_weeks(folder / "log", now=NOW, per_day=160)
    return folder


ODD = {"confidence": float("nan"), "duration_seconds": float("nan"), "n_words": 0}
LOGS = {
    "empty": [],
    "one row": [make_row(received_at=NOW)],
    "one odd row": [make_row(received_at=NOW, **ODD)],
    "one failed item": [
        make_row(received_at=NOW, decision=None, reason=None, top_code=None, confidence=None)
    ],
    "one code": [
        make_row(received_at=NOW - timedelta(days=day), confidence=0.5) for day in range(20)
    ],
}


@pytest.fixture(params=[*LOGS, "weeks"])
def any_log(request, tmp_path):
    """Return a folder with a log of each kind."""
    if request.param == "weeks":
        return request.getfixturevalue("weeks")
    if rows := LOGS[request.param]:
        put(tmp_path / "log", rows)
    return tmp_path
