"""Sentences: plain, in both languages, with the words that one would use."""

import pytest

from libelle.monitoring.drift import (
    SIZES,
    Change,
    Comparison,
    Finding,
    Severity,
    describe_change,
    describe_finding,
)
from libelle.monitoring.drift.sentences import WORDS


def change(before, after, since="2026-03-02"):
    return Change("05", "Urbanisme", 0, 0, before, after, 1e-9, since)


def plain(sentence):
    return sentence.replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("one", "french", "english"),
    [
        (change(0.04, 0.08), "a doublé depuis début mars 2026", "doubled since early March 2026"),
        (change(0.02, 0.06), "a triplé depuis début mars 2026", "tripled since early March 2026"),
        (change(0.02, 0.09), "a été multiplié par 4,5", "was multiplied by 4.5"),
        (change(0.08, 0.04), "a diminué de moitié", "halved"),
        (change(0.10, 0.13), "a augmenté de 30 %", "went up by 30%"),
        (change(0.10, 0.03, None), "a baissé de 70 % (", "went down by 70% ("),
        (change(0.0, 0.03, "2026-04-20"), "est apparu depuis mi-avril", "appeared since mid-April"),
        (
            change(0.03, 0.0, "2026-12-28"),
            "a disparu depuis fin décembre",
            "disappeared since late",
        ),
    ],
)
def test_a_change_is_said_as_one_would(one, french, english):
    assert f"« Urbanisme » {french}" in plain(describe_change(one, "fr"))
    assert f"“Urbanisme” {english}" in plain(describe_change(one, "en"))


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_each_finding_has_its_sentence(name, lang):
    comparison = Comparison(name, 1e-6, 0.62, "unit", before=0.3, after=0.2)
    sentence = describe_finding(Finding(comparison, 1e-5, Severity.LOW), lang)
    assert sentence.endswith(".")
    assert "{" not in sentence
    if name == "decisions":
        said = "a baissé : 30,0 % → 20,0 %" if lang == "fr" else "went down: 30.0% → 20.0%"
        assert said in plain(sentence)


def test_both_languages_say_the_same_things():
    assert set(WORDS["fr"]) == set(WORDS["en"])
