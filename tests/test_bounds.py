"""Bounds: exact tails, exact inverses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers
from scipy.stats import binom

from libelle.bounds import error_rate_bound, least_n_texts, p_value
from libelle.errors import DataError, UsageError


@given(n_texts=integers(1, 500), share=floats(0, 1), delta=floats(0.01, 0.5))
def test_bound_leaves_exactly_delta_below(n_texts, share, delta):
    n_errors = min(int(share * n_texts), n_texts - 1)
    bound = error_rate_bound(n_errors, n_texts, delta=delta)
    assert binom.cdf(n_errors, n_texts, bound) == pytest.approx(delta)


def test_bound_is_one_when_every_text_is_wrong():
    assert error_rate_bound(7, 7, delta=0.05) == 1.0


@given(n_texts=integers(1, 500), share=floats(0, 1), target=floats(0.01, 0.5))
def test_p_value_is_the_binomial_tail(n_texts, share, target):
    n_errors = int(share * n_texts)
    expected = binom.cdf(n_errors, n_texts, target)
    assert p_value(n_errors, n_texts, target_error=target) == pytest.approx(expected)


@given(n_texts=integers(1, 300), share=floats(0, 1), delta=floats(0.01, 0.5))
def test_p_value_and_bound_agree(n_texts, share, delta):
    n_errors = min(int(share * n_texts), n_texts - 1)
    bound = error_rate_bound(n_errors, n_texts, delta=delta)
    assert p_value(n_errors, n_texts, target_error=min(bound * 1.001, 1 - 1e-12)) < delta
    assert p_value(n_errors, n_texts, target_error=bound * 0.999) > delta


def test_arrays_are_answered_item_by_item():
    errors, texts = np.array([0, 3, 5]), np.array([10, 20, 5])
    bounds = error_rate_bound(errors, texts, delta=0.1)
    alone = [error_rate_bound(e, n, delta=0.1) for e, n in zip(errors, texts, strict=True)]
    assert bounds.tolist() == alone


@given(target=floats(0.001, 0.9), delta=floats(0.001, 0.9))
def test_least_n_texts_is_the_first_that_proves(target, delta):
    least = least_n_texts(target_error=target, delta=delta)
    assert (1 - target) ** least <= delta
    assert least == 1 or (1 - target) ** (least - 1) > delta * (1 - 1e-9)


def test_nothing_observed_bounds_nothing():
    with pytest.raises(DataError, match="No text was looked at"):
        error_rate_bound(0, 0, delta=0.05)


def test_more_errors_than_texts_are_refused():
    with pytest.raises(DataError, match="counted from 0"):
        p_value(3, 2, target_error=0.1)


@pytest.mark.parametrize("target", [0, 1, -0.1, float("nan")])
def test_a_target_out_of_range_is_refused(target):
    with pytest.raises(UsageError, match="target error"):
        p_value(0, 10, target_error=target)


@pytest.mark.parametrize("delta", [0, 1, 5, float("nan")])
def test_a_delta_out_of_range_is_refused(delta):
    with pytest.raises(UsageError, match="Delta"):
        error_rate_bound(0, 10, delta=delta)
