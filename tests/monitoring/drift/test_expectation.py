"""Expected accuracy: close to the true one when it may be believed, and not valid otherwise."""

from dataclasses import replace

import numpy as np
import pytest

from libelle.monitoring.audit import draw, estimate
from libelle.monitoring.drift.domain import Domain
from libelle.monitoring.drift.expectation import expect_accuracy
from libelle.monitoring.drift.sentences import describe_expectation
from libelle.profile import Profile
from tests.monitoring.rows import make_log


def make_profile(generator, n_texts=4000, *, doubt=1.0, truth=True, gap=0.0):
    """Return a profile whose confidences are right as often as they say, less a gap."""
    confidences = 1 - 0.5 * doubt * generator.beta(0.7, 2.0, n_texts)
    right = generator.random(n_texts) < confidences - gap
    n_words = 1 + generator.poisson(6, n_texts)
    profile = Profile.of(
        codes=["a"] * n_texts,
        confidences=confidences,
        refusals=[None] * n_texts,
        n_characters=6 * n_words,
        n_words=n_words,
        n_unknown_words=0 * n_words,
        automatic={},
        right=right if truth else None,
    )
    return profile, float(right.mean())


def test_the_interval_holds_the_accuracy_of_other_confidences():
    n_missed = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        reference, _ = make_profile(generator)
        current, accuracy = make_profile(generator, 1500, doubt=1.3)
        found = expect_accuracy(reference, current, domain=None, audit=None)
        assert found.valid
        n_missed += not found.low <= accuracy <= found.high
    assert n_missed <= 12


def test_accuracy_measured_then_is_shown_beside():
    reference, accuracy = make_profile(np.random.default_rng(0))
    found = expect_accuracy(reference, reference, domain=None, audit=None)
    assert found.reference_accuracy == pytest.approx(accuracy)
    assert found.accuracy == pytest.approx(accuracy)
    assert "Exactitude attendue" in describe_expectation(found, "fr")


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("no_truth", {"reference": {"truth": False}}),
        ("too_few_texts", {"current": {"n_texts": 60}}),
        ("outside_support", {"reference": {"doubt": 0.3}}),
    ],
)
def test_what_cannot_be_believed_says_why(reason, changes):
    generator = np.random.default_rng(0)
    reference, _ = make_profile(generator, **changes.get("reference", {}))
    current, _ = make_profile(generator, **changes.get("current", {}))
    found = expect_accuracy(reference, current, domain=None, audit=None)
    assert (found.valid, found.why_not) == (False, (reason,))
    assert "audit" in describe_expectation(found, "fr")


def test_without_truth_confidences_are_taken_at_their_word_and_that_is_not_valid():
    generator = np.random.default_rng(1)
    reference, _ = make_profile(generator, truth=False)
    current, accuracy = make_profile(generator, 3000)
    found = expect_accuracy(reference, current, domain=None, audit=None)
    assert found.low < accuracy < found.high
    assert found.accuracy == pytest.approx(accuracy, abs=0.02)
    assert (found.reference_accuracy, found.valid) == (None, False)
    assert describe_expectation(found, "en") == (
        "Accuracy to be expected: not valid (no reference tells what these confidences are "
        "worth); only an audit measures it."
    )


def test_other_texts_void_the_expectation():
    reference, _ = make_profile(np.random.default_rng(0))
    domain = Domain(0.9, 0.005, "words", 500, 500)
    found = expect_accuracy(reference, reference, domain=domain, audit=None)
    assert found.why_not == ("other_texts",)
    close = replace(domain, auc=0.52)
    assert expect_accuracy(reference, reference, domain=close, audit=None).valid


@pytest.mark.parametrize(("error", "valid"), [(0.5, False), (0.12, True)])
def test_audited_texts_may_contradict_it(error, valid):
    reference, accuracy = make_profile(np.random.default_rng(0))
    assert accuracy == pytest.approx(0.87, abs=0.02)
    sample = draw(make_log(2000, np.random.default_rng(1)), n_automatic=300, n_review=200, seed=0)
    wrong = np.random.default_rng(2).random(len(sample)) < error
    rows = zip(
        sample["prediction_id"].to_pylist(), sample["top_code"].to_pylist(), wrong, strict=True
    )
    answers = {name: "9999" if is_wrong else code for name, code, is_wrong in rows}
    audit = estimate(sample, answers, target_error=0.05)
    found = expect_accuracy(reference, reference, domain=None, audit=audit)
    assert found.valid is valid
    assert ("contradicted" in found.why_not) is not valid
