"""Comparisons: real only as often as promised, large only when they are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2_contingency, fisher_exact, ks_2samp, norm

from libelle.monitoring.drift.comparisons import (
    chi_square,
    compare_codes,
    compare_unknown_words,
    exact_p_values,
    jensen_shannon,
    kolmogorov_smirnov,
    pool,
)
from libelle.monitoring.drift.severity import SIZES, holm
from libelle.profile import Profile

COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 300), min_size=1)


def many_codes(generator, n_texts, n_codes=500):
    shares = 1 / np.arange(1, n_codes + 1)
    drawn = generator.multinomial(n_texts, shares / shares.sum())
    return {f"{code:03}": n for code, n in enumerate(drawn.tolist()) if n}


def profile_of(n_words, n_unknown):
    n_texts = len(n_words)
    return Profile.of(
        codes=["a"] * n_texts,
        confidences=np.full(n_texts, 0.9),
        refusals=[None] * n_texts,
        n_characters=n_words * 6,
        n_words=n_words,
        n_unknown_words=n_unknown,
        automatic={},
    )


def profile_of_codes(counts):
    n_texts = sum(counts.values())
    return replace(profile_of(np.ones(1, int), np.zeros(1, int)), n_texts=n_texts, codes=counts)


@given(before=COUNTS, after=COUNTS)
def test_pooling_keeps_every_text_and_leaves_no_rare_class(before, after):
    cells = pool(before, after)
    assert cells.sum(axis=1).tolist() == [sum(before.values()), sum(after.values())]
    expected = np.outer(cells.sum(axis=1), cells.sum(axis=0)) / cells.sum()
    assert cells.shape[1] == 1 or (expected >= 5 - 1e-9).all()


@given(before=COUNTS, after=COUNTS)
def test_comparing_the_other_way_round_is_the_same(before, after):
    one, other = pool(before, after), pool(after, before)
    assert chi_square(one) == pytest.approx(chi_square(other))
    assert jensen_shannon(one) == pytest.approx(jensen_shannon(other), abs=1e-9)
    assert 0 <= jensen_shannon(one) <= 1


def test_the_chi_square_is_that_of_scipy():
    cells = np.array([[30.0, 50.0, 20.0], [60.0, 50.0, 40.0]])
    assert chi_square(cells) == pytest.approx(chi2_contingency(cells).pvalue)


def test_one_rare_class_is_compared_as_fisher_does():
    [p_value] = exact_p_values([20], [3], (20_000, 10_000))
    table = [[3, 9_997], [20, 19_980]]
    tails = [fisher_exact(table, side).pvalue for side in ("less", "greater")]
    assert p_value == pytest.approx(2 * min(tails), rel=0.01)


def test_a_single_new_code_among_hundreds_is_seen():
    generator = np.random.default_rng(3)
    before, after = many_codes(generator, 20_000), many_codes(generator, 2_000)
    after["new"] = 15
    assert chi_square(pool(before, after)) > 1e-3
    assert compare_codes(*map(profile_of_codes, (before, after))).p_value < 1e-6


def test_binned_distances_are_those_of_the_values():
    generator = np.random.default_rng(0)
    before, after = generator.integers(0, 20, 4000), generator.integers(0, 19, 3000)
    counts = [np.bincount(values, minlength=20).tolist() for values in (before, after)]
    p_value, distance = kolmogorov_smirnov(*counts)
    exact = ks_2samp(before, after, method="asymp")
    assert distance == pytest.approx(exact.statistic)
    assert p_value == pytest.approx(exact.pvalue, rel=0.2)


def test_hundreds_of_codes_raise_no_more_alarms_than_promised_and_have_no_size(request):
    n_draws = 1000 if request.config.getoption("--long") else 100
    generator, n_alarms, sizes = np.random.default_rng(1), 0, []
    for _ in range(n_draws):
        profiles = (profile_of_codes(many_codes(generator, n)) for n in (20_000, 2_000))
        found = compare_codes(*profiles)
        n_alarms += found.p_value <= 0.05
        sizes.append(found.size)
    assert binom.sf(n_alarms - 1, n_draws, 0.05) > 1e-3
    assert np.median(sizes) < SIZES["codes"][0]
    assert max(sizes) < SIZES["codes"][1]


def test_the_error_of_a_share_of_words_is_that_of_its_residuals():
    generator = np.random.default_rng(4)
    n_words = 1 + generator.poisson(6, 900)
    n_unknown = generator.binomial(n_words, 0.3) * (generator.random(900) < 0.5)
    found = compare_unknown_words(
        profile_of(n_words[:600], n_unknown[:600]), profile_of(n_words[600:], n_unknown[600:])
    )
    residuals = n_unknown - n_unknown.sum() / n_words.sum() * n_words
    error = residuals.std() / n_words.mean() * np.sqrt(1 / 600 + 1 / 300)
    assert found.p_value == pytest.approx(2 * norm.sf(found.size / error))


def test_looking_at_codes_in_two_ways_counts_double():
    profiles = [profile_of_codes({"a": n, "b": 1000 - n}) for n in (500, 540)]
    cells = pool(*(profile.codes for profile in profiles))
    assert compare_codes(*profiles).p_value == pytest.approx(2 * chi_square(cells))


def test_words_that_go_together_raise_no_more_alarms_than_promised(request):
    n_draws = 1000 if request.config.getoption("--long") else 200
    generator, n_alarms = np.random.default_rng(2), 0
    for _ in range(n_draws):
        profiles = []
        for n_texts in (2000, 500):
            n_words = 1 + generator.poisson(6, n_texts)
            # In one text out of ten no word is known: words are far from independent.
            profiles.append(profile_of(n_words, n_words * (generator.random(n_texts) < 0.1)))
        n_alarms += compare_unknown_words(*profiles).p_value <= 0.05
    assert binom.sf(n_alarms - 1, n_draws, 0.05) > 1e-3
    assert n_alarms > 0.01 * n_draws


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=8), alpha=st.floats(0.01, 0.5))
def test_holm_rejects_step_by_step(p_values, alpha):
    rejected, left = set(), sorted(range(len(p_values)), key=lambda place: p_values[place])
    while left and p_values[left[0]] * len(left) <= alpha:
        rejected.add(left.pop(0))
    assert {place for place, value in enumerate(holm(p_values)) if value <= alpha} == rejected


def test_nothing_to_compare_is_no_difference():
    assert kolmogorov_smirnov([0, 0], [1, 2]) == (1.0, 0.0)
    assert chi_square(pool({}, {})) == 1.0
    assert jensen_shannon(pool({"a": 3}, {})) == 0.0
