"""What the charts promise: a picture in either form, words in either language, texts escaped."""

import struct

import pytest

from libelle.figures import (
    confusions_chart,
    cost_chart,
    coverage_chart,
    per_code_chart,
    reliability_chart,
)
from libelle.figures.evaluation import WORDS

CURVE = [{"coverage": 0.1, "error": 0.0, "cost": 1.0}, {"coverage": 0.9, "error": 0.1, "cost": 0.5}]
CODES = [{"code": "<b>&", "answered": "02", "n_texts": 3, "f1": 0.5}]
BINS = [{"confidence": 0.2, "accuracy": 0.1, "n_texts": 4}]
THRESHOLDS = [
    {"coverage": 0.7, "target_error": 0.05, "status": "guaranteed"},
    {"coverage": 0.8, "target_error": 0.075, "status": "indicative"},
    {"coverage": 0.0, "target_error": 0.01, "status": "none"},
]

DRAWN = {
    "confusions": lambda **options: confusions_chart(CODES, **options),
    "codes": lambda **options: per_code_chart(CODES, **options),
    "reliability": lambda **options: reliability_chart(BINS, **options),
    "curve": lambda **options: coverage_chart(CURVE, THRESHOLDS, **options),
    "costs": lambda **options: cost_chart(CURVE, CURVE[1], **options),
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


def test_codes_are_escaped_in_a_drawing():
    svg = confusions_chart(CODES, image="svg").decode()
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
