"""What each metric means, against scikit-learn's."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import top_k_accuracy_score

from libelle.evaluation import (
    classwise_calibration_error,
    evaluate,
    expected_calibration_error,
    f1_by_code,
    macro_f1,
    macro_f1_of_columns,
    metrics_by_code,
    metrics_of,
    targets_of,
    worst_confusions,
)
from libelle.evaluation.scores import join_scores, score

CODES = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("abcdef")), min_size=1, max_size=60
)


@given(pairs=CODES)
def test_both_macro_f1_are_those_of_scikit_learn(pairs):
    truth, answers = map(list, zip(*pairs, strict=True))
    present = sorted(set(truth))
    expected = f1_score(truth, answers, labels=present, average="macro", zero_division=0)
    assert macro_f1(truth, answers) == pytest.approx(expected)
    f1, _ = f1_by_code(truth, answers)
    assert f1.mean() == pytest.approx(f1_score(truth, answers, average="macro", zero_division=0))


@given(pairs=CODES)
def test_macro_f1_of_columns_is_that_of_codes(pairs):
    truth, answers = map(list, zip(*pairs, strict=True))
    columns = (targets_of(truth, "abcdef"), targets_of(answers, "abcdef"))
    assert macro_f1_of_columns(*columns, n_codes=6) == pytest.approx(macro_f1(truth, answers))


def test_metrics_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(5), size=300)
    classes = list("abcde")
    truth = [classes[column] for column in rng.integers(0, 5, 300)]
    metrics = evaluate(probabilities, truth, classes)
    answers = [classes[column] for column in probabilities.argmax(axis=1)]
    assert metrics.accuracy == pytest.approx(accuracy_score(truth, answers))
    assert metrics.log_loss == pytest.approx(sklearn_log_loss(truth, probabilities))
    expected = top_k_accuracy_score(truth, probabilities, k=3)
    assert metrics.top_3_accuracy == pytest.approx(expected)
    expected = brier_score_loss(truth, probabilities, labels=classes, scale_by_half=False)
    assert metrics.brier == pytest.approx(expected)


def test_a_code_the_model_never_saw_is_an_error_and_is_counted():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    metrics = evaluate(probabilities, ["a", "new"], ["a", "b"])
    assert (metrics.accuracy, metrics.n_unknown_codes) == (0.5, 1)
    assert metrics.log_loss == pytest.approx(-np.log(0.9))
    assert metrics.macro_f1 == pytest.approx(0.5)


def test_perfect_calibration_has_no_error_and_overconfidence_its_excess():
    right = np.array([True] * 80 + [False] * 20)
    assert expected_calibration_error(np.full(100, 0.8), right, n_bins=1) == pytest.approx(0)
    assert expected_calibration_error(np.full(100, 0.9), right, n_bins=1) == pytest.approx(0.1)


def test_the_classwise_error_is_the_mean_over_codes_of_that_of_each():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), size=200)
    targets = rng.integers(-1, 3, 200)
    gaps = []
    for column in range(3):
        bins = np.minimum((probabilities[:, column] * 4).astype(int), 3)
        excess = probabilities[:, column] - (targets == column)
        gaps.append(sum(abs(excess[bins == bin_].sum()) for bin_ in range(4)) / 200)
    found = classwise_calibration_error(probabilities, targets, n_bins=4)
    assert found == pytest.approx(np.mean(gaps))


def test_texts_scored_apart_have_the_metrics_of_texts_scored_together():
    rng = np.random.default_rng(0)
    probabilities, targets = rng.dirichlet(np.ones(4), size=90), rng.integers(-1, 4, 90)
    codes = ["new" if target < 0 else "abcd"[target] for target in targets]
    parts = [score(probabilities[rows], targets[rows]) for rows in np.split(np.arange(90), [7, 50])]
    together = metrics_of(join_scores(parts), codes, "abcd")
    assert asdict(together) == pytest.approx(asdict(evaluate(probabilities, codes, "abcd")))


def test_worst_confusions_come_first():
    pairs = worst_confusions(list("aaabbc"), list("bbabaa"))
    assert pairs[0] == {"code": "a", "answered": "b", "n_texts": 2}
    assert sum(pair["n_texts"] for pair in pairs) == 4


def test_metrics_by_code_say_nothing_where_there_is_nothing():
    rows = {row["code"]: row for row in metrics_by_code(["a", "a", "b"], ["a", "c", "c"])}
    assert rows["a"] == {
        "code": "a",
        "n_texts": 2,
        "n_answered": 1,
        "precision": 1.0,
        "recall": 0.5,
        "f1": 2 / 3,
    }
    assert rows["b"]["precision"] is None
    assert rows["c"]["recall"] is None
