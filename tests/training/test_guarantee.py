"""Guarantee: more errors than promised in a share δ of the draws at most, whatever the curve."""

import json
import time
from functools import cache

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid
from scipy.stats import binom

from libelle.bounds import least_n_texts, p_value
from libelle.decision import GuaranteeStatus
from libelle.errors import DataError, UsageError
from libelle.training.anchors import anchored_sequence, pass_probability
from libelle.training.guarantee import (
    certify_threshold,
    find_threshold,
    indicative_threshold,
    share_delta,
)

TARGET, DELTA = 0.1, 0.1
GRID = np.linspace(0, 1, 100_001)

# How often a text is wrong, given its confidence: each is hard in its own way.
CURVES = {
    "falling": lambda s: 0.35 * (1 - s),
    "steep": lambda s: 0.6 / (1 + np.exp(30 * (s - 0.5))),
    "always at the target": lambda s: np.full_like(s, 0.1001),
    "plateau just above": lambda s: np.where(s > 0.8, 0.02, np.where(s > 0.75, 0.45, 0.105)),
    "grazing": lambda s: 0.09 + 0.03 * (1 - s),
    "bad at the top": lambda s: np.where(s > 0.95, 0.3, 0.3 * (1 - s)),
    "two crossings": lambda s: np.select([s > 0.7, s > 0.5, s > 0.3], [0.11, 0.05, 0.14], 0.4),
    "a bad start, then good, then bad": lambda s: np.select([s > 0.9, s > 0.4], [0.2, 0.04], 0.5),
}


@cache
def errors_above(name):
    return cumulative_trapezoid(CURVES[name](GRID)[::-1], GRID, initial=0)


def true_error(name, threshold):
    """Return the mean of a curve above a threshold."""
    return float(np.interp(1 - threshold, GRID, errors_above(name)) / (1 - threshold))


def draw(generator, curve, n_texts, *, digits=6):
    confidences = np.round(generator.random(n_texts), 6)
    wrong = generator.random(n_texts) < curve(confidences)
    # Cut downwards, so that a threshold keeps its meaning: ties are whole intervals.
    return np.floor(confidences * 10**digits) / 10**digits, wrong


def count_broken(name, *, n_texts, n_draws, digits=6, rule="anchored", target=TARGET):
    generator, broken = np.random.default_rng(0), 0
    prior = draw(generator, CURVES["falling"], 2000)
    for _ in range(n_draws):
        threshold = find_threshold(
            *draw(generator, CURVES[name], n_texts, digits=digits),
            target_error=target,
            delta=DELTA,
            rule=rule,
            prior=prior,
        )
        if threshold is not None:
            broken += true_error(name, threshold) > target + 1e-6
    return broken


@pytest.fixture
def n_draws(request):
    return 2000 if request.config.getoption("--long") else 120


def most_broken(n_draws):
    """Return the most breaches that a rule of level δ shows, but once in ten thousand runs."""
    return binom.ppf(1 - 1e-4, n_draws, DELTA)


@pytest.mark.parametrize("rule", ["anchored", "planned"])
@pytest.mark.parametrize("name", CURVES)
def test_promise_is_broken_at_most_as_often_as_said(name, rule, n_draws):
    n_broken = count_broken(name, n_texts=400, n_draws=n_draws, rule=rule)
    assert n_broken <= most_broken(n_draws)


@pytest.mark.parametrize("rule", ["anchored", "planned"])
@pytest.mark.parametrize("digits", [1, 2])
def test_ties_break_no_promise(digits, rule, n_draws):
    n_broken = count_broken("falling", n_texts=300, n_draws=n_draws, digits=digits, rule=rule)
    assert n_broken <= most_broken(n_draws)


@pytest.mark.parametrize("n_texts", [1, 21, 22, 40])
def test_few_texts_break_no_promise(n_texts, n_draws):
    n_broken = count_broken("always at the target", n_texts=n_texts, n_draws=n_draws)
    assert n_broken <= most_broken(n_draws)


