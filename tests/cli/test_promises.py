"""What is said of a promise is what its status allows, and never more."""

import pytest

from libelle.cli.promises import promise, sentence

AUTOMATION = {
    "n_distinct_texts": 200,
    "n_right": 180,
    "n_automatic": 140,
    "n_review": 50,
    "n_refused": 10,
    "n_automatic_errors": 3,
}
THRESHOLD = {
    "target_error": 0.05,
    "delta": 0.025,
    "status": "guaranteed",
    "threshold": 0.8,
    "n_texts": 1000,
    "n_automatic": 700,
    "n_errors": 21,
    "coverage": 0.69,
    "reachable_error": None,
    "n_texts_needed": None,
}
NONE = THRESHOLD | {
    "status": "none",
    "threshold": None,
    "reachable_error": 0.082,
    "n_texts_needed": 3400,
}


@pytest.mark.parametrize("words", [promise(THRESHOLD), sentence(AUTOMATION, THRESHOLD)])
def test_what_is_proved_is_said_with_its_confidence(words):
    assert "at most 5 %" in words
    assert "confidence 97.5 %" in words


@pytest.mark.parametrize("say", [promise, lambda threshold: sentence(AUTOMATION, threshold)])
def test_an_indication_is_never_called_a_promise(say):
    words = say(THRESHOLD | {"status": "indicative"})
    assert "nothing is proved" in words
    assert "at most" not in words
    assert "confidence 97.5 %" not in words


@pytest.mark.parametrize("say", [promise, lambda threshold: sentence(AUTOMATION, threshold)])
def test_without_a_threshold_one_reads_what_would_be_possible(say):
    words = say(NONE)
    assert "8.2 % could be reached" in words
    assert "3,400 texts to certify on" in words
    assert "automatic" in words


def test_the_shares_of_the_sentence_are_those_of_distinct_texts():
    words = sentence(AUTOMATION, THRESHOLD)
    assert words.startswith("Of 200 distinct texts never seen, 70% coded automatically")
    assert "25% to review, 5% refused" in words
    assert "3 of 140 were wrong" in words


def test_too_few_texts_are_told_how_many_it_takes_at_least():
    words = promise(NONE | {"n_texts": 40, "reachable_error": None, "n_texts_needed": None})
    assert "No fewer than 72 texts" in promise(NONE | {"n_texts": 40, "delta": 0.025})
    assert "No fewer than 72 texts" in words
    assert "No fewer" not in promise(NONE)
