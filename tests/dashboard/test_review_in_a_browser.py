"""Reviewing by keystroke in a real browser: nothing lost, nothing doubled, at 20 ms a key."""

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from libelle.dashboard import create_dashboard
from tests.dashboard.axe import violations
from tests.dashboard.browser import BROWSER, browsing
from tests.dashboard.conftest import NOW, make_settings
from tests.dashboard.test_pictures import SCREENS, TOO_SMALL
from tests.dashboard.working import (
    CODES,
    SCRIPT,
    api_on,
    put_reviews,
    serving,
    small_model,
    verdicts_in,
)
from tests.servers import free_port

pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")

PICTURES = os.environ.get("DASHBOARD_PICTURES")
N_TEXTS, N_KEYS = 40, 30
TITLES = dict(zip(CODES, ("Chaussée", "Éclairage", "Crèches", "Cantine", "Actes"), strict=True))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def plain_lots(monkeypatch):
    monkeypatch.setattr("libelle.dashboard.review.items.HIDDEN_SHARE", 0.0)
    monkeypatch.setattr("libelle.monitoring.feedback.lots.TWICE_SHARE", 0.0)


@pytest.fixture
def show(tmp_path):
    """Return what shows a dashboard that calls an API."""
    contexts = []

    def show_(api, **settings):
        app = create_dashboard(make_settings(tmp_path, api_url=api, **settings), clock=lambda: NOW)
        app.state.desk.models.titles = lambda: TITLES
        context = serving(app)
        address = context.__enter__()
        contexts.append(context)
        app.state.desk.reviewing.wait(30)
        return address

    yield show_
    for context in contexts:
        context.__exit__(None, None, None)


def wait_until(tab, expression, seconds=15):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if tab.ask(expression):
            return
        time.sleep(0.05)
    raise AssertionError(f"never true: {expression}; {tab.ask('document.body.innerText')}")


def open_review(tab, address):
    tab.go(f"{address}/review")
    wait_until(tab, "!document.getElementById('tools').hidden")
    time.sleep(0.3)  # The texts borrowed ahead.


def press_quickly(tab, keys):
    """Press keys, one every 20 ms, without waiting for the page."""
    typed = "".join(keys)
    script = """(async () => { for (const key of KEYS) {
      document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      await new Promise((done) => setTimeout(done, 20));
    } })()""".replace("KEYS", repr(typed))
    tab.do("Runtime.evaluate", expression=script, awaitPromise=True)


SHOWN = "document.getElementById('text').innerText"
ALL_SENT = "document.getElementById('unsent').textContent === ''"


def test_keys_every_20_ms_lose_and_double_nothing(tab, tmp_path, model, show):
    put_reviews(tmp_path, N_TEXTS)
    with api_on(tmp_path, model) as api:
        open_review(tab, show(api))
        press_quickly(tab, "12345" * (N_KEYS // 5))
        wait_until(tab, ALL_SENT)
        assert tab.complaints() == []
        progress = tab.ask("document.getElementById('progress').innerText")
    rows = verdicts_in(tmp_path)
    assert len(rows) == len({row["prediction_id"] for row in rows}) == N_KEYS
    assert sorted(row["code"] for row in rows) == sorted(CODES * (N_KEYS // 5))
    assert f"{N_KEYS} libellés jugés par vous · {N_TEXTS - N_KEYS} à juger" in progress


def test_undo_goes_back_and_the_new_answer_replaces_the_old_one(tab, tmp_path, model, show):
    put_reviews(tmp_path, 5)
    with api_on(tmp_path, model) as api:
        open_review(tab, show(api))
        first = tab.ask(SHOWN)
        press_quickly(tab, "1")
        wait_until(tab, "document.querySelector('.state.kept') !== null")
        press_quickly(tab, "u")
        assert tab.ask(SHOWN) == first
        assert not tab.ask("document.getElementById('again-note').hidden")
        press_quickly(tab, "2u3")
        wait_until(tab, ALL_SENT)
    rows = sorted(verdicts_in(tmp_path), key=lambda row: row["n"])
    assert len({row["prediction_id"] for row in rows}) == 1
    assert rows[-1]["code"] == CODES[2]
    assert all(b["replaces"] == a["feedback_id"] for a, b in pairwise(rows))


def test_a_key_held_down_answers_nothing(tab, tmp_path, model, show):
    put_reviews(tmp_path, 5)
    with api_on(tmp_path, model) as api:
        open_review(tab, show(api))
        held = "new KeyboardEvent('keydown', { key: '1', repeat: true })"
        tab.ask(f"document.dispatchEvent({held})")
        time.sleep(0.2)
        assert verdicts_in(tmp_path) == []


def test_searching_and_skipping_take_the_keyboard_alone(tab, tmp_path, model, show):
    put_reviews(tmp_path, 5)
    with api_on(tmp_path, model) as api:
        open_review(tab, show(api))
        tab.press("/", 191)
        tab.do("Input.insertText", text="cartes")
        wait_until(tab, "document.querySelectorAll('#found button').length === 1")
        tab.press("ArrowDown", 40)
        tab.do("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r",
               windowsVirtualKeyCode=13)  # fmt: skip
        wait_until(tab, "document.querySelectorAll('.state.kept').length === 1")
        press_quickly(tab, "s2s3")
        wait_until(tab, "document.querySelectorAll('.state.kept').length === 3")
    said = {(row["verdict"], row["code"]) for row in verdicts_in(tmp_path)}
    assert said == {("corrected", "0302"), ("ambiguous_nomenclature", None)}


def test_verdicts_wait_on_the_page_while_the_api_is_gone(tab, tmp_path, model, show):
    put_reviews(tmp_path, 6)
    port = free_port()
    open_review(tab, show(f"http://127.0.0.1:{port}"))
    press_quickly(tab, "11")
    wait_until(tab, "!document.getElementById('trouble').hidden")
    assert "2" in tab.ask("document.getElementById('unsent').innerText")
    picture(tab, "review-gone")
    with api_on(tmp_path, model, at_port=port):
        wait_until(tab, ALL_SENT)
    assert len(verdicts_in(tmp_path)) == 2


@pytest.mark.parametrize("screen", SCREENS)
def test_the_page_fits_its_screen_and_breaks_no_rule(tab, tmp_path, model, show, screen):
    put_reviews(tmp_path, 9)
    with api_on(tmp_path, model) as api:
        tab.look_as(**SCREENS[screen])
        open_review(tab, show(api))
        press_quickly(tab, "12")
        wait_until(tab, ALL_SENT)
        tab.ask("document.getElementById('help').open = true")
        assert SCRIPT in tab.ask(SHOWN)
        assert tab.complaints() == []
        assert tab.ask("document.documentElement.scrollWidth") <= SCREENS[screen]["width"]
        assert tab.ask(TOO_SMALL) == []
        assert violations(tab) == []
        picture(tab, f"review-{screen.replace(' ', '-')}")


def picture(tab, name):
    if PICTURES:
        Path(PICTURES, f"{name}.png").write_bytes(tab.picture())
