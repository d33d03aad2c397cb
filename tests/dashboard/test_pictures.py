"""The pages as people see them: a real browser, a telephone, the dark, the keyboard alone."""

import os
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from libelle.dashboard import FixedParts, create_dashboard
from libelle.dashboard.watching import Look
from tests.api.test_pages_in_a_browser import PREFIX, proxy
from tests.dashboard.browser import BROWSER, browsing
from tests.dashboard.conftest import NOW, PAGES, make_settings
from tests.dashboard.test_pages import FACTS, PARTS
from tests.servers import free_port

pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")

# Where pictures are left for those who want to look at them.
PICTURES = os.environ.get("DASHBOARD_PICTURES")
SCREENS = {
    "desktop": {"width": 1280},
    "telephone": {"width": 360},
    "dark": {"width": 1280, "dark": True},
    "dark telephone": {"width": 360, "dark": True},
}


@contextmanager
def showing(folder, *, parts=PARTS, facts=FACTS, **settings):
    """Show the pages on a free port."""
    port = free_port()
    source = FixedParts(parts)
    app = create_dashboard(make_settings(folder, **settings), source=source, clock=lambda: NOW)
    if facts is not None:
        app.state.desk.models.view = lambda: Look(facts, NOW)
        app.state.desk.models.titles = lambda: facts.titles
    config = uvicorn.Config(app, port=port, log_config=None, ws="none", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        pass
    app.state.desk.journal.wait(60)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def address(weeks):
    with showing(weeks) as shown:
        yield shown


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_its_screen_and_breaks_no_rule(tab, address, page, screen):
    tab.look_as(**SCREENS[screen])
    tab.go(f"{address}/{page}")
    assert tab.complaints() == []
    assert {one.partition("/static")[0] for one in tab.addresses()} <= {
        address,
        f"{address}/{page}",
    }
    width = SCREENS[screen]["width"]
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask(TOO_SMALL) == []
    if PICTURES:
        name = f"{page or 'first'}-{screen.replace(' ', '-')}.png"
        Path(PICTURES, name).write_bytes(tab.picture())


@pytest.mark.parametrize("page", PAGES)
def test_every_control_is_reached_by_keyboard_and_shows_it(tab, address, page):
    tab.look_as(width=1280)
    tab.go(f"{address}/{page}")
    n_controls = tab.ask(f"document.querySelectorAll('{CONTROLS}').length")
    assert n_controls > 5
    reached = set()
    for _ in range(n_controls + 2):
        tab.press("Tab", 9)
        place, outline = tab.ask(FOCUSED)
        if place >= 0:
            reached.add(place)
            assert outline != "none"
    assert len(reached) == tab.ask(VISIBLE_CONTROLS)


def test_the_first_key_skips_the_navigation(tab, address):
    tab.go(address)
    tab.press("Tab", 9)
    assert tab.ask("document.activeElement.className") == "skip"
    assert tab.ask("document.activeElement.getBoundingClientRect().left") >= 0


def test_the_slider_moves_along_the_curve(tab, address):
    tab.go(f"{address}/guarantee?lang=en")
    before = tab.ask("document.getElementById('says').innerText")
    tab.ask("document.getElementById('wanted').focus()")
    tab.press("ArrowRight", 39)
    after = tab.ask("document.getElementById('says').innerText")
    assert before != after
    assert "With a threshold of 0.725, 55% of the texts" in after


def test_pages_stand_under_a_sub_path(tab, address):
    port = int(address.rpartition(":")[2])
    with proxy(port) as (outside, asked):
        tab.go(f"{outside}{PREFIX}/")
        for page in PAGES[1:]:
            tab.go(tab.ask(f"document.querySelector('nav a[href^=\"{page}\"]').href"))
            assert tab.complaints() == []
            assert tab.ask("document.styleSheets[0].cssRules.length") > 20
    assert not {path for path in asked if not path.startswith(PREFIX)} - {"/favicon.ico"}


def test_printed_pages_keep_what_they_say(tab, address):
    tab.look_as(width=1280, dark=True)
    tab.go(address)
    tab.do("Emulation.setEmulatedMedia", media="print", features=[])
    assert tab.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert tab.ask("document.querySelectorAll('.card').length") == 4
    tab.look_as(width=1280)


def test_an_empty_log_is_a_page_too(tab, tmp_path):
    with showing(tmp_path, facts=None, parts=type(PARTS)()) as shown:
        for page in PAGES:
            tab.look_as(width=360)
            tab.go(f"{shown}/{page}")
            assert tab.complaints() == []
            if PICTURES:
                Path(PICTURES, f"{page or 'first'}-empty.png").write_bytes(tab.picture())


CONTROLS = 'a[href], button, input:not([type=hidden]), summary, [tabindex="0"]'
_IS_SEEN = "(one) => one.checkVisibility() && !one.closest('details:not([open]) > div')"
VISIBLE_CONTROLS = f"[...document.querySelectorAll('{CONTROLS}')].filter({_IS_SEEN}).length"
FOCUSED = f"""(() => {{
  const one = document.activeElement;
  const place = [...document.querySelectorAll('{CONTROLS}')].indexOf(one);
  return [place, getComputedStyle(one).outlineStyle];
}})()"""
# WCAG 2.2, 2.5.8: a target is 24 pixels high and wide, unless it stands in a sentence.
TOO_SMALL = f"""[...document.querySelectorAll('{CONTROLS}')].filter({_IS_SEEN}).filter((one) => {{
  const box = one.getBoundingClientRect();
  return !one.classList.contains('skip') && (box.height < 24 || box.width < 24);
}}).map((one) => one.outerHTML)"""
