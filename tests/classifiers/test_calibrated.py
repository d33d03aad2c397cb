"""What calibration makes of the contributions of words."""

import numpy as np
import pytest

from libelle.classifiers.calibrated import CalibratedClassifier, Calibration
from libelle.classifiers.tfidf import TfidfClassifier
from tests.classifiers.corpus import make_corpus

BIASES = (0.3, -1.0, 0.0, 2.0, 0.5, -0.25)
CURVE = ((0.0, 0.5, 1.0), (0.1, 0.6, 0.9))
CALIBRATIONS = {
    "none": Calibration(),
    "temperature": Calibration(temperature=0.4),
    "priors": Calibration(prior_strength=0.7),
    "vector": Calibration(temperature=1.5, biases=BIASES),
    "all of them": Calibration(temperature=1.5, prior_strength=0.7, biases=BIASES),
}
TEXTS = ("", "zzyzx", "lampadaire eteint rue de la rue", "menu de la cantine")


@pytest.fixture(scope="module")
def inside() -> TfidfClassifier:
    return TfidfClassifier().fit(*make_corpus())


def calibrate(inside, calibration) -> CalibratedClassifier:
    codes = make_corpus()[1]
    uneven = [*codes, *["0102"] * 30, *["0301"] * 5]
    return CalibratedClassifier(classifier=inside, calibration=calibration).with_priors(uneven)


@pytest.mark.parametrize("calibration", CALIBRATIONS.values(), ids=CALIBRATIONS)
@pytest.mark.parametrize("text", TEXTS)
def test_parts_sum_to_the_difference_of_calibrated_scores(inside, calibration, text):
    calibrated = calibrate(inside, calibration)
    # Raw scores in double precision, up to a constant that no difference holds.
    raw = np.array([[inside.contributions(text, code, 0).score_difference for code in range(6)]])
    [scores] = calibration.scores(raw, calibrated._log_priors)
    for first, second in ((1, 3), (4, 0), (5, 1)):
        parts = calibrated.contributions(text, first, second)
        total = parts.amounts.sum() + parts.baseline
        assert total == pytest.approx(scores[first] - scores[second], rel=1e-9, abs=1e-12)


def test_words_bring_what_they_brought_times_the_temperature(inside):
    calibrated = calibrate(inside, CALIBRATIONS["all of them"])
    before = inside.contributions(TEXTS[2], 1, 3)
    after = calibrated.contributions(TEXTS[2], 1, 3)
    assert after.words == before.words
    assert np.array_equal(after.amounts, 1.5 * before.amounts)


def test_a_curve_is_left_out_and_keeps_the_order(inside):
    with_curve = calibrate(inside, Calibration(temperature=1.5, biases=BIASES, curve=CURVE))
    without = calibrate(inside, CALIBRATIONS["vector"])
    for text in TEXTS:
        [probabilities] = with_curve.predict_proba([text])
        second, first = np.argsort(probabilities, kind="stable")[-2:]
        parts, expected = (one.contributions(text, first, second) for one in (with_curve, without))
        assert parts.score_difference == expected.score_difference >= 0
