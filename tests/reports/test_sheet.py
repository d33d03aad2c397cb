"""What the transparency sheet says: the promise as it is, no text, nothing that breaks a page."""

import pytest

from libelle.evaluation import assess
from libelle.reports import render_sheet
from tests.evaluated import MARK, make_coded_texts, make_model, make_threshold

DATA = {role: {"digest": "d", "n_texts": n} for role, n in (("fit", 1234), ("test", 99))}


@pytest.fixture(scope="module")
def manifest():
    return make_model(data=DATA).manifest


@pytest.mark.parametrize(
    ("lang", "promise"),
    [
        ("fr", "au plus 5\N{NARROW NO-BREAK SPACE}% des codes automatiques sont faux"),
        ("en", "at most 5% of the automatic codes are wrong"),
    ],
)
def test_the_promise_is_said_in_both_languages(manifest, lang, promise):
    assert promise in render_sheet(manifest, lang=lang)


def test_data_levels_and_segments_are_given(manifest):
    dataset = make_coded_texts()
    assessed = assess(
        make_model(), dataset, segments=["web", "desk|x", MARK] * 33, segment_column="channel"
    )
    sheet = render_sheet(
        manifest, lang="en", levels=assessed["levels"], segments=assessed["segments"]
    )
    assert "learnt from 1,234 texts" in sheet
    assert "| Level | Codes |" in sheet
    assert r"| desk\|x |" in sheet
    assert MARK not in sheet
    assert not [text for text in dataset.texts if text and text in sheet]


@pytest.mark.parametrize("status", ["indicative", "none"])
def test_what_is_not_proved_is_not_promised(status):
    threshold = make_threshold(status=status, bound=None, reachable_error=0.08)
    sheet = render_sheet(make_model(thresholds=(threshold,)).manifest, lang="en")
    assert "Promise of the model" not in sheet
    assert ("indicative" if status == "indicative" else "8.0%") in sheet


def test_without_threshold_a_person_checks_everything():
    sheet = render_sheet(make_model(thresholds=()).manifest, lang="fr")
    assert "une personne vérifie tout" in sheet


def test_purpose_and_contact_are_written_or_left_to_fill_in(manifest):
    assert "à compléter" in render_sheet(manifest, lang="fr")
    sheet = render_sheet(manifest, lang="fr", purpose="Trier les demandes.", contact="Mairie\n# x")
    assert "Trier les demandes." in sheet
    assert r"Mairie \# x" in sheet


def test_tables_are_whole(manifest):
    for line in render_sheet(manifest, lang="fr").splitlines():
        assert not line.startswith("|") or line.endswith("|")


def test_many_segments_are_cut_and_counted(manifest):
    segments = {
        "column": "office",
        "rows": [
            {"segment": f"office {n}", "n_texts": 40 - n, "accuracy": 1, "coverage": 1, "error": 0}
            for n in range(37)
        ],
    }
    sheet = render_sheet(manifest, lang="en", segments=segments)
    assert "office 29 |" in sheet
    assert "office 30 |" not in sheet
    assert "And 7 others" in sheet
