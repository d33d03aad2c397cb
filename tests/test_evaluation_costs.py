"""What thresholds cost and cover: every threshold is tried, ties go in or out together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.errors import UsageError
from libelle.evaluation import cost_curve, error_coverage_curve

TEXTS = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=40)
COSTS = st.floats(0.1, 10)


def columns(rows):
    return np.array([row[0] / 10 for row in rows]), np.array([row[1] for row in rows])


def cost_at(threshold, confidences, wrong, *, cost_review, cost_error):
    above = confidences >= threshold
    spent = cost_review * (~above).sum() + cost_error * (above & wrong).sum()
    return spent / len(confidences)


@given(rows=TEXTS, cost_review=COSTS, cost_error=COSTS)
def test_the_least_cost_is_that_of_the_best_threshold(rows, cost_review, cost_error):
    confidences, wrong = columns(rows)
    prices = {"cost_review": cost_review, "cost_error": cost_error}
    curve = cost_curve(confidences, wrong, **prices)
    tried = [cost_at(t, confidences, wrong, **prices) for t in (*confidences, np.inf)]
    assert curve.costs[curve.best] == pytest.approx(min(tried))


@given(rows=TEXTS)
def test_each_point_counts_all_texts_at_or_above_its_threshold(rows):
    confidences, wrong = columns(rows)
    for point in error_coverage_curve(confidences, wrong):
        above = confidences >= point["threshold"]
        assert point["coverage"] == pytest.approx(above.mean())
        assert point["error"] == pytest.approx(wrong[above].mean())


def test_errors_that_cost_much_recommend_to_code_by_hand():
    curve = cost_curve(np.array([0.9, 0.8]), np.array([True, True]), cost_review=1, cost_error=9)
    assert curve.recommended_target_error is None
    assert curve.to_dict()["best"]["threshold"] is None


def test_errors_that_cost_little_recommend_to_code_all():
    wrong = np.array([False, True, False, False])
    curve = cost_curve(np.array([0.9, 0.8, 0.7, 0.6]), wrong, cost_review=1, cost_error=1)
    assert curve.recommended_target_error == pytest.approx(0.25)


def test_refused_texts_cost_a_manual_coding_at_any_threshold():
    curve = cost_curve(np.array([0.9]), np.array([False]), cost_review=2, cost_error=9, n_refused=3)
    assert curve.costs.tolist() == [2.0, 1.5]
    assert curve.coverages.tolist() == [0.0, 0.25]


def test_the_curve_keeps_its_cheapest_point_however_few_are_shown():
    rng = np.random.default_rng(0)
    confidences = rng.random(5_000)
    wrong = rng.random(5_000) > confidences
    curve = cost_curve(confidences, wrong, cost_review=1, cost_error=4)
    rows = curve.rows(n_points=10)
    assert len(rows) <= 11
    assert min(row["cost"] for row in rows) == curve.costs.min()


@pytest.mark.parametrize("prices", [(0, 1), (1, -1), (float("nan"), 1), (1, float("inf"))])
def test_an_odd_cost_is_refused(prices):
    with pytest.raises(UsageError, match="numbers above 0"):
        cost_curve(np.array([0.9]), np.array([True]), cost_review=prices[0], cost_error=prices[1])


def test_no_text_has_no_cost():
    with pytest.raises(UsageError, match="at least one coded text"):
        cost_curve(np.array([]), np.array([], dtype=bool), cost_review=1, cost_error=1)
