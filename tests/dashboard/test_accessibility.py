"""What can be checked of WCAG 2.2 without a browser: labels, headings, contrast, no inline code."""

import re
from itertools import pairwise
from pathlib import Path
from string import Formatter

import pytest

import libelle.dashboard
from libelle.dashboard.words import WORDS, Say
from tests.dashboard.conftest import PAGES
from tests.dashboard.html import Page
from tests.dashboard.test_pages import FACTS, PARTS

FOLDER = Path(libelle.dashboard.__file__).parent
STYLE = (FOLDER / "static" / "style.css").read_text()
TEXT, GRAPHIC = 4.5, 3.0
# What is written, or drawn, on what.
PAIRS = [
    *[(one, ground, TEXT) for one in ("ink", "soft", "accent") for ground in ("paper", "panel")],
    *[(one, "panel", TEXT) for one in ("good", "doubt", "bad", "quiet")],
    ("on-accent", "accent", TEXT),
    ("focus", "paper", GRAPHIC),
    ("focus", "panel", GRAPHIC),
    *[(one, "paper", GRAPHIC) for one in ("automatic", "review", "refused", "failed")],
]


def themes():
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    read = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", one)) for one in (light, dark)]
    return {"light": read[0], "dark": {**read[0], **read[1]}}


def luminance(color):
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_colours_stand_out(theme, front, ground, least):
    colors = themes()[theme]
    bright, dim = sorted((luminance(colors[front]), luminance(colors[ground])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= least


@pytest.fixture
def pages(open_dashboard, weeks):
    visitor = open_dashboard(weeks, parts=PARTS, facts=FACTS)
    asked = [f"{path}?lang={lang}" for path in PAGES for lang in ("fr", "en")]
    return {path: Page(visitor.get(path).text) for path in [*asked, "nowhere"]}


def test_pages_say_their_language_and_have_a_title(pages):
    for path, page in pages.items():
        assert page.all("html")[0]["lang"] == ("en" if "lang=en" in path else "fr")
        assert page.all("title")
        assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
            "meta"
        )


def test_headings_begin_with_one_and_skip_no_level(pages):
    for path, page in pages.items():
        levels = page.headings()
        assert levels[0] == 1, path
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_fields_have_labels_and_pictures_names(pages):
    for page in pages.values():
        labelled = {one["for"] for one in page.all("label")}
        for field in page.all("input"):
            assert field.get("type") == "hidden" or field["id"] in labelled
        for picture in page.all("svg"):
            assert picture["role"] == "img"
            assert len(picture["aria-label"]) > 10


def test_identifiers_are_unique_and_those_named_exist(pages):
    for page in pages.values():
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        ids = [one for one in ids if not re.match(r"(clip|gradient)\d", one)]
        assert len(ids) == len(set(ids))
        for _, attributes in page.elements:
            assert set(attributes.get("aria-describedby", "").split()) <= set(ids)


def test_tables_scroll_by_keyboard_and_name_their_columns(pages):
    for page in pages.values():
        assert len(page.all("table")) <= len([one for one in page.all("div") if "tabindex" in one])
        assert all(one.get("scope") in ("col", "row") for one in page.all("th"))


def test_nothing_is_inline_and_nothing_leads_elsewhere(pages):
    for page in pages.values():
        for tag, attributes in page.elements:
            assert "style" not in attributes, tag
            assert not [name for name in attributes if name.startswith("on")]
            for name in ("href", "src", "action"):
                address = attributes.get(name, "")
                assert not re.match(r"/|\w+:", address), address
        assert not page.all("style")
        assert all(one["src"].startswith("static/") for one in page.all("script"))


def test_focus_is_visible():
    assert ":focus-visible { outline: .19rem solid var(--focus)" in STYLE
    assert "outline: none" not in STYLE.replace("main:focus { outline: none; }", "")


def test_both_languages_say_the_same_things():
    assert WORDS["fr"].keys() == WORDS["en"].keys()
    for name, sentence in WORDS["fr"].items():
        assert slots(sentence) == slots(WORDS["en"][name]), name


def test_every_sentence_is_said_somewhere():
    code = "".join(path.read_text() for path in FOLDER.rglob("*") if path.suffix in (".py", ".j2"))
    code = re.sub(r'^    "\w[\w-]*": .*$', "", code, flags=re.MULTILINE)
    families = tuple(re.findall(r'"(\w+_)(?:"|\{)', code))
    unused = [
        name
        for name in WORDS["fr"]
        if f'"{name}"' not in code.replace("'", '"')
        and not name.startswith(families)
        and not name.endswith(("_one", "_many"))
    ]
    assert not unused


def slots(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_labels_hold_a_number_and_its_unit_together():
    say = Say("fr")
    assert say.plain("today_promise_guaranteed", target="5\u202f%").startswith("au plus 5\u202f%")
    assert say.plain("ms", n="12") == "12\u00a0ms"


def test_s21_what_is_put_in_a_sentence_is_escaped_and_read_as_it_is_in_a_label():
    assert say_name("<b>&") == "&lt;b&gt;&amp;"
    assert Say("en").plain("logged_in", name="<b>&") == "Logged in: <b>&"


def say_name(name):
    return str(Say("en")("logged_in", name=name)).removeprefix("Logged in: ")
