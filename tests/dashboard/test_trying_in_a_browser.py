"""Trying in a real browser: a text by the Enter key, a file by choosing it."""

import csv
import os
from pathlib import Path

import pytest

from libelle.dashboard import create_dashboard
from tests.dashboard.axe import violations
from tests.dashboard.browser import BROWSER, browsing
from tests.dashboard.conftest import NOW, make_settings
from tests.dashboard.test_pictures import SCREENS, TOO_SMALL
from tests.dashboard.test_review_in_a_browser import wait_until
from tests.dashboard.working import api_on, serving, small_model

pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")

PICTURES = os.environ.get("DASHBOARD_PICTURES")
ROWS = [
    ["numéro", "libellé", "reçu le"],
    ["01", "Nid de poule rue de la Gare", "12/03"],
    ["02", "Carte d'identité perdue", "13/03"],
    ["03", "", "13/03"],
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trying")
    model = small_model(tmp_path_factory.mktemp("model"))
    with api_on(folder, model) as api:
        app = create_dashboard(make_settings(folder, api_url=api), clock=lambda: NOW)
        with serving(app) as shown:
            yield shown


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("screen", SCREENS)
def test_a_text_is_tried_by_keyboard(tab, address, screen):
    tab.look_as(**SCREENS[screen])
    tab.go(f"{address}/try")
    tab.ask("document.getElementById('typed').focus()")
    tab.do("Input.insertText", text="nid de poule devant l'école")
    tab.do("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r",
           windowsVirtualKeyCode=13)  # fmt: skip
    wait_until(tab, "document.getElementById('answer') !== null")
    look(tab, f"try-{screen.replace(' ', '-')}", SCREENS[screen]["width"])


@pytest.mark.parametrize("screen", ["desktop", "telephone"])
def test_a_file_is_chosen_coded_and_given_back(tab, address, tmp_path, screen):
    path = tmp_path / "demandes.csv"
    with path.open("w", encoding="cp1252", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(ROWS)
    tab.look_as(**SCREENS[screen])
    tab.go(f"{address}/try")
    root = tab.do("DOM.getDocument")["root"]["nodeId"]
    field = tab.do("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    tab.do("DOM.setFileInputFiles", nodeId=field, files=[str(path)])
    wait_until(tab, "document.querySelector('.columns') !== null")
    assert tab.ask("document.querySelector('.columns :checked').value") == "1"
    tab.ask("document.querySelector('[data-busy] button').click()")
    wait_until(tab, "document.querySelector('.button') !== null")
    content = "fetch(document.querySelector('.button').href).then((one) => one.blob())"
    size = tab.do("Runtime.evaluate", expression=f"{content}.then((one) => one.size)",
                  awaitPromise=True, returnByValue=True)  # fmt: skip
    assert size["result"]["value"] > path.stat().st_size
    look(tab, f"try-file-{screen}", SCREENS[screen]["width"])


def look(tab, name, width):
    assert tab.complaints() == []
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask(TOO_SMALL) == []
    assert violations(tab) == []
    if PICTURES:
        Path(PICTURES, f"{name}.png").write_bytes(tab.picture())
