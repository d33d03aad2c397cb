"""What a training promises from coded texts to a saved model."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from libelle.data.datasets import Dataset
from libelle.data.fingerprints import Fingerprints
from libelle.errors import DataError, TrainingError, UsageError
from libelle.predictor import Predictor
from libelle.training.configuration import TrainingConfiguration
from libelle.training.folds import reserve
from libelle.training.pipeline import train
from libelle.training.runlog import NullRunLog
from tests.classifiers.corpus import TOPICS

QUICK = TrainingConfiguration(n_trials=2, n_folds=3, families=("svm",))


class Listener(NullRunLog):
    """A run log that remembers what it was told."""

    def __init__(self):
        self.inputs, self.metrics, self.artifacts, self.status = {}, {}, {}, None

    def log_input(self, *, role, name, uri, digest, n_texts):
        self.inputs[role] = n_texts

    def log_metrics(self, metrics):
        self.metrics.update(metrics)

    def log_artifact(self, name, content):
        self.artifacts[name] = content

    def finish(self, status):
        self.status = status


def make_dataset() -> Dataset:
    rows = [
        (f"{phrase} au numéro {number} bis de la rue", code)
        for code, phrases in TOPICS.items()
        for phrase in phrases
        for number in range(20)
    ]
    texts, codes = zip(*rows, strict=True)
    return Dataset(texts=list(texts), codes=list(codes), name="requests")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    home, listener = tmp_path_factory.mktemp("home"), Listener()
    result = train(
        make_dataset(),
        name="requests",
        home=home,
        output=home / "model",
        configuration=QUICK,
        n_workers=1,
        run_log=listener,
    )
    return result, listener, home


def test_every_part_is_logged(trained):
    result, listener, _ = trained
    assert sum(listener.inputs.values()) == len(make_dataset())
    assert listener.inputs["test"] == result.metrics.n_texts
    assert listener.status == "finished"
    assert listener.metrics["n_leaked_keys"] == 0
    split = json.loads(listener.artifacts.pop("split.json"))
    assert split["n_texts"] == listener.inputs
    kept = {"calibration.json", "seen.bin", "coverage.json", "figures/coverage.png"}
    kept |= {"reliability_out_of_fold.json", "figures/reliability_before.png"}
    kept |= {"figures/reliability_after.png"}
    kept |= {"report.fr.html", "report.en.html", "sheet.fr.md", "sheet.en.md"}
    tables = {"per_code.json", "confusions.json", "reliability.json"}
    pictures = {f"figures/{name.removesuffix('json')}png" for name in tables}
    assert set(listener.artifacts) == tables | pictures | kept
    assert all(listener.artifacts[name].startswith(b"\x89PNG") for name in pictures)


def test_the_sheet_has_metrics_by_level_and_by_domain(trained):
    result, listener, _ = trained
    sheet = listener.artifacts["sheet.en.md"].decode()
    assert "| Level | Codes |" in sheet
    _, table = sheet.split("| Code at the top |")
    rows = [line.split("|") for line in table.split("\n\n")[0].splitlines()[2:]]
    assert sum(int(row[2].replace(",", "")) for row in rows) == len(result.split.test)
    assert "texts of the certification" not in sheet


def test_what_varies_stands_outside_the_digest(trained):
    provenance = json.loads((trained[0].folder / "provenance.json").read_text())
    assert provenance["started_at"].endswith("+00:00")
    manifest = (trained[0].folder / "manifest.json").read_text()
    assert provenance["started_at"] not in manifest
    assert str(trained[2]) not in manifest


def test_the_reported_accuracy_is_that_of_the_saved_model(trained):
    result, listener, _ = trained
    test = result.split.test
    predictions = Predictor.load(result.folder).predict(test.texts, top_k=1)
    answers = [prediction.candidates[0].code for prediction in predictions]
    accuracy = np.mean([answer == code for answer, code in zip(answers, test.codes, strict=True)])
    assert accuracy == pytest.approx(listener.metrics["test_accuracy"])
    assert result.metrics.accuracy == pytest.approx(accuracy)


def test_the_study_is_gone_once_the_model_is_saved(trained):
    (lock,) = (trained[2] / "studies").iterdir()
    assert lock.suffix == ".lock"
    assert lock.read_text() == str(os.getpid())


def test_the_same_training_gives_the_same_digest(trained, tmp_path):
    result = train(
        make_dataset(),
        name="requests",
        home=tmp_path,
        output=tmp_path / "model",
        configuration=QUICK,
        n_workers=2,
    )
    assert result.predictor.digest == trained[0].predictor.digest


def test_a_failure_closes_the_run_and_leaves_no_model(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("libelle.training.pipeline.search", fail)
    listener = Listener()
    with pytest.raises(KeyboardInterrupt):
        train(
            make_dataset(),
            name="requests",
            home=tmp_path,
            output=tmp_path / "model",
            configuration=QUICK,
            run_log=listener,
        )
    assert listener.status == "failed"
    assert not (tmp_path / "model").exists()


def test_too_few_texts_are_refused(tmp_path):
    dataset = Dataset(texts=["un", "deux"], codes=["a", "b"])
    with pytest.raises(DataError):
        train(dataset, name="m", home=tmp_path, output=tmp_path / "m", configuration=QUICK)


@pytest.mark.parametrize(
    "options",
    [
        {"n_trials": 0},
        {"n_folds": 1},
        {"metric": "beauty"},
        {"families": ("oracle",)},
        {"minutes": -1},
        {"language": "latin"},
        {"colour": "blue"},
    ],
)
def test_a_bad_choice_is_refused_by_name(options):
    with pytest.raises(UsageError, match=next(iter(options)).removeprefix("n_")):
        TrainingConfiguration.from_options(**options)


def test_options_win_over_the_file(tmp_path):
    (tmp_path / "config.toml").write_text('n_trials = 7\nmetric = "accuracy"\nfamilies = ["svm"]\n')
    chosen = TrainingConfiguration.from_options(tmp_path / "config.toml", n_trials=9)
    assert (chosen.n_trials, chosen.metric, chosen.families) == (9, "accuracy", ("svm",))


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    (tmp_path / "config.toml").write_text("n_trials: 7")
    with pytest.raises(UsageError, match=r"config\.toml cannot be read"):
        TrainingConfiguration.from_options(tmp_path / "config.toml")


def test_the_same_training_running_elsewhere_is_left_alone(trained, tmp_path):
    (name,) = {path.stem for path in (trained[2] / "studies").iterdir()}
    study = tmp_path / "studies" / name
    study.mkdir(parents=True)
    (study / "kept").touch()
    listener = Listener()
    options = {"home": tmp_path, "output": tmp_path / "model", "configuration": QUICK}
    with holding(study) as pid, pytest.raises(TrainingError, match=f"already.*process {pid},"):
        train(make_dataset(), name="requests", n_workers=1, run_log=listener, **options)
    assert (study / "kept").exists()
    assert listener.status is None


def test_a_killed_training_lets_its_study_go(tmp_path):
    with holding(tmp_path / "study"):
        pass
    with reserve(tmp_path / "study"):
        pass


@contextmanager
def holding(study):
    """Give the number of another process that holds a study, until it is killed."""
    program = (
        "import time\nfrom pathlib import Path\nfrom libelle.training.folds import reserve\n"
        f"with reserve(Path({str(study)!r})):\n    print(flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_a_test_part_of_unknown_codes_only_is_refused(tmp_path):
    foreign = Dataset(texts=["a", "b"], codes=["ZZ", "ZZ"], name="foreign")
    options = {"home": tmp_path, "output": tmp_path / "model", "configuration": QUICK}
    with pytest.raises(DataError, match="No text to test on has a code"):
        train(make_dataset(), name="requests", test=foreign, n_workers=1, **options)
    assert not list(tmp_path.iterdir())


def test_the_manifest_says_what_is_promised(trained):
    result, listener, _ = trained
    manifest = json.loads((result.folder / "manifest.json").read_text())
    (threshold,) = manifest["thresholds"]
    assert (threshold["target_error"], threshold["delta"]) == (0.05, 0.05)
    assert threshold["data_digest"] == result.split.certify.digest
    assert Predictor.load(result.folder).guarantee.threshold_id == threshold["id"]
    assert manifest["certification"]["n_statements"] == 1
    assert listener.metrics["test_n_automatic"] == result.automation["n_automatic"]


def test_the_texts_seen_are_recognised_and_stand_nowhere_in_the_model(trained):
    result, listener, _ = trained
    seen = Fingerprints.from_bytes(listener.artifacts["seen.bin"])
    for part in (result.split.fit, result.split.certify, result.split.test):
        assert all(key in seen for key in part.keys)
    assert "another text" not in seen
    names = {path.name for path in result.folder.iterdir()}
    assert not {name for name in names if "seen" in name}


def test_another_target_finds_the_same_trials_and_another_threshold(trained, tmp_path):
    configuration = replace(QUICK, target_errors=(0.2, 0.1), delta=0.1)
    options = {"home": tmp_path, "output": tmp_path / "model", "configuration": configuration}
    result = train(make_dataset(), name="requests", n_workers=1, **options)
    thresholds = result.predictor.manifest["thresholds"]
    assert [threshold["target_error"] for threshold in thresholds] == [0.2, 0.1]
    assert {threshold["delta"] for threshold in thresholds} == {0.05}
    assert result.trial.specification == trained[0].trial.specification


@pytest.mark.parametrize(
    "wrong",
    [
        {"target_errors": ()},
        {"target_errors": (0.0,)},
        {"target_errors": (1.0,)},
        {"target_errors": (0.1, 0.1)},
        {"delta": 0.0},
        {"delta": 1.0},
        {"rule": "naive"},
    ],
)
def test_promises_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError, match=r"target error|delta|rule"):
        replace(QUICK, **wrong)
