"""What the charts promise: a picture in either form, words in either language, texts escaped."""

import struct

import pytest

from libelle.figures import (
    code_changes_chart,
    codes_by_week_chart,
    confidences_chart,
    confusions_chart,
    cost_chart,
    coverage_chart,
)
from libelle.figures import drift as drift_figures
from libelle.figures import (
    evaluation,
    lengths_chart,
    per_code_chart,
    reliability_chart,
    weeks,
    weeks_chart,
)

CURVE = [{"coverage": 0.1, "error": 0.0, "cost": 1.0}, {"coverage": 0.9, "error": 0.1, "cost": 0.5}]
CODES = [{"code": "<b>&", "answered": "02", "n_texts": 3, "f1": 0.5}]
BINS = [{"confidence": 0.2, "accuracy": 0.1, "n_texts": 4}]
THRESHOLDS = [
    {"coverage": 0.7, "target_error": 0.05, "status": "guaranteed"},
    {"coverage": 0.8, "target_error": 0.075, "status": "indicative"},
    {"coverage": 0.0, "target_error": 0.01, "status": "none"},
]
CHANGES = [{"name": "01", "title": "<b>&", "share_before": 0.1, "share_after": 0.3}]
CODE_WEEKS = [
    {"week": week, "code": "01", "title": "<b>&", "share": 0.2}
    for week in ("2026-03-02", "2026-03-09")
]
WEEKS = [
    {"week": row["week"], "n_answers": 9, "automatic": 0.7, "review": 0.2, "refused": 0.1}
    for row in CODE_WEEKS
]
WORDS = {
    lang: weeks.WORDS[lang]
    | drift_figures.WORDS[lang]
    | evaluation.WORDS[lang]
    | {"code_changes": drift_figures.WORDS[lang]["codes"]}
    for lang in ("fr", "en")
}

DRAWN = {
    "confusions": lambda **options: confusions_chart(CODES, **options),
    "codes": lambda **options: per_code_chart(CODES, **options),
    "reliability": lambda **options: reliability_chart(BINS, **options),
    "curve": lambda **options: coverage_chart(CURVE, THRESHOLDS, **options),
    "costs": lambda **options: cost_chart(CURVE, CURVE[1], **options),
    "confidences": lambda **options: confidences_chart([1] * 200, [0] * 200, **options),
    "lengths": lambda **options: lengths_chart([1] * 65, [2] * 65, **options),
    "code_changes": lambda **options: code_changes_chart(CHANGES, **options),
    "codes_by_week": lambda **options: codes_by_week_chart(CODE_WEEKS, **options),
    "weeks": lambda **options: weeks_chart(WEEKS, since="2026-03-09", **options),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_is_a_picture(name):
    png = DRAWN[name]()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert width > 400
    assert height > 100


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_is_also_drawn_in_words(name, lang):
    svg = DRAWN[name](image="svg", lang=lang).decode()
    assert svg.startswith("<svg")
    assert WORDS[lang][name] in svg


@pytest.mark.parametrize("name", ["confusions", "code_changes", "codes_by_week"])
def test_codes_are_escaped_in_a_drawing(name):
    svg = DRAWN[name](image="svg").decode()
    assert "<b>" not in svg
    assert "&lt;b&gt;" in svg


def test_each_threshold_shows_its_target_unless_there_is_none():
    svg = coverage_chart(CURVE, THRESHOLDS, image="svg", lang="fr").decode()
    assert "≤ 5 %" in svg
    assert "≤ 7,5 %" in svg
    assert "≤ 1 %" not in svg
    assert WORDS["fr"]["indicative"] in svg


def test_both_languages_name_the_same_things():
    assert WORDS["fr"].keys() == WORDS["en"].keys()


@pytest.mark.parametrize(("lang", "monday"), [("fr", "9 mars"), ("en", "9 Mar")])
def test_weeks_are_named_by_their_monday_and_the_studied_ones_are_marked(lang, monday):
    svg = DRAWN["weeks"](image="svg", lang=lang).decode()
    assert monday in svg
    assert WORDS[lang]["since"] in svg
