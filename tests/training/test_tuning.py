"""What the search promises: the same winner for any number of workers, interrupted or not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from libelle.classifiers.base import softmax
from libelle.data.text import Normalizer, NormalizerOptions
from libelle.errors import MissingPackageError, TrainingError
from libelle.training import folds as folds_module
from libelle.training import tuning
from libelle.training.configuration import TrainingConfiguration
from libelle.training.folds import Study
from libelle.training.runlog import NullRunLog
from libelle.training.space import FIRST_POINTS, Specification, first_points
from libelle.training.tuning import search
from tests.classifiers.corpus import make_corpus

N_FOLDS = 3
QUICK = TrainingConfiguration(n_trials=9, n_folds=N_FOLDS, families=("svm", "softmax"))


class Listener(NullRunLog):
    """A run log that remembers trials, without their durations."""

    def __init__(self):
        self.trials = []

    def log_trial(self, trial):
        folds = [{**fold, "seconds": 0} for fold in trial["folds"]]
        self.trials.append({**trial, "folds": folds, "seconds": 0})


def make_study(folder: Path) -> Study:
    texts, codes = make_corpus()
    folds = (np.arange(len(texts)) % N_FOLDS).astype(np.int8)
    return Study.create(folder, texts, codes, folds)


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "study")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """What an uninterrupted search in one process finds."""
    listener = Listener()
    study = make_study(tmp_path_factory.mktemp("reference") / "study")
    winner = search(study, QUICK, n_workers=1, run_log=listener)
    return winner.number, listener.trials


def test_the_winner_went_through_all_folds(reference):
    number, trials = reference
    complete = [trial for trial in trials if trial["state"] == "complete"]
    assert number in [trial["number"] for trial in complete]
    assert all(len(trial["folds"]) == N_FOLDS for trial in complete)


def test_every_trial_is_logged_in_order(reference):
    assert [trial["number"] for trial in reference[1]] == list(range(QUICK.n_trials))


def test_any_number_of_workers_makes_the_same_trials(study, reference):
    listener = Listener()
    winner = search(study, QUICK, n_workers=2, run_log=listener)
    assert (winner.number, listener.trials) == reference


def test_an_interrupted_search_goes_on_without_repeating_a_fold(study, reference, monkeypatch):
    fitted = []
    fit_and_score = folds_module._fit_and_score

    def count(study, specification, fold):
        if len(fitted) == 10:
            fitted.append("interruption")
            raise KeyboardInterrupt
        fitted.append(json.dumps([specification.to_dict(), fold]))
        return fit_and_score(study, specification, fold)

    monkeypatch.setattr(folds_module, "_fit_and_score", count)
    with pytest.raises(KeyboardInterrupt):
        search(study, QUICK, n_workers=1)
    listener = Listener()
    winner = search(study, QUICK, n_workers=1, run_log=listener)
    assert (winner.number, listener.trials) == reference
    assert len(set(fitted)) == len(fitted)


def test_a_killed_search_goes_on_and_leaves_no_worker(tmp_path, reference):
    script = (
        "from pathlib import Path\n"
        "from tests.training.test_tuning import QUICK, make_study\n"
        "from libelle.training.tuning import search\n"
        "if __name__ == '__main__':\n"
        f"    search(make_study(Path({str(tmp_path / 'study')!r})), QUICK, n_workers=2)\n"
    )
    (tmp_path / "killed.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(tmp_path / "killed.py")]
    process = subprocess.Popen(command, env=environment)
    wait_until(lambda: list((tmp_path / "study" / "folds").glob("*.json")))
    workers = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in workers))
    listener = Listener()
    winner = search(make_study(tmp_path / "study"), QUICK, n_workers=1, run_log=listener)
    assert (winner.number, listener.trials) == reference


def wait_until(holds, *, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def children_of(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def test_a_failed_trial_does_not_stop_the_search(study, monkeypatch):
    fit_and_score = folds_module._fit_and_score

    def fail_softmax(study, specification, fold):
        if specification.kind == "softmax":
            raise TrainingError("diverged")
        return fit_and_score(study, specification, fold)

    monkeypatch.setattr(folds_module, "_fit_and_score", fail_softmax)
    listener = Listener()
    winner = search(study, QUICK, n_workers=1, run_log=listener)
    assert winner.specification.kind == "svm"
    assert "failed" in {trial["state"] for trial in listener.trials}


def test_when_every_trial_fails_the_complaint_is_told(study, monkeypatch):
    def fail(*_):
        raise TrainingError("diverged")

    monkeypatch.setattr(folds_module, "_fit_and_score", fail)
    with pytest.raises(TrainingError, match="diverged"):
        search(study, QUICK, n_workers=1)


def test_hopeless_trials_are_given_up_early(study, monkeypatch):
    first = {**FIRST_POINTS["softmax"], **FIRST_POINTS["svm"]}

    def quality_by_cost(study, specification, fold):
        held_out = np.flatnonzero(study.folds == fold)
        known = (first["svm_cost"], first["softmax_cost"])
        parameters = specification.parameters
        good = parameters.get("svm_cost") in known or parameters.get("softmax_cost") in known
        truth = np.eye(len(study.classes))[study.targets[held_out]]
        return truth if good else -truth

    monkeypatch.setattr(folds_module, "_fit_and_score", quality_by_cost)
    listener = Listener()
    search(study, QUICK, n_workers=1, run_log=listener)
    later = [trial for trial in listener.trials if trial["number"] >= tuning.BATCH_TRIALS]
    assert later
    assert {trial["state"] for trial in later} == {"pruned"}
    assert {len(trial["folds"]) for trial in later} == {1}


def test_minutes_stop_the_search_after_a_batch(study):
    listener = Listener()
    hurried = TrainingConfiguration(n_trials=50, n_folds=N_FOLDS, families=("svm",), minutes=1e-9)
    search(study, hurried, n_workers=1, run_log=listener)
    assert len(listener.trials) == tuning.BATCH_TRIALS


def test_out_of_fold_scores_are_those_of_classifiers_that_did_not_see_the_text(study):
    winner = search(study, QUICK, n_workers=1)
    scores = study.out_of_fold_scores(winner.specification)
    texts = Normalizer(winner.specification.normalizer).normalize_many(study.texts)
    rows = np.flatnonzero(study.folds != 1)
    classifier = winner.specification.make_classifier()
    classifier.fit([texts[row] for row in rows], [study.codes[row] for row in rows])
    held_out = np.flatnonzero(study.folds == 1)
    expected = classifier.scores([texts[row] for row in held_out])
    assert scores[held_out] == pytest.approx(expected, abs=1e-4)


def test_scores_that_were_forgotten_are_made_again(study):
    winner = search(study, QUICK, n_workers=1)
    scores = study.out_of_fold_scores(winner.specification)
    study.drop_scores(winner.specification)
    again = search(study, QUICK, n_workers=1)
    assert again.specification == winner.specification
    assert np.array_equal(study.out_of_fold_scores(winner.specification), scores)


def test_a_code_that_a_fold_never_saw_is_the_least_likely(tmp_path):
    texts, codes = make_corpus()
    texts, codes = [*texts, "vide grenier"], [*codes, "0999"]
    folds = (np.arange(len(texts)) % N_FOLDS).astype(np.int8)
    study = Study.create(tmp_path / "study", texts, codes, folds)
    winner = search(study, QUICK, n_workers=1)
    scores = study.out_of_fold_scores(winner.specification)
    assert np.isfinite(softmax(scores)).all()
    alone = int(folds[-1])
    assert (scores[folds == alone, -1] == scores[folds == alone].min(axis=1)).all()


@pytest.mark.parametrize("family", ["blend", "svm", "softmax", "fasttext"])
def test_the_search_begins_with_points_known_to_be_good(family):
    assert first_points((family,))[0]["family"] == family


def test_specifications_travel_as_json():
    specification = Specification(NormalizerOptions(), "tfidf", {"cost": 1.0})
    assert json.loads(json.dumps(specification.to_dict())) == specification.to_dict()


def hide_fasttext(folder):
    """Write what makes every Python started with this folder on its path find no fastText."""
    (folder / "sitecustomize.py").write_text(
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "def find_others(cls, name, *rest):\n"
        "    return None if name.partition('.')[0] == 'fasttext' else find(name, *rest)\n"
        "PathFinder.find_spec = classmethod(find_others)\n"
    )
    return str(folder)


def search_without_fasttext(folder, options):
    """Search with two workers where fastText is absent; return what ended."""
    program = f"""
