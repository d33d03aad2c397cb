"""What calibration promises, on scores whose true probabilities are known."""

import numpy as np
import pytest

from libelle.classifiers.base import softmax
from libelle.classifiers.calibrated import Calibration, bend
from libelle.evaluation import log_loss, macro_f1_of_columns
from libelle.training.calibration import (
    choose_calibration,
    fit_biases,
    fit_calibration,
    fit_curve,
    fit_temperature,
)


@pytest.fixture(scope="module")
def scored():
    """Scores of 4,000 texts, true codes drawn from their softmax twice as sharp, log-shares."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4000, 6)) + np.log([40, 20, 10, 5, 2, 1])
    targets = np.array([rng.choice(6, p=row) for row in softmax(2 * scores)])
    return scores, targets, np.log(np.bincount(targets, minlength=6) / len(targets))


def test_the_temperature_that_was_hidden_is_found(scored):
    calibration = fit_calibration(*scored, metric="log_loss")
    temperature, strength = calibration.temperature, calibration.prior_strength
    assert temperature == pytest.approx(2.0, rel=0.1)
    assert strength == 0


def test_macro_f1_gains_and_accuracy_loses_at_most_a_standard_error(scored):
    scores, targets, priors = scored
    calibration = fit_calibration(*scored, metric="macro_f1")
    temperature, strength = calibration.temperature, calibration.prior_strength
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
    calibration = fit_calibration(*scored, metric="accuracy")
    temperature, strength = calibration.temperature, calibration.prior_strength
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
    calibration = fit_calibration(*nothing, np.log([0.5, 0.5]), metric=metric)
    assert (calibration.temperature, calibration.prior_strength) == (1.0, 0.0)


FOLDS = np.arange(4000) % 5


def draw(probabilities, rng):
    """Draw a true code for each row of probabilities."""
    return (rng.random((len(probabilities), 1)) < probabilities.cumsum(axis=1)).argmax(axis=1)


def test_the_temperature_is_kept_when_it_is_the_truth(scored):
    scores, targets, priors = scored
    choice = choose_calibration(scores, targets, FOLDS, priors, metric="log_loss")
    assert choice.calibration.method == "temperature"
    assert set(choice.measures) == {"none", "temperature", "vector", "isotonic"}
    assert choice.measures["temperature"]["log_loss"] < choice.measures["none"]["log_loss"]
    assert choice.measures["temperature"]["ece"] < choice.measures["none"]["ece"]


def test_biases_that_were_hidden_are_found():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(4000, 4)) * 2
    hidden = np.array([0.0, 1.5, -1.5, 0.0])
    targets = draw(softmax(scores + hidden), rng)
    assert fit_biases(scores, targets) == pytest.approx(hidden, abs=0.25)
    priors = np.log(np.bincount(targets, minlength=4) / len(targets))
    choice = choose_calibration(scores, targets, FOLDS, priors, metric="log_loss")
    assert choice.calibration.method == "vector"


def test_a_bent_confidence_is_straightened():
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(4000, 3)) * 3
    hidden = np.array([[0.0, 0.8, 1.0], [0.3, 0.5, 0.95]])
    targets = draw(bend(softmax(scores), *hidden), rng)
    priors = np.log(np.bincount(targets, minlength=3) / len(targets))
    choice = choose_calibration(scores, targets, FOLDS, priors, metric="log_loss")
    assert choice.calibration.method == "isotonic"
    assert choice.measures["isotonic"]["ece"] < choice.measures["temperature"]["ece"]


@pytest.mark.parametrize("seed", range(5))
def test_bending_keeps_the_code_and_the_order_of_confidences(seed):
    rng = np.random.default_rng(seed)
    probabilities = softmax(rng.normal(size=(500, 5)) * rng.uniform(0.1, 40))
    targets = rng.integers(0, 5, 500)
    bent = bend(probabilities, *fit_curve(probabilities, targets))
    assert bent.sum(axis=1) == pytest.approx(1)
    assert (bent.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert (bent >= 0).all()


def test_a_curve_always_climbs():
    rng = np.random.default_rng(3)
    probabilities = softmax(rng.normal(size=(400, 3)))
    curve = fit_curve(probabilities, rng.integers(0, 3, 400))
    assert (np.diff(curve[0]) > 0).all()
    assert (np.diff(curve[1]) > 0).all()


def test_what_has_no_rival_stays_sure():
    bent = bend(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0.0, 1.0]), np.array([0.2, 0.9]))
    assert bent == pytest.approx(np.array([[1.0, 0.0], [0.55, 0.45]]))


def test_raw_scores_need_no_calibration():
    scores = np.array([[1.0, 2.0]])
    assert np.array_equal(Calibration().scores(scores, np.zeros(2)), scores)
