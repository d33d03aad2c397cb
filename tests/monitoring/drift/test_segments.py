"""Segments: each answer is in one of its kind, and shares are of the answers of a period."""

import numpy as np
import pytest

from libelle.data.nomenclature import Nomenclature
from libelle.monitoring.drift import count_codes_by_week, find_segments
from libelle.monitoring.drift.segments import LEAST_TEXTS
from tests.monitoring.rows import CODES, make_log

TOPICS = Nomenclature.from_rows(
    ["01", "02", "03", *CODES],
    ["Voirie", "Écoles", "Urbanisme", *CODES],
    [None, None, None, *(code[:2] for code in CODES)],
)


def segments(earlier, current, kind, nomenclature=TOPICS):
    found = find_segments(earlier, current, nomenclature=nomenclature)
    return [one for one in found if one.kind == kind]


@pytest.fixture(scope="module")
def periods():
    generator = np.random.default_rng(0)
    earlier = make_log(900, generator, refused=0.1)
    return earlier, make_log(600, generator, shares=np.array([0.2, 0.1, 0.05, 0.05, 0.2, 0.4]))


def test_each_code_is_under_what_stands_at_the_top(periods):
    found = segments(*periods, "top_code")
    assert [one.title for one in found] == ["Urbanisme", "Voirie", "Écoles"]
    for rows, total, shares in (
        (periods[0], [one.n_before for one in found], [one.share_before for one in found]),
        (periods[1], [one.n_after for one in found], [one.share_after for one in found]),
    ):
        codes = [one["top_code"] for one in rows.to_pylist() if one["decision"] != "refused"]
        assert total == [sum(code[:2] == one.name for code in codes) for one in found]
        assert shares == pytest.approx([n_texts / len(codes) for n_texts in total])


def test_the_automatic_share_and_the_confidence_are_those_of_the_segment(periods):
    for one in segments(*periods, "top_code"):
        rows = [
            row
            for row in periods[1].to_pylist()
            if row["decision"] != "refused" and row["top_code"][:2] == one.name
        ]
        n_automatic = sum(row["decision"] == "automatic" for row in rows)
        assert one.automatic_after == pytest.approx(n_automatic / len(rows))
        confidences = [row["confidence"] for row in rows]
        assert one.confidence_after == pytest.approx(np.mean(confidences))


def test_applications_are_told_apart_and_refusals_are_theirs_too():
    asked = ["b" * 32] * 60 + [None] * 30 + ["a" * 32] * 10
    current = make_log(100, np.random.default_rng(1), refused=0.5, client=asked)
    found = segments(None, current, "client", nomenclature=None)
    assert [(one.name, one.n_before, one.n_after) for one in found] == [
        ("b" * 32, 0, 60),
        ("", 0, 30),
        ("a" * 32, 0, 10),
    ]
    assert [one.share_before for one in found] == [None] * 3
    assert sum(one.share_after for one in found) == pytest.approx(1)
    decisions = current["decision"].to_pylist()[:60]
    assert found[0].automatic_after == decisions.count("automatic") / 60


def test_a_share_of_a_few_answers_is_none():
    n_rows = 2 * LEAST_TEXTS - 1
    asked = ["a"] * LEAST_TEXTS + ["b"] * (LEAST_TEXTS - 1)
    current = make_log(n_rows, np.random.default_rng(2), refused=0.0, client=asked)
    large, small = segments(None, current, "client")
    assert large.automatic_after is not None
    assert large.confidence_after is not None
    assert (small.automatic_after, small.confidence_after) == (None, None)


@pytest.mark.parametrize("nomenclature", [None, Nomenclature.from_codes(CODES.tolist())])
def test_nothing_stands_above_codes_without_levels_and_one_application_is_no_segment(
    periods, nomenclature
):
    assert find_segments(*periods, nomenclature=nomenclature) == []


def test_items_that_failed_and_periods_without_any_answer_have_no_segment():
    rows = make_log(40, np.random.default_rng(3), decision=[None] * 40, client=["a", "b"] * 20)
    assert find_segments(rows, rows.slice(0, 0), nomenclature=TOPICS) == []


def test_segments_are_counted_by_week_as_codes_are(periods):
    found = segments(*periods, "top_code")
    weeks = count_codes_by_week(periods[1], found, nomenclature=TOPICS)
    assert [one["share"] for one in weeks] == pytest.approx([one.share_after for one in found])
