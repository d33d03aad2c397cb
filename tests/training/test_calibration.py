"""What calibration promises, on scores whose true probabilities are known."""

import numpy as np
import pytest

from libelle.classifiers.base import softmax
from libelle.evaluation import log_loss, macro_f1_of_columns
from libelle.training.calibration import fit_calibration, fit_temperature


@pytest.fixture(scope="module")
def scored():
    """Scores of 4,000 texts, true codes drawn from their softmax twice as sharp, log-shares."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4000, 6)) + np.log([40, 20, 10, 5, 2, 1])
    targets = np.array([rng.choice(6, p=row) for row in softmax(2 * scores)])
    return scores, targets, np.log(np.bincount(targets, minlength=6) / len(targets))


def test_the_temperature_that_was_hidden_is_found(scored):
    temperature, strength = fit_calibration(*scored, metric="log_loss")
    assert temperature == pytest.approx(2.0, rel=0.1)
    assert strength == 0


def test_macro_f1_gains_and_accuracy_loses_at_most_a_standard_error(scored):
    scores, targets, priors = scored
    temperature, strength = fit_calibration(*scored, metric="macro_f1")
    shifted = scores * temperature - strength * priors
    plain, answers = scores.argmax(axis=1), shifted.argmax(axis=1)
    accuracy = (plain == targets).mean()
    error = np.sqrt(accuracy * (1 - accuracy) / len(targets))
    assert (answers == targets).mean() >= accuracy - error
    gained, before = (macro_f1_of_columns(targets, a, n_codes=6) for a in (answers, plain))
    assert gained >= before
    assert log_loss(softmax(shifted), targets) < log_loss(softmax(scores), targets)


def test_accuracy_never_loses(scored):
    scores, targets, priors = scored
    temperature, strength = fit_calibration(*scored, metric="accuracy")
    answers = (scores * temperature - strength * priors).argmax(axis=1)
    assert (answers == targets).mean() >= (scores.argmax(axis=1) == targets).mean()


def test_texts_of_unknown_codes_are_left_out(scored):
    scores, targets, _ = scored
    with_unknown = np.where(np.arange(len(targets)) % 7 == 0, -1, targets)
    known = with_unknown >= 0
    expected = fit_temperature(scores[known], targets[known])
    assert fit_temperature(scores, with_unknown) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["macro_f1", "accuracy", "log_loss"])
def test_no_text_calibrates_nothing(metric):
    nothing = np.empty((0, 2)), np.empty(0, np.int64)
    assert fit_calibration(*nothing, np.log([0.5, 0.5]), metric=metric) == (1.0, 0.0)
