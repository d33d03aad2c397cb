"""The sheet of an audit: nothing is lost between the draw and the codes that come back."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.errors import DataError
from libelle.monitoring.audit import draw, join_answers, make_sheet
from libelle.monitoring.audit.sheet import NOBODY_CAN_TELL, SHEET_COLUMNS
from tests.monitoring.rows import CODES, make_log

SAMPLE = draw(make_log(300, np.random.default_rng(0)), n_automatic=30, n_review=10, seed=0)
IDS = SAMPLE["prediction_id"].to_pylist()
GIVEN = st.sampled_from([*CODES.tolist(), "", "  ", NOBODY_CAN_TELL, " 0101 "])


@given(given=st.lists(GIVEN, max_size=len(IDS)), order=st.permutations(IDS))
def test_each_code_that_was_given_comes_back_to_its_text(given, order):
    pairs = list(zip(order, given, strict=False))
    joined = join_answers(SAMPLE, pairs, codes=CODES.tolist())
    for name, code in pairs:
        stripped = code.strip()
        if not stripped:
            assert name not in joined
        else:
            assert joined[name] == (None if stripped == NOBODY_CAN_TELL else stripped)
    assert set(joined) <= set(order)


@given(n_automatic=st.integers(0, 60), n_review=st.integers(0, 30))
def test_a_sheet_has_each_text_once_and_any_part_of_it_has_both_arms(n_automatic, n_review):
    rows = make_log(300, np.random.default_rng(1))
    sample = draw(rows, n_automatic=n_automatic, n_review=n_review, seed=0)
    sheet = make_sheet(sample)
    assert tuple(sheet.column_names) == SHEET_COLUMNS
    arm_of = dict(
        zip(*(sample[name].to_pylist() for name in ("prediction_id", "arm")), strict=True)
    )
    names = sheet["prediction_id"].to_pylist()
    assert sorted(names) == sorted(arm_of)
    totals, seen = Counter(arm_of.values()), Counter()
    for place, name in enumerate(names, start=1):
        seen[arm_of[name]] += 1
        for arm, total in totals.items():
            assert abs(seen[arm] - total * place / len(names)) <= 1


def test_many_rows_that_cannot_be_joined_are_counted_and_a_few_are_named():
    pairs = [(f"stranger {n}", "0101") for n in range(9)]
    with pytest.raises(DataError, match=re.escape("stranger 2 and 6 more")):
        join_answers(SAMPLE, pairs)


def test_a_code_that_the_sample_never_had_is_taken_when_no_nomenclature_is_known():
    assert join_answers(SAMPLE, [(IDS[0], "9999")]) == {IDS[0]: "9999"}
