"""What changes a result is typed, whole, and refused in one sentence when it is wrong."""

import pytest

from libelle.errors import UsageError
from libelle.training.configuration import TrainingConfiguration


@pytest.mark.parametrize(
    "options",
    [
        {"seed": -1},
        {"seed": 1.5},
        {"n_trials": "a"},
        {"n_trials": True},
        {"minutes": float("inf")},
        {"minutes": float("nan")},
        {"families": "svm"},
        {"families": ("svm", 3)},
        {"target_errors": 0.05},
        {"cost_review": float("inf"), "cost_error": 1.0},
        {"indicative": "yes"},
    ],
    ids=str,
)
def test_a_wrong_option_is_refused_by_name(options):
    with pytest.raises(UsageError, match=next(iter(options)).split("_")[0]):
        TrainingConfiguration.from_options(**options)


def test_a_file_gives_what_options_do_not(tmp_path):
    path = tmp_path / "choices.toml"
    path.write_text('n_trials = 3\nfamilies = ["svm"]\ntarget_errors = [0.1, 0.02]\nminutes = 2\n')
    read = TrainingConfiguration.from_options(path, n_trials=4)
    assert (read.n_trials, read.families, read.minutes) == (4, ("svm",), 2)
    assert read.target_errors == (0.1, 0.02)


@pytest.mark.parametrize("content", ["n_trial = 3", "n_trials = ", 'n_trials = "3"'])
def test_a_wrong_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "choices.toml"
    path.write_text(content)
    with pytest.raises(UsageError, match="Configuration"):
        TrainingConfiguration.from_options(path)
