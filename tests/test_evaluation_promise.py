"""Whether a promise held, and which of two models is better: exact, and never overstated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from libelle.evaluation import (
    Outcome,
    check_promise,
    compare_models,
    error_interval,
    mcnemar_p_value,
)


@given(n_texts=st.integers(1, 400), share=st.floats(0, 1), delta=st.floats(0.01, 0.5))
def test_the_interval_is_that_of_clopper_and_pearson(n_texts, share, delta):
    n_errors = int(share * n_texts)
    expected = binomtest(n_errors, n_texts).proportion_ci(1 - delta, method="exact")
    assert error_interval(n_errors, n_texts, delta=delta) == pytest.approx(tuple(expected))


def test_the_interval_misses_the_true_rate_as_rarely_as_it_says():
    rate, n_texts = 0.04, 300
    missed = [
        not low <= rate <= high
        for low, high in (error_interval(n, n_texts) for n in range(n_texts + 1))
    ]
    assert binom.pmf(np.flatnonzero(missed), n_texts, rate).sum() <= 0.05


@pytest.mark.parametrize(
    ("n_errors", "n_texts", "outcome"),
    [
        (10, 1000, Outcome.CONFIRMED),
        (45, 1000, Outcome.HELD),
        (55, 1000, Outcome.UNCLEAR),
        (90, 1000, Outcome.BROKEN),
        (0, 0, Outcome.UNTESTED),
    ],
)
def test_an_outcome_says_what_the_interval_allows(n_errors, n_texts, outcome):
    assert check_promise(n_errors, n_texts, target_error=0.05) is outcome


def test_without_a_target_nothing_is_tested():
    assert check_promise(1, 10, target_error=None) is Outcome.UNTESTED


@given(first=st.integers(0, 80), second=st.integers(0, 80))
def test_mcnemar_is_the_exact_binomial_test(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_p_value(first, second) == pytest.approx(expected)


def test_the_paired_table_counts_each_text_once():
    first = np.array([True] * 70 + [True] * 12 + [False] * 3 + [False] * 15)
    second = np.array([True] * 70 + [False] * 12 + [True] * 3 + [False] * 15)
    compared = compare_models(first, second)
    counts = [compared[name] for name in ("n_both", "n_only_first", "n_only_second", "n_neither")]
    assert counts == [70, 12, 3, 15]
    assert compared["difference"] == pytest.approx(0.09)
    low, high = compared["difference_interval"]
    assert 0 < low < 0.09 < high
    assert compared["p_value"] == pytest.approx(binomtest(3, 15).pvalue)


def test_swapping_two_models_changes_the_sign_only():
    rng = np.random.default_rng(0)
    first, second = rng.random(200) < 0.8, rng.random(200) < 0.7
    one, other = compare_models(first, second), compare_models(second, first)
    assert one["p_value"] == other["p_value"]
    low, high = one["difference_interval"]
    assert other["difference_interval"] == pytest.approx([-high, -low])
