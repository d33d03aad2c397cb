"""Weeks: every answer is in one of them, repeated or not, and shares are shares."""

from datetime import timedelta

import numpy as np
import pytest

from libelle.data.nomenclature import Nomenclature
from libelle.monitoring.drift import Change, WeekCounts, count_codes_by_week, count_weeks
from tests.monitoring.rows import CODES, FIRST_DAY, make_log, with_column

CHANGES = [Change(name, f"Titre {name}", 1, 2, 0.1, 0.2, 0.01) for name in ("01", "0302")]


@pytest.fixture(scope="module")
def rows():
    return make_log(500, np.random.default_rng(0), n_days=20, refused=0.1)


@pytest.fixture(scope="module")
def nomenclature():
    codes = ["01", "02", "03", *CODES]
    parents = [None, None, None, *(code[:2] for code in CODES)]
    return Nomenclature.from_rows(codes, codes, parents)


def test_each_answer_is_in_the_week_of_its_monday(rows):
    weeks = count_weeks(rows)
    assert [week["week"] for week in weeks] == ["2026-03-02", "2026-03-09", "2026-03-16"]
    assert sum(week["n_answers"] for week in weeks) == 500
    assert all(
        week["automatic"] + week["review"] + week["refused"] == pytest.approx(1) for week in weeks
    )


def test_repeated_texts_are_answers_too(rows):
    repeated = with_column(rows, "text_hash", ["one"] * 500)
    assert count_weeks(repeated) == count_weeks(rows)


def test_weeks_add_up_day_by_day(rows, nomenclature):
    counts = WeekCounts()
    for start in range(0, len(rows), 70):
        counts.add(rows.slice(start, 70))
    for added, at_once in zip(counts.weeks(), count_weeks(rows), strict=True):
        assert added == pytest.approx(at_once)
    assert counts.codes(CHANGES, nomenclature=nomenclature) == count_codes_by_week(
        rows, CHANGES, nomenclature=nomenclature
    )


def test_sunday_night_is_of_the_week_before():
    days = [FIRST_DAY + timedelta(days=7, seconds=second) for second in (-1, 0)]
    rows = make_log(2, np.random.default_rng(0), received_at=days)
    assert [week["week"] for week in count_weeks(rows)] == ["2026-03-02", "2026-03-09"]


def test_items_that_failed_are_left_out_and_a_week_of_refusals_has_no_confidence():
    decisions = ["refused", "refused", None]
    rows = make_log(3, np.random.default_rng(0), decision=decisions)
    [week] = count_weeks(rows)
    assert (week["n_answers"], week["refused"], week["confidence"]) == (2, 1.0, None)
    assert count_codes_by_week(rows, CHANGES, nomenclature=None) == []


def test_a_code_above_has_the_texts_of_those_below(rows, nomenclature):
    shares = count_codes_by_week(rows, CHANGES, nomenclature=nomenclature)
    assert len(shares) == 6
    first = rows.slice(0, len(rows)).to_pylist()
    week = [one for one in first if one["received_at"] < FIRST_DAY + timedelta(days=7)]
    answered = [one["top_code"] for one in week if one["decision"] != "refused"]
    above = sum(code[:2] == "01" for code in answered) / len(answered)
    assert shares[0]["share"] == pytest.approx(above)
    assert shares[1]["share"] == pytest.approx(answered.count("0302") / len(answered))