@pytest.mark.parametrize("target", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("delta", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("n_texts", [50, 300, 2000])
def test_levels_use_delta_and_no_more(n_texts, delta, target):
    ends = np.arange(1, n_texts + 1)
    ranks, n_allowed, anchors, n_allowed_at = anchored_sequence(
        ends, target_error=target, delta=delta
    )
    if n_texts < least_n_texts(target_error=target, delta=delta):
        assert len(ranks) == 0
        return
    for rank, allowed in list(zip(ranks, n_allowed, strict=True))[:: len(ranks) // 5 + 1]:
        later = anchors > rank
        walk = np.append(rank, anchors[later]), np.append(allowed, n_allowed_at[later])
        assert pass_probability(*walk, target) <= delta + 1e-9
        walk[1][0] += 1
        assert pass_probability(*walk, target) > delta - 1e-9


def test_levels_of_tied_texts_use_no_more_than_delta():
    generator = np.random.default_rng(1)
    for _ in range(20):
        ends = np.unique(np.append(generator.integers(1, 1000, size=12), 1000))
        _, _, anchors, n_allowed_at = anchored_sequence(ends, target_error=0.1, delta=0.05)
        assert np.isin(anchors, ends).all()
        assert len(anchors) == 0 or pass_probability(anchors, n_allowed_at, 0.1) <= 0.05


def test_a_guaranteed_threshold_is_proved_by_its_own_counts():
    confidences, wrong = draw(np.random.default_rng(2), CURVES["falling"], 2000)
    found = certify_threshold(
        confidences, wrong, target_error=0.1, delta=0.05, n_refused=500, data_digest="ab12"
    )
    automatic = confidences >= found.threshold
    assert found.status is GuaranteeStatus.GUARANTEED
    assert (found.n_automatic, found.n_errors) == (automatic.sum(), wrong[automatic].sum())
    assert p_value(found.n_errors, found.n_automatic, target_error=0.1) <= 0.05
    assert (found.bound, found.coverage) == (0.1, automatic.sum() / 2500)
    assert (found.reachable_error, found.n_texts_needed) == (None, None)


def test_order_of_the_texts_changes_nothing():
    confidences, wrong = draw(np.random.default_rng(3), CURVES["falling"], 800, digits=2)
    order = np.random.default_rng(4).permutation(800)
    one = certify_threshold(confidences, wrong, target_error=0.1, delta=0.1)
    other = certify_threshold(confidences[order], wrong[order], target_error=0.1, delta=0.1)
    assert one == other


def test_manifest_holds_json_and_an_id_of_all_the_rest():
    scores = draw(np.random.default_rng(5), CURVES["falling"], 800)
    found = certify_threshold(*scores, target_error=0.1, delta=0.05, data_digest="ab12")
    other = certify_threshold(*scores, target_error=0.1, delta=0.05, data_digest="cd34")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
    assert len(found.id) == 12
    assert found.id != other.id


def test_without_a_threshold_what_is_reachable_is_said():
    scores = draw(np.random.default_rng(6), CURVES["falling"], 1000)
    found = certify_threshold(*scores, target_error=0.01, delta=0.05)
    assert (found.status, found.threshold, found.coverage) == (GuaranteeStatus.NONE, None, 0.0)
    assert found.n_texts_needed > 1000
    reached = certify_threshold(*scores, target_error=found.reachable_error, delta=0.05)
    missed = certify_threshold(*scores, target_error=found.reachable_error - 0.002, delta=0.05)
    assert reached.threshold is not None
    assert missed.threshold is None


def test_nothing_is_reachable_when_all_is_wrong():
    found = certify_threshold(np.linspace(0, 1, 50), np.ones(50, bool), target_error=0.1, delta=0.1)
    assert (found.status, found.reachable_error, found.n_texts_needed) == ("none", None, None)


@pytest.mark.parametrize("rule", ["anchored", "planned"])
def test_all_right_texts_are_automatic_from_the_least_number_on(rule):
    least = least_n_texts(target_error=0.1, delta=0.05)
    prior = np.full(100, 0.9), np.zeros(100, dtype=bool)
    for n_texts, status in ((least - 1, "none"), (least, "guaranteed")):
        scores = np.full(n_texts, 0.9), np.zeros(n_texts, dtype=bool)
        found = certify_threshold(*scores, target_error=0.1, delta=0.05, rule=rule, prior=prior)
        assert found.status == status


def test_out_of_fold_scores_prove_nothing():
    scores = draw(np.random.default_rng(7), CURVES["falling"], 2000)
    found = indicative_threshold(*scores, target_error=0.1, delta=0.05)
    assert (found.status, found.rule, found.bound) == ("indicative", "out_of_fold", None)
    assert found.threshold is not None


def test_ten_thousand_texts_take_no_more_than_seconds():
    scores = draw(np.random.default_rng(8), CURVES["falling"], 10_000)
    started = time.perf_counter()
    certify_threshold(*scores, target_error=0.037, delta=0.043)
    assert time.perf_counter() - started < 10


def test_statements_share_delta():
    assert share_delta(0.05, 4) == 0.0125


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_error": 0.0}, "target error is 0.0"),
        ({"target_error": 1.0}, "target error is 1.0"),
        ({"delta": 0.0}, "Delta is 0.0"),
        ({"delta": 1.5}, "Delta is 1.5"),
        ({"rule": "hopeful"}, "'hopeful' is no rule"),
        ({"rule": "planned"}, "needs out-of-fold scores"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, message):
    options = {"target_error": 0.1, "delta": 0.05, **options}
    with pytest.raises(UsageError, match=message):
        certify_threshold(np.array([0.5]), np.array([False]), **options)


@pytest.mark.parametrize(
    ("confidences", "wrong", "message"),
    [
        ([], [], "No text was looked at"),
        ([0.5], [True, False], "1 confidences for 2 answers"),
        ([np.nan], [True], "not a number"),
    ],
)
def test_scores_that_cannot_be_used_are_refused(confidences, wrong, message):
    with pytest.raises(DataError, match=message):
        certify_threshold(
            np.array(confidences), np.array(wrong, dtype=bool), target_error=0.1, delta=0.05
        )


def test_no_statement_shares_nothing():
    with pytest.raises(UsageError, match="0 statements"):
        share_delta(0.05, 0)


def test_a_large_delta_ends_too():
    generator = np.random.default_rng(0)
    confidences, wrong = generator.random(500), generator.random(500) < 0.02
    for delta in (0.5, 0.7, 0.95):
        found = certify_threshold(confidences, wrong, target_error=0.05, delta=delta)
        assert found.threshold is not None