import sys
from pathlib import Path
from libelle.training.configuration import TrainingConfiguration
from libelle.training.tuning import search
from tests.training.test_tuning import make_study

if __name__ == "__main__":
    configuration = TrainingConfiguration.from_options(n_trials=4, n_folds=3, **{options!r})
    winner = search(make_study(Path({str(folder / "study")!r})), configuration, n_workers=2)
    print(configuration.families, winner.specification.kind)
"""
    script = folder / "search.py"
    script.write_text(program)
    path = os.pathsep.join([hide_fasttext(folder), *sys.path])
    return subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_without_fasttext_the_other_families_are_searched_and_one_message_says_it(tmp_path):
    done = search_without_fasttext(tmp_path, {})
    assert done.stdout.startswith("('blend', 'svm', 'softmax')"), done.stderr
    assert done.stderr.count("fasttext-community") == 1
    assert "[train]" in done.stderr


def test_without_fasttext_a_search_that_names_it_says_what_to_install(tmp_path):
    done = search_without_fasttext(tmp_path, {"families": ["fasttext"]})
    assert done.returncode == 1
    assert "needs the package 'fasttext-community'" in done.stderr.splitlines()[-1]


def test_a_worker_that_lacks_a_package_says_which(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([hide_fasttext(tmp_path), *sys.path]))
    named = TrainingConfiguration(n_trials=1, n_folds=N_FOLDS, families=("fasttext",))
    with pytest.raises(MissingPackageError, match="needs the package 'fasttext-community'"):
        search(make_study(tmp_path / "study"), named, n_workers=2)
