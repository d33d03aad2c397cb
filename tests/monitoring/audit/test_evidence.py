"""Evidence: whenever one stops, a verdict is wrong no more often than promised."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from libelle.monitoring.audit.evidence import (
    Judged,
    Status,
    bets_against,
    error_rate_interval,
    evidence_against,
    evidence_for,
    read_status,
)
from libelle.monitoring.audit.horizon import n_texts_to_decide
from libelle.monitoring.audit.sampling import clock_rates

TARGET, DELTA = 0.05, 0.05


class World:
    """Texts coded automatically, wrong as often as told, and more often when in doubt."""

    def __init__(self, generator, *, error, n_texts=20_000, doubtful_share=0.5):
        doubts = generator.beta(0.6, 1.5, n_texts)
        strata = [f"{doubt:.1f}" for doubt in doubts]
        self.rates = clock_rates(1 - 0.2 * doubts, strata, doubtful_share=doubtful_share)
        chances = np.minimum(1, doubts * error / doubts.mean())
        order = np.argsort(generator.random(n_texts) / np.maximum(chances, 1e-9))
        self.wrong = np.zeros(n_texts, dtype=bool)
        self.wrong[order[: round(error * n_texts)]] = True  # Exactly this error, not on average.

    def judge(self, generator, n_texts):
        rings = generator.exponential(size=len(self.rates)) / self.rates
        drawn = np.argsort(rings)[:n_texts]
        undecided = np.zeros(len(drawn), dtype=bool)
        return Judged(
            self.rates[drawn], self.wrong[drawn], undecided, len(self.rates), self.rates.min()
        )


def count_verdicts(error, evidence, n_draws, *, n_texts, n_population=20_000, share=0.5):
    generator = np.random.default_rng(5)
    world = World(generator, error=error, n_texts=n_population, doubtful_share=share)
    found = (evidence(world.judge(generator, n_texts), TARGET) for _ in range(n_draws))
    return sum(values.max() >= 1 / DELTA for values in found)


@pytest.mark.parametrize("evidence", [evidence_against, evidence_for])
@pytest.mark.parametrize(("n_population", "share"), [(20_000, 0.5), (20_000, 0.0), (1_000, 0.5)])
def test_a_verdict_is_wrong_no_more_often_than_promised(evidence, n_population, share, request):
    n_draws = 2000 if request.config.getoption("--long") else 200
    options = {"n_population": n_population, "share": share}
    n_wrong = count_verdicts(TARGET, evidence, n_draws, n_texts=1000, **options)
    assert binom.sf(n_wrong - 1, n_draws, DELTA) > 1e-3


@pytest.mark.parametrize(("error", "n_texts"), [(0.11, 300), (0.08, 1000)])
def test_a_broken_promise_is_seen_as_soon_as_measured(error, n_texts, request):
    n_draws = 1000 if request.config.getoption("--long") else 100
    n_found = count_verdicts(error, evidence_against, n_draws, n_texts=n_texts)
    assert binom.cdf(n_found, n_draws, 0.9) > 1e-3


@pytest.mark.parametrize(("error", "n_texts"), [(0.01, 300), (0.03, 1400)])
def test_a_promise_that_holds_is_confirmed_as_soon_as_measured(error, n_texts, request):
    n_draws = 1000 if request.config.getoption("--long") else 100
    n_found = count_verdicts(error, evidence_for, n_draws, n_texts=n_texts)
    assert binom.cdf(n_found, n_draws, 0.9) > 1e-3


def test_the_interval_holds_the_rate_at_every_moment(request):
    n_draws = 500 if request.config.getoption("--long") else 30
    generator = np.random.default_rng(6)
    world = World(generator, error=0.06, n_texts=5000)
    n_missed = 0
    for _ in range(n_draws):
        judged = world.judge(generator, int(generator.integers(1, 800)))
        low, high = error_rate_interval(judged, delta=DELTA)
        n_missed += not low <= 0.06 <= high
    assert binom.sf(n_missed - 1, n_draws, DELTA) > 1e-3


def test_the_interval_narrows_as_texts_are_judged():
    world = World(np.random.default_rng(6), error=0.06)
    judged = world.judge(np.random.default_rng(7), 1500)
    low, high = error_rate_interval(judged, delta=DELTA)
    assert 0.03 < low < 0.06 < high < 0.1


@given(
    wrong=st.lists(st.booleans(), min_size=1, max_size=60),
    target=st.floats(0.01, 0.9),
    seed=st.integers(0, 99),
)
def test_evidence_is_never_negative_and_a_census_tells_the_truth(wrong, target, seed):
    generator = np.random.default_rng(seed)
    rates = 0.5 / len(wrong) + 0.5 * generator.dirichlet(np.ones(len(wrong)))
    order = np.argsort(generator.exponential(size=len(wrong)) / rates)
    undecided = np.zeros(len(wrong), dtype=bool)
    judged = Judged(rates[order], np.array(wrong), undecided, len(wrong), rates.min())
    against, favour = evidence_against(judged, target), evidence_for(judged, target)
    assert min(against.min(), favour.min()) >= 0
    n_allowed = target * len(wrong)
    if abs(sum(wrong) - n_allowed) > 1e-6:
        broken = sum(wrong) > n_allowed
        status = Status.BROKEN if broken else Status.HOLDS
        assert not broken or favour[-1] == 0
        assert read_status(against, favour, delta=1e-6) is status
    low, high = error_rate_interval(judged, delta=DELTA)
    assert low <= np.mean(wrong) <= high


@given(seed=st.integers(0, 99), target=st.floats(0.02, 0.5))
def test_the_mean_of_each_factor_is_one_at_the_target_whatever_was_found_before(seed, target):
    generator = np.random.default_rng(seed)
    n_texts, n_wrong = 200, max(1, round(200 * target))
    wrong = np.arange(n_texts) < n_wrong
    rates = 0.5 / n_texts + 0.5 * generator.dirichlet(np.ones(n_texts))
    past = np.argsort(generator.exponential(size=n_texts) / rates)[:50]
    left = np.setdiff1d(np.arange(n_texts), past)
    bet, mean = bets_against(n_wrong / n_texts)[3], 0.0
    undecided = np.zeros(51, dtype=bool)
    for text in left:
        order = np.append(past, text)
        judged = Judged(rates[order], wrong[order], undecided, n_texts, rates.min())
        allowed = n_wrong / n_texts - wrong[past].sum() / n_texts
        factor = 1 + bet * (judged.weights[-1] * wrong[text] - allowed)
        mean += factor * rates[text] / rates[left].sum()
    assert mean == pytest.approx(1)


@given(delta=st.floats(0.001, 0.5), factor=st.floats(0.01, 0.99))
def test_a_verdict_needs_evidence_of_one_over_delta_at_some_moment(delta, factor):
    too_little, enough = np.array([1.0, factor / delta, 0.0]), np.array([1.0, 1.01 / delta, 0.0])
    assert read_status(too_little, too_little, delta=delta) is Status.IN_DOUBT
    assert read_status(too_little, enough, delta=delta) is Status.HOLDS
    assert read_status(enough, too_little, delta=delta) is Status.BROKEN


def test_texts_that_nobody_can_judge_decide_nothing():
    undecided = np.ones(800, dtype=bool)
    rates = np.full(800, 1 / 9000)
    judged = Judged(rates, np.zeros(800, dtype=bool), undecided, 9000, 1 / 9000)
    against, favour = evidence_against(judged, TARGET), evidence_for(judged, TARGET)
    assert read_status(against, favour, delta=DELTA) is Status.IN_DOUBT
    assert error_rate_interval(judged, delta=DELTA)[1] == 1.0


def test_nothing_judged_says_nothing():
    nothing = Judged(np.zeros(0), np.zeros(0, bool), np.zeros(0, bool), 10, 0.1)
    against, favour = evidence_against(nothing, TARGET), evidence_for(nothing, TARGET)
    assert read_status(against, favour, delta=DELTA) is Status.IN_DOUBT
    assert error_rate_interval(nothing, delta=DELTA) == (0.0, 1.0)
    assert n_texts_to_decide(nothing, target_error=TARGET, delta=DELTA, seed=0) is None


@pytest.mark.parametrize(("error", "n_judged"), [(0.15, 30), (0.025, 200)])
def test_texts_to_come_are_foreseen_at_the_rate_seen(error, n_judged):
    world = World(np.random.default_rng(9), error=error)
    foreseen, needed = [], []
    for seed in range(8):
        judged = world.judge(np.random.default_rng(seed), 3000)
        evidence = np.maximum(evidence_against(judged, TARGET), evidence_for(judged, TARGET))
        needed.append(int((evidence >= 1 / DELTA).argmax()) + 1)
        begun = replace(
            judged,
            rates=judged.rates[:n_judged],
            wrong=judged.wrong[:n_judged],
            undecided=judged.undecided[:n_judged],
        )
        n_more = n_texts_to_decide(begun, target_error=TARGET, delta=DELTA, seed=seed)
        foreseen.append(np.inf if n_more is None else n_judged + n_more)
        assert n_texts_to_decide(judged, target_error=TARGET, delta=DELTA, seed=seed) == 0
    assert 0.65 < np.median(foreseen) / np.median(needed) < 1.6


def test_without_errors_the_number_of_texts_to_come_is_known():
    def all_right(n_texts):
        nothing = np.zeros(n_texts, dtype=bool)
        return Judged(np.full(n_texts, 1e-6), nothing, nothing, 10**6, 1e-6)

    n_needed = int((evidence_for(all_right(3000), 0.005) >= 1 / DELTA).argmax()) + 1
    n_more = n_texts_to_decide(all_right(40), target_error=0.005, delta=DELTA, seed=0)
    assert 40 + n_more == n_needed > 500


def test_a_rate_at_the_target_is_not_said_to_decide_soon():
    generator = np.random.default_rng(9)
    judged = World(generator, error=TARGET, doubtful_share=0).judge(generator, 2000)
    n_texts = n_texts_to_decide(judged, target_error=TARGET, delta=DELTA, seed=0)
    assert n_texts is None or n_texts > 500
