"""What the gate promises: a worse challenger is stopped, as seldom wrongly as is said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from libelle.decision import Guarantee, GuaranteeStatus
from libelle.tracking.gate import (
    SMALL_SEGMENTS,
    Answers,
    Limits,
    check_accuracy,
    check_calibration,
    check_coverage,
    check_golden,
    check_guarantee,
    check_latency,
    check_promise,
    check_segments,
    check_size,
    compare_segments,
    describe,
    difference_bound,
    holm,
    judge,
)

GUARANTEED, INDICATIVE, NONE = (
    GuaranteeStatus.GUARANTEED,
    GuaranteeStatus.INDICATIVE,
    GuaranteeStatus.NONE,
)


def outcomes(*, both=0, gained=0, lost=0, neither=0):
    """Return which texts the challenger and the champion answer rightly."""
    counts = [both, gained, lost, neither]
    challenger = np.repeat([True, True, False, False], counts)
    return challenger, np.repeat([True, False, True, False], counts)


def answers(right, **changes):
    n_texts = len(right)
    made = Answers(
        right=right,
        answered=np.ones(n_texts, dtype=bool),
        automatic=np.zeros(n_texts, dtype=bool),
        confidences=np.full(n_texts, 0.9),
        guarantee=Guarantee(),
        golden=True,
        seconds=0.001,
        n_bytes=1000,
    )
    return replace(made, **changes)


def share_let_through(*, n_texts, margin, lost_share):
    """Return, exactly, how often a challenger worse by the margin passes."""
    lost = np.arange(binom.ppf(1 - 1e-9, n_texts, lost_share) + 1)
    total = 0.0
    for n_lost in lost.astype(int):
        least, most = 0, n_texts - n_lost + 1
        while least < most:
            gained = (least + most) // 2
            passes = difference_bound(gained, n_lost, n_texts, alpha=0.05) >= -margin
            least, most = (least, gained) if passes else (gained + 1, most)
        gained_share = (lost_share - margin) / (1 - lost_share)
        chance = binom.pmf(n_lost, n_texts, lost_share)
        total += chance * binom.sf(least - 1, n_texts - n_lost, gained_share)
    return total


@pytest.mark.parametrize(
    ("n_texts", "margin", "lost_share"),
    [
        (40, 0.05, 0.06),
        (40, 0.05, 0.1),
        pytest.param(300, 0.01, 0.01, marks=pytest.mark.long),
        pytest.param(300, 0.01, 0.015, marks=pytest.mark.long),
        pytest.param(300, 0.01, 0.05, marks=pytest.mark.long),
        pytest.param(1000, 0.02, 0.04, marks=pytest.mark.long),
    ],
)
def test_a_challenger_worse_by_the_margin_passes_at_most_as_often_as_is_said(
    n_texts, margin, lost_share
):
    share = share_let_through(n_texts=n_texts, margin=margin, lost_share=lost_share)
    assert 0.02 < share <= 0.05


@given(
    gained=st.integers(0, 40),
    lost=st.integers(0, 40),
    rest=st.integers(0, 400),
    alpha=st.just(0.05),
)
def test_the_bound_lies_below_what_is_seen_and_rises_with_each_gain(gained, lost, rest, alpha):
    n_texts = gained + lost + rest + 1
    bound = difference_bound(gained, lost, n_texts, alpha=alpha)
    assert -1 <= bound < (gained - lost) / n_texts
    assert bound <= difference_bound(gained + 1, lost, n_texts, alpha=alpha) + 1e-5


def test_without_any_loss_the_bound_is_that_of_no_event():
    assert difference_bound(0, 0, 300, alpha=0.05) == pytest.approx(0.05 ** (1 / 300) - 1, abs=2e-5)


def test_an_equal_challenger_passes_with_enough_texts_and_is_told_how_many_without():
    assert check_accuracy(*outcomes(both=2400, gained=60, lost=60, neither=180)).passed
    check = check_accuracy(*outcomes(both=240, gained=6, lost=6, neither=18))
    assert not check.passed
    assert "about 1,202 texts would be needed" in check.why


def test_no_number_of_texts_helps_a_challenger_seen_worse_than_the_margin():
    check = check_accuracy(*outcomes(both=900, gained=0, lost=40, neither=60))
    assert not check.passed
    assert "more texts would not help" in check.why


def test_a_wider_margin_lets_through():
    pair = outcomes(both=240, gained=6, lost=6, neither=18)
    assert check_accuracy(*pair, limits=Limits(margin=0.05)).passed


def test_a_segment_that_lost_is_found_when_the_whole_gained():
    worse, better = outcomes(both=80, lost=20), outcomes(both=500, gained=100)
    challenger, champion = (np.concatenate(part) for part in zip(worse, better, strict=True))
    segments = ["roads"] * 100 + ["taxes"] * 600
    table = compare_segments(challenger, champion, segments)
    assert [(one.name, one.worse) for one in table] == [("roads", True), ("taxes", False)]
    check = check_segments(table)
    assert not check.passed
    assert "roads 1.000 → 0.800 (100)" in check.why


def test_small_segments_are_looked_at_together():
    challenger, champion = outcomes(both=80, lost=40)
    segments = [f"street {n % 10}" for n in range(120)]
    [segment] = compare_segments(challenger, champion, segments)
    assert (segment.name, segment.n_texts, segment.worse) == (SMALL_SEGMENTS, 120, True)


def test_a_loss_by_chance_or_within_the_margin_stops_nothing():
    by_chance = compare_segments(*outcomes(both=90, gained=3, lost=7), ["a"] * 100)
    within = compare_segments(*outcomes(both=1980, lost=20), ["a"] * 2000)
    assert check_segments(by_chance).passed
    assert check_segments(within).passed


@pytest.mark.parametrize("n_segments", [1, 12])
def test_equal_models_are_seldom_stopped_by_a_segment(n_segments):
    generator = np.random.default_rng(0)
    segments = [str(number) for number in range(n_segments)] * 60
    stopped = [
        not check_segments(
            compare_segments(*(generator.random((2, len(segments))) < 0.7), segments)
        ).passed
        for _ in range(200)
    ]
    assert np.sum(stopped) <= binom.ppf(0.999, 200, 0.05)


def test_holm_rejects_step_by_step():
    assert holm([0.04, 0.01, 0.02], alpha=0.05) == [True, True, True]
    assert holm([0.04, 0.03, 0.02], alpha=0.05) == [False, False, False]
    assert holm([], alpha=0.05) == []


def promise(status, target=None, delta=None):
    return Guarantee(status=status, target_error=target, delta=delta)


@pytest.mark.parametrize(
    ("challenger", "champion", "passed"),
    [
        (promise(NONE), promise(NONE), True),
        (promise(GUARANTEED, 0.05, 0.05), promise(GUARANTEED, 0.05, 0.05), True),
        (promise(GUARANTEED, 0.02, 0.05), promise(GUARANTEED, 0.05, 0.05), True),
        (promise(GUARANTEED, 0.1, 0.05), promise(GUARANTEED, 0.05, 0.05), False),
        (promise(GUARANTEED, 0.05, 0.1), promise(GUARANTEED, 0.05, 0.05), False),
        (promise(INDICATIVE, 0.05, 0.05), promise(GUARANTEED, 0.05, 0.05), False),
        (promise(GUARANTEED, 0.05, 0.05), promise(INDICATIVE, 0.05, 0.05), True),
        (promise(GUARANTEED, 0.1, 0.05), promise(INDICATIVE, 0.05, 0.05), False),
        (promise(NONE), promise(INDICATIVE, 0.05, 0.05), False),
        (promise(GuaranteeStatus.SUSPENDED, 0.05, 0.05), promise(INDICATIVE, 0.05), False),
        (promise(GUARANTEED, 0.1, 0.05), promise(NONE, 0.05, 0.05), True),
    ],
)
def test_a_promise_is_never_weaker(challenger, champion, passed):
    assert check_guarantee(challenger, champion).passed is passed


def test_a_promise_that_the_texts_refute_is_stopped():
    right = np.repeat([True, False], [180, 20])
    automatic = np.ones(200, dtype=bool)
    assert check_promise(right, automatic, promise(GUARANTEED, 0.1, 0.05)).passed
    check = check_promise(right, automatic, promise(GUARANTEED, 0.05, 0.05))
    assert (check.passed, check.value) == (False, 0.1)
    assert check_promise(right, ~automatic, promise(GUARANTEED, 0.05, 0.05)).passed


def test_as_much_stays_automatic():
    before = np.repeat([True, False], [70, 30])
    assert check_coverage(np.repeat([True, False], [68, 32]), before).passed
    assert not check_coverage(np.repeat([True, False], [67, 33]), before).passed


def test_confidences_stay_honest_and_refused_texts_do_not_count():
    right = np.tile(np.arange(10) > 0, 30)
    honest, boastful = answers(right), answers(right, confidences=np.full(300, 0.99))
    assert check_calibration(honest, honest).passed
    assert not check_calibration(boastful, honest).passed
    refused = answers(right, answered=right, confidences=np.where(right, 1.0, 0.5))
    assert check_calibration(refused, honest).value == pytest.approx(0)


def test_golden_texts_speed_and_size_are_looked_at():
    assert not check_golden(False).passed
    assert check_latency(0.0019, 0.0001).passed
    assert not check_latency(0.021, 0.01).passed
    assert check_size(19_000_000, 1000).passed
    assert check_size(190_000_000, 100_000_000).passed
    assert not check_size(210_000_000, 100_000_000).passed


def test_every_check_is_in_the_verdict_and_one_failure_stops_it():
    right = np.ones(1000, dtype=bool)
    checks, table = judge(answers(right), answers(right), ["a"] * 1000)
    verdict = describe(checks, table)
    assert verdict["passed"] is True
    assert [check["name"] for check in verdict["checks"]] == [
        "accuracy",
        "segments",
        "guarantee",
        "promise",
        "coverage",
        "calibration",
        "golden",
        "latency",
        "size",
    ]
    checks, table = judge(answers(right, golden=False), answers(right), ["a"] * 1000)
    assert describe(checks, table)["passed"] is False
