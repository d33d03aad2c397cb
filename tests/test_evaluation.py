"""What each metric means, against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import top_k_accuracy_score

from libelle.evaluation import (
    evaluate,
    expected_calibration_error,
    f1_by_code,
    macro_f1,
    macro_f1_of_columns,
    metrics_by_code,
    targets_of,
    worst_confusions,
)

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
