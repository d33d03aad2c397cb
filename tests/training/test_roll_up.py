"""Roll-up: what is proved of the texts in doubt holds among them, and not only among all."""

import numpy as np
import pytest
from scipy.stats import binom

from libelle.training.roll_up import LADDER, Above, RollUpPlan, certify_roll_up

TARGET, DELTA = 0.1, 0.1


def draw(generator, n_texts, *, error=0.3, n_levels=2):
    """Draw texts whose levels above are wrong as often as the confidences say, times a factor."""
    own = generator.random(n_texts)
    confidences = np.empty((n_texts, n_levels))
    below = own
    for level in range(n_levels):
        below = below + (1 - below) * generator.random(n_texts)
        confidences[:, level] = below
    rates = np.minimum(1.0, error * (1 - confidences))
    wrong = generator.random((n_texts, n_levels)) < rates
    return Above(own, confidences, wrong), generator.random(n_texts) > own


def plan_for(n_texts=2000, **options):
    prior, wrong = draw(np.random.default_rng(99), 4000, **options)
    plan = RollUpPlan.from_out_of_fold(
        prior, wrong, n_texts=n_texts, target_error=TARGET, delta=DELTA
    )
    assert plan is not None
    return plan


@pytest.mark.parametrize("error", [0.3, 0.6, 1.5])
def test_the_error_among_texts_in_doubt_exceeds_the_target_as_seldom_as_promised(error, request):
    n_draws = 2000 if request.config.getoption("--long") else 200
    world, _ = draw(np.random.default_rng(7), 200_000, error=error)
    plan, generator, n_broken, n_found = plan_for(), np.random.default_rng(8), 0, 0
    for _ in range(n_draws):
        rows = generator.integers(0, 200_000, 2000)
        sample = Above(world.codes_confidences[rows], world.confidences[rows], world.wrong[rows])
        found = certify_roll_up(
            sample, plan, codes_threshold=0.95, target_error=TARGET, delta=DELTA
        )
        if found["threshold"] is not None:
            rolled, wrong = world.rolled_up(found["cut"], found["threshold"])
            n_found += 1
            n_broken += wrong.sum() / rolled.sum() > TARGET
    assert binom.sf(n_broken - 1, n_draws, DELTA) > 1e-3
    assert n_found > (n_draws // 2 if error == 0.3 else -1)


def test_what_is_counted_is_what_is_rolled_up():
    sample, _ = draw(np.random.default_rng(1), 3000)
    plan = plan_for()
    found = certify_roll_up(sample, plan, codes_threshold=0.95, target_error=TARGET, delta=DELTA)
    rolled, wrong = sample.rolled_up(found["cut"], found["threshold"])
    assert (found["n_automatic"], found["n_errors"]) == (rolled.sum(), wrong.sum())
    assert found["bound"] == TARGET
    assert found["threshold"] in LADDER
    assert (sample.codes_confidences[rolled] < 0.95).all()


def test_a_cut_above_the_threshold_of_the_codes_is_never_kept():
    sample, _ = draw(np.random.default_rng(2), 3000)
    plan = RollUpPlan(((0.8, 0.9), (0.9, 0.9)))
    options = {"target_error": TARGET, "delta": DELTA}
    assert certify_roll_up(sample, plan, codes_threshold=0.85, **options)["cut"] == 0.8
    assert certify_roll_up(sample, plan, codes_threshold=0.95, **options)["cut"] == 0.9
    assert certify_roll_up(sample, plan, codes_threshold=0.7, **options)["status"] == "none"
    assert certify_roll_up(sample, plan, codes_threshold=None, **options)["cut"] == 0.9


def test_the_deepest_sure_level_is_the_one_that_counts():
    above = Above(
        np.array([0.1, 0.1, 0.1, 0.9]),
        np.array([[0.8, 0.9], [0.5, 0.9], [0.2, 0.4], [0.9, 0.9]]),
        np.array([[True, False], [True, False], [True, True], [True, True]]),
    )
    rolled, wrong = above.rolled_up(0.5, 0.7)
    assert rolled.tolist() == [True, True, False, False]
    assert wrong.tolist() == [True, False, False, False]


def test_too_few_texts_in_doubt_make_no_plan():
    above, wrong = draw(np.random.default_rng(3), 40)
    options = {"n_texts": 100, "target_error": TARGET, "delta": DELTA}
    assert RollUpPlan.from_out_of_fold(above, wrong, **options) is None


def test_a_plan_survives_the_manifest():
    plan = plan_for()
    assert RollUpPlan.from_list([list(pair) for pair in plan.pairs]) == plan
