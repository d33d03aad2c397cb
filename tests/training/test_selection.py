"""Which trial wins: the best, or one tied with it whose probabilities are better."""

import pytest

from libelle.data.text import NormalizerOptions
from libelle.training.folds import FoldResult
from libelle.training.selection import Trial, best_trial, choose, contenders
from libelle.training.space import Specification


def make_trial(number, values, *, log_loss=1.0, state="complete"):
    specification = Specification(NormalizerOptions(), "tfidf", {"svm_cost": float(number)})
    results = [
        FoldResult(fold, accuracy=value, macro_f1=value, log_loss=log_loss, seconds=1.0)
        for fold, value in enumerate(values)
    ]
    return Trial(number, None, specification, results, state)


CLEARLY_BEST = make_trial(0, [0.90, 0.91, 0.92], log_loss=2.0)
CLEARLY_WORSE = make_trial(1, [0.80, 0.81, 0.82], log_loss=0.1)
TIED = make_trial(2, [0.92, 0.89, 0.91], log_loss=1.0)
PRUNED = make_trial(3, [0.99], state="pruned")


def test_a_trial_that_is_clearly_worse_never_wins():
    assert choose([CLEARLY_BEST, CLEARLY_WORSE], "macro_f1") is CLEARLY_BEST


def test_between_trials_that_the_folds_cannot_tell_apart_log_loss_decides():
    trials = [CLEARLY_BEST, CLEARLY_WORSE, TIED]
    assert contenders(trials, "macro_f1") == [CLEARLY_BEST, TIED]
    assert choose(trials, "macro_f1") is TIED
    assert best_trial(trials, "macro_f1") is CLEARLY_BEST


def test_the_earlier_of_two_equal_trials_is_the_best():
    twins = [make_trial(number, [0.9, 0.8, 0.7]) for number in (4, 5)]
    assert best_trial(twins, "accuracy") is twins[0]
    assert choose(twins, "accuracy") is twins[0]


def test_log_loss_is_the_smaller_the_better():
    trials = [CLEARLY_BEST, CLEARLY_WORSE]
    assert choose(trials, "log_loss") is CLEARLY_WORSE


@pytest.mark.parametrize("trials", [[], [PRUNED]])
def test_without_a_complete_trial_nobody_wins(trials):
    assert best_trial(trials, "macro_f1") is None
    assert choose(trials, "macro_f1") is None
