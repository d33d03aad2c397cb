"""What an audit says: estimates without bias, counted in the order of the draw."""

import numpy as np
import pyarrow.compute as pc
import pytest
from scipy.stats import binom

from libelle.errors import DataError, UsageError
from libelle.evaluation.promise import error_interval
from libelle.monitoring.audit import Status, draw, estimate
from tests.monitoring.rows import make_log

WRONG = "9999"


def judge(sample, generator, *, error=0.05):
    """Return right codes; texts in doubt are wrong more often."""
    doubts = 1 - sample["confidence"].to_numpy()
    wrong = generator.random(len(sample)) < np.minimum(1, error * doubts / 0.05)
    rows = zip(
        sample["prediction_id"].to_pylist(), sample["top_code"].to_pylist(), wrong, strict=True
    )
    return {name: WRONG if is_wrong else code for name, code, is_wrong in rows}


@pytest.fixture(scope="module")
def log():
    return make_log(4000, np.random.default_rng(0))


def test_estimates_have_no_bias_and_their_interval_holds_the_rate(log, request):
    n_draws = 400 if request.config.getoption("--long") else 25
    everything = draw(log, n_automatic=9999, n_review=9999, seed=0)
    answers = judge(everything, np.random.default_rng(1))
    truth = estimate(everything, answers, target_error=0.05).automatic.error_rate
    assert truth.low == truth.high == truth.horvitz_thompson == pytest.approx(truth.hajek)
    found = []
    for seed in range(n_draws):
        sample = draw(log, n_automatic=150, n_review=0, seed=seed)
        found.append(estimate(sample, answers, target_error=0.05).automatic.error_rate)
    rates = np.array([one.horvitz_thompson for one in found])
    assert abs(rates.mean() - truth.hajek) < 4 * rates.std() / np.sqrt(n_draws)
    n_missed = sum(not one.low <= truth.hajek <= one.high for one in found)
    assert binom.sf(n_missed - 1, n_draws, 0.05) > 1e-3


def test_equal_probabilities_give_the_exact_interval(log):
    sample = draw(log, n_automatic=100, n_review=0, seed=0, doubtful_share=0.0)
    arm = estimate(sample, judge(sample, np.random.default_rng(0)), target_error=0.05).automatic
    low, high = error_interval(arm.n_wrong, 100)
    assert (arm.error_rate.low, arm.error_rate.high) == (pytest.approx(low), pytest.approx(high))
    assert arm.error_rate.interval == "exact"


def test_texts_count_in_the_order_of_the_draw_up_to_the_first_one_not_judged(log):
    sample = draw(log, n_automatic=50, n_review=0, seed=0)
    answers = judge(sample, np.random.default_rng(0))
    del answers[sample["prediction_id"][20].as_py()]
    shuffled = sample.take(np.random.default_rng(1).permutation(50))
    arm = estimate(shuffled, answers, target_error=0.05).automatic
    assert (arm.n_drawn, arm.n_judged, arm.n_waiting) == (50, 20, 29)


def test_a_draw_stopped_halfway_is_estimated_like_a_smaller_one(log):
    large, small = (draw(log, n_automatic=n, n_review=0, seed=0) for n in (200, 60))
    answers = judge(small, np.random.default_rng(0))
    halfway = estimate(large, answers, target_error=0.05).automatic.error_rate
    whole = estimate(small, answers, target_error=0.05).automatic.error_rate
    assert halfway == whole


def test_both_arms_have_their_accuracy(log):
    sample = draw(log, n_automatic=300, n_review=200, seed=0)
    found = estimate(sample, judge(sample, np.random.default_rng(0)), target_error=0.05)
    assert found.automatic.accuracy > found.review.accuracy
    assert found.to_dict()["review"]["accuracy"] == found.review.accuracy


@pytest.mark.parametrize(
    ("error", "status"), [(0.2, Status.BROKEN), (0.0, Status.HOLDS), (0.05, Status.IN_DOUBT)]
)
def test_the_status_follows_the_errors(log, error, status):
    sample = draw(log, n_automatic=400, n_review=0, seed=0)
    answers = judge(sample, np.random.default_rng(0), error=error)
    found = estimate(sample, answers, target_error=0.05)
    assert found.status is status
    assert (found.n_more_texts == 0) == (status is not Status.IN_DOUBT)


def test_a_text_that_nobody_can_judge_is_neither_right_nor_wrong(log):
    sample = draw(log, n_automatic=100, n_review=0, seed=0)
    answers = dict.fromkeys(sample["prediction_id"].to_pylist())
    arm = estimate(sample, answers, target_error=0.05).automatic
    assert (arm.n_judged, arm.n_undecided, arm.n_wrong) == (100, 100, 0)
    assert arm.accuracy is None


def test_nothing_judged_yet_is_in_doubt(log):
    found = estimate(draw(log, n_automatic=9, n_review=9, seed=0), {}, target_error=0.05)
    assert (found.status, found.automatic.n_judged) == (Status.IN_DOUBT, 0)
    assert (found.automatic.low, found.automatic.high) == (0.0, 1.0)
    assert found.n_more_texts is None


def test_an_empty_draw_is_in_doubt():
    empty = draw(make_log(0, np.random.default_rng(0)), n_automatic=9, n_review=9, seed=0)
    found = estimate(empty, {}, target_error=0.05)
    assert (found.status, found.model_digest) == (Status.IN_DOUBT, "")


def test_a_table_that_is_no_draw_is_refused(log):
    sample = draw(log, n_automatic=9, n_review=9, seed=0)
    with pytest.raises(DataError, match="lacks columns of an audit"):
        estimate(sample.drop_columns(["rings_at"]), {}, target_error=0.05)
    doubled = sample.take([0, 0, 1])
    with pytest.raises(DataError, match="prediction_id twice"):
        estimate(doubled, {}, target_error=0.05)
    with pytest.raises(UsageError, match="target error"):
        estimate(sample, {}, target_error=5)


def test_columns_added_by_hand_change_nothing(log):
    sample = draw(log, n_automatic=30, n_review=9, seed=0)
    answers = judge(sample, np.random.default_rng(0))
    noted = sample.append_column("note", pc.utf8_upper(sample["prediction_id"]))
    found = estimate(noted, answers, target_error=0.05)
    assert found == estimate(sample, answers, target_error=0.05)
