"""Prediction sets: lists that hold the right code as often as promised, and are never empty."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers
from scipy.stats import binom

from libelle.errors import DataError, UsageError
from libelle.prediction_sets import (
    COVERAGES,
    PER_CODE,
    prediction_set_sizes,
    prediction_sets,
    rank_codes,
)
from libelle.training.prediction_sets import fit_prediction_sets


def draw(generator, *, n_texts, n_codes=8, sharpness=2.0, known=1.0):
    """Draw probabilities that exaggerate, and the truth from milder ones."""
    scores = sharpness * generator.normal(size=(n_texts, n_codes))
    mild, sharp = (np.exp(scores * factor) for factor in (0.6, 1.0))
    mild, sharp = (values / values.sum(axis=1, keepdims=True) for values in (mild, sharp))
    targets = (mild.cumsum(axis=1) > generator.random((n_texts, 1))).argmax(axis=1)
    return sharp, np.where(generator.random(n_texts) < known, targets, -1)


def held(sets, targets):
    return np.array([target in columns for columns, target in zip(sets, targets, strict=True)])


@given(seed=integers(0, 10_000), delta=floats(0.02, 0.5), sharpness=floats(0.2, 5))
def test_lists_are_never_empty_and_begin_with_the_likeliest_code(seed, delta, sharpness):
    probabilities, targets = draw(np.random.default_rng(seed), n_texts=200, sharpness=sharpness)
    for coverage in COVERAGES:
        rule = fit_prediction_sets(
            probabilities, targets, delta=delta, coverage=coverage, min_per_code=30
        )
        sets = prediction_sets(probabilities, rule)
        assert [columns[0] for columns in sets] == probabilities.argmax(axis=1).tolist()


@pytest.mark.parametrize("known", [1.0, 0.98])
@pytest.mark.parametrize("delta", [0.05, 0.2])
def test_lists_hold_the_right_code_as_often_as_promised(delta, known):
    generator, n_draws, n_held = np.random.default_rng(0), 400, 0
    for _ in range(n_draws):
        probabilities, targets = draw(generator, n_texts=150, known=known)
        rule = fit_prediction_sets(probabilities, targets, delta=delta)
        fresh, truth = draw(generator, n_texts=20, known=known)
        if rule is None:  # Nothing is promised; not that the code is missed.
            n_held += 20
            continue
        n_held += int(held(prediction_sets(fresh, rule), truth).sum())
    # Texts of one draw share a rule: 20 of them weigh less than 20 independent ones.
    assert binom.cdf(n_held // 8, n_draws * 20 // 8, 1 - delta) > 1e-3


def test_each_frequent_code_is_held_as_often_as_promised():
    generator, shares = np.random.default_rng(1), []
    for _ in range(150):
        probabilities, targets = draw(generator, n_texts=1000, n_codes=4)
        rule = fit_prediction_sets(probabilities, targets, delta=0.1, coverage=PER_CODE)
        fresh, truth = draw(generator, n_texts=400, n_codes=4)
        found = held(prediction_sets(fresh, rule), truth)
        shares.append([found[truth == code].mean() for code in range(4)])
    assert np.mean(shares, axis=0) == pytest.approx(0.9, abs=0.02)


def test_quantile_is_the_smallest_that_suffices():
    generator = np.random.default_rng(2)
    probabilities, targets = draw(generator, n_texts=999)
    rule = fit_prediction_sets(probabilities, targets, delta=0.1)
    shorter = {**rule, "quantile": rule["quantile"] - 2e-6}
    assert held(prediction_sets(probabilities, rule), targets).sum() >= 900
    assert held(prediction_sets(probabilities, shorter), targets).sum() < 900


def test_a_list_does_not_depend_on_the_texts_around():
    probabilities, targets = draw(np.random.default_rng(3), n_texts=300)
    rule = fit_prediction_sets(probabilities, targets)
    together = prediction_set_sizes(probabilities, rule)
    alone = [prediction_set_sizes(probabilities[[row]], rule)[0] for row in range(300)]
    assert together.tolist() == alone


def test_a_rule_survives_json():
    probabilities, targets = draw(np.random.default_rng(4), n_texts=600, n_codes=4)
    rule = fit_prediction_sets(probabilities, targets, coverage=PER_CODE, min_per_code=50)
    read = json.loads(json.dumps(rule, allow_nan=False))
    sizes = prediction_set_sizes(probabilities, rule)
    assert prediction_set_sizes(probabilities, read).tolist() == sizes.tolist()


def test_nothing_is_promised_when_too_many_codes_are_unknown():
    probabilities, targets = draw(np.random.default_rng(5), n_texts=500, known=0.8)
    assert fit_prediction_sets(probabilities, targets, delta=0.05) is None


def test_nothing_is_promised_from_too_few_texts():
    probabilities, targets = draw(np.random.default_rng(6), n_texts=18)
    assert fit_prediction_sets(probabilities, targets, delta=0.05) is None


def test_no_text_is_refused():
    with pytest.raises(DataError, match="No text was looked at"):
        fit_prediction_sets(np.empty((0, 3)), np.empty(0, dtype=np.int64))


def test_a_delta_out_of_range_is_refused():
    with pytest.raises(UsageError, match="Delta"):
        fit_prediction_sets(np.eye(3), np.arange(3), delta=1.0)


def test_lists_of_each_code_hold_a_hard_code_that_easy_ones_hide():
    generator = np.random.default_rng(7)
    probabilities, targets = draw(generator, n_texts=4000, n_codes=4)
    noise = generator.random(len(targets)) < 0.04
    targets[noise] = 0  # What stands under code 0 is not what it looks like.
    shares = {}
    for coverage in COVERAGES:
        sets = prediction_sets(
            probabilities, fit_prediction_sets(probabilities, targets, coverage=coverage)
        )
        shares[coverage] = held(sets, targets)[targets == 0].mean()
    assert shares["marginal"] < 0.94
    assert shares[PER_CODE] >= 0.95


@given(seed=integers(0, 10_000), n_codes=integers(2, 300), n_ranks=integers(1, 12))
def test_ranks_are_those_of_a_stable_sort_even_on_ties(seed, n_codes, n_ranks):
    n_ranks = min(n_ranks, n_codes)
    probabilities = np.random.default_rng(seed).integers(0, 6, (20, n_codes)) / 5
    expected = np.argsort(-probabilities, axis=1, kind="stable")[:, :n_ranks]
    assert rank_codes(probabilities, n_ranks).tolist() == expected.tolist()


@given(seed=integers(0, 10_000), n_ranks=integers(1, 9), sharpness=floats(0.2, 5))
def test_looking_at_the_first_ranks_only_cuts_the_same_lists(seed, n_ranks, sharpness):
    generator = np.random.default_rng(seed)
    probabilities, targets = draw(generator, n_texts=200, n_codes=90, sharpness=sharpness)
    rule = fit_prediction_sets(probabilities, targets, delta=0.2)
    if rule is None:
        return
    ranked = rank_codes(probabilities, n_ranks)
    cut = [columns.tolist() for columns in prediction_sets(probabilities, rule, ranked=ranked)]
    whole = prediction_sets(probabilities, rule)
    assert cut == [columns[:n_ranks].tolist() for columns in whole]
