"""What the evaluation report promises: one file, no script, no network, nothing unescaped."""

import re
import string
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from libelle.decision import Decision, Reason
from libelle.evaluation import Outcome, assess
from libelle.reports import headline, render_report
from libelle.reports.words import ENGLISH, FRENCH
from tests.conftest import ROOT
from tests.evaluated import MARK, make_coded_texts, make_model, make_threshold

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
ALONE = {"meta", "br", "link", "img"}


class Reader(HTMLParser):
    """Reads a page: its tags, its visible text; fails when a tag is not closed."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.open, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def assessment():
    dataset = make_coded_texts()
    return assess(
        make_model(levels={"1": [make_threshold()]}),
        dataset,
        segments=["web", MARK, ""] * 33,
        segment_column=f"col {MARK}",
        against=make_model(thresholds=()),
        cost_review=1.0,
        cost_error=5.0,
        with_texts=True,
    )


@pytest.fixture(scope="module")
def page(assessment):
    return render_report(assessment, lang="fr", now=NOW)


def test_a_page_needs_no_script_and_no_network(page):
    reader = read(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(reader.tags)
    assert not [
        name for name, _ in reader.attributes if name in ("src", "href") or name[:2] == "on"
    ]
    assert "default-src 'none'" in page
    assert not re.findall(r"url\(|@import", page)


def test_titles_segments_and_texts_are_escaped(page):
    assert MARK not in page
    assert page.count("&lt;script&gt;") > 3


def test_texts_stand_in_the_page_on_demand_only(assessment):
    reader = read(render_report({**assessment, "examples": []}, lang="fr", now=NOW))
    assert "blockquote" not in reader.tags
    words = " ".join(reader.text)
    assert not [text for text in make_coded_texts().texts if text and text in words]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_headline_stands_first(assessment, lang):
    text = " ".join(read(render_report(assessment, lang=lang, now=NOW)).text)
    for sentence in headline(assessment, lang=lang):
        assert sentence in text
    assert "2026-01-02 03:04 UTC" in text


def test_both_languages_say_the_same_things():
    assert FRENCH.keys() == ENGLISH.keys()
    for name, sentence in FRENCH.items():
        assert fields(sentence) == fields(ENGLISH[name]), name


def fields(sentence):
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}


def test_every_word_is_used():
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src/libelle/reports").rglob("*")
        if path.suffix in (".j2", ".py") and path.name != "words.py"
    )
    made = ("badge_", "decision_", "outcome_", "reason_", "same_", "status_", "comparison_")
    assert not [name for name in FRENCH if name not in source and not name.startswith(made)]


def test_every_decision_reason_and_outcome_has_its_words():
    needed = [f"decision_{decision}" for decision in Decision]
    needed += [f"reason_{reason}" for reason in Reason]
    needed += [f"{kind}_{outcome}" for outcome in Outcome for kind in ("outcome", "badge")]
    assert not set(needed) - FRENCH.keys()


def test_a_model_without_threshold_says_that_nothing_is_automatic():
    assessment = assess(make_model(thresholds=()), make_coded_texts())
    (sentence,) = headline(assessment, lang="fr")
    assert sentence.startswith("Aucun des 99 libellés n’est codé automatiquement")
    assert "Le modèle n’a aucun seuil" in render_report(assessment, lang="fr", now=NOW)


def test_a_target_out_of_reach_says_what_is_within_reach():
    none = make_threshold(
        status="none", threshold=None, bound=None, reachable_error=0.08, n_texts_needed=4300
    )
    assessment = assess(make_model(thresholds=(none,)), make_coded_texts())
    page = render_report(assessment, lang="en", now=NOW)
    assert "reachable error (indicative): 8.0%" in page
    assert "certifying texts that would be needed: 4,300" in page


def test_an_indicative_threshold_is_never_called_guaranteed():
    indicative = make_threshold(status="indicative", bound=None, rule="out_of_fold")
    assessment = assess(make_model(thresholds=(indicative,)), make_coded_texts())
    sentences = " ".join(headline(assessment, lang="en"))
    assert "nothing is guaranteed" in sentences
    assert "Promise" not in sentences


def test_a_broken_promise_is_said_aloud(assessment):
    automation = assessment["automation"] | {"outcome": "broken"}
    sentences = " ".join(headline({**assessment, "automation": automation}, lang="fr"))
    assert "n’est pas tenue" in sentences
    assert "suspendez le codage automatique" in sentences


def test_a_suspension_is_all_that_is_said(assessment):
    guarantee = assessment["model"]["guarantee"] | {"status": "suspended"}
    model = assessment["model"] | {"guarantee": guarantee}
    (sentence,) = headline({**assessment, "model": model}, lang="en")
    assert "suspended" in sentence


def test_texts_that_were_learnt_from_are_a_warning(assessment):
    hygiene = assessment["hygiene"] | {"same_as": "fit"}
    page = render_report({**assessment, "hygiene": hygiene}, lang="en", now=NOW)
    assert 'class="warning"' in page


def test_texts_that_made_the_model_are_a_warning(assessment):
    hygiene = assessment["hygiene"] | {"n_seen": 12}
    page = render_report({**assessment, "hygiene": hygiene}, lang="en", now=NOW)
    assert page.count("12 were used to make or to test the model") == 2
