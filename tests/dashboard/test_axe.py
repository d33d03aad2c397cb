"""No page breaks a rule of WCAG 2.2 AA that a machine can check, on any screen nor in any theme."""

import pytest

from tests.dashboard.axe import COLORS, WCAG, violations
from tests.dashboard.browser import BROWSER, browsing
from tests.dashboard.conftest import PAGES
from tests.dashboard.test_dashboard_access import KEYS
from tests.dashboard.test_pages import PARTS
from tests.dashboard.test_pictures import SCREENS, showing

pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module", params=["weeks", "empty"])
def address(request, tmp_path_factory):
    if request.param == "weeks":
        with showing(request.getfixturevalue("weeks")) as shown:
            yield shown
    else:
        folder = tmp_path_factory.mktemp("empty")
        with showing(folder, facts=None, parts=type(PARTS)()) as shown:
            yield shown


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("page", [*PAGES, "nowhere"])
def test_a_page_breaks_no_rule_of_accessibility(tab, address, page, lang):
    tab.go(f"{address}/{page}?lang={lang}")
    for name, screen in SCREENS.items():
        tab.look_as(**screen)
        assert violations(tab, rules=COLORS if screen.get("dark") else WCAG) == [], name


def test_a_login_breaks_no_rule_of_accessibility(tab, tmp_path):
    with showing(tmp_path, auth="keys", api_keys=KEYS) as shown:
        tab.go(f"{shown}/login")
        for name, screen in SCREENS.items():
            tab.look_as(**screen)
            assert violations(tab) == [], name


def test_what_breaks_a_rule_is_told(tab, address):
    tab.go(address)
    tab.ask("document.querySelector('main').append(document.createElement('input'))")
    assert [rule for rule, *_ in violations(tab)] == ["label"]
    tab.ask("document.querySelector('h1').style.color = 'var(--panel)'")
    assert [rule for rule, *_ in violations(tab, rules=COLORS)] == ["color-contrast"]
