"""What a record promises: all that was told is on disk, whole, and can be read back."""

import json
import resource
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.errors import StorageError, TrackingError, UsageError
from libelle.tracking.environment import git_commit
from libelle.tracking.record import RunRecord, check_model_name, list_records
from tests.tracking.models import make_trial, tell_a_training

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
JSON_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture
def record(tmp_path):
    return RunRecord.create(tmp_path, "demo", now=NOON)


def start(record, **tags):
    record.start(name="demo", configuration={}, tags=tags)
    return record


def test_all_that_was_told_is_read_back(record):
    tell_a_training(record, n_trials=3)
    again = RunRecord.open(record.path)
    assert [trial["number"] for trial in again.trials()] == [0, 1, 2]
    assert again.trials()[0]["folds"] == make_trial(0)["folds"]
    assert again.metrics() == {"test_accuracy": 0.9}
    assert again.artifacts()["figures/erreurs vues.svg"].read_bytes() == b"<svg/>"
    assert again.about()["configuration"] == {"n_trials": 3, "families": ["svm"], "seed": 0}
    assert again.about()["status"] == "finished"
    assert again.about()["environment"]["packages"]["numpy"]


@given(text=JSON_TEXTS)
def test_any_parameter_stands_on_one_line(tmp_path_factory, text):
    record = start(RunRecord.create(tmp_path_factory.mktemp("home"), "demo"))
    record.log_trial({"number": 0, "parameters": {"stop": text}})
    record.log_trial({"number": 1, "parameters": {}})
    assert [trial["number"] for trial in record.trials()] == [0, 1]
    assert record.trials()[0]["parameters"] == {"stop": text}


def test_an_address_is_kept_without_its_password(record):
    tell_a_training(record)
    assert record.inputs()[0]["uri"] == "s3://b/x"
    assert "pw" not in (record.path / "inputs.json").read_text()


def test_nothing_is_written_before_the_start(record, tmp_path):
    assert not (tmp_path / "results").exists()
    assert record.run_name.startswith("demo-20261124T120000Z-")


def test_a_line_torn_by_a_crash_is_not_read(record):
    start(record).log_trial(make_trial(0))
    with (record.path / "trials.jsonl").open("a") as file:
        file.write('{"number": 1, "sta')
    assert [trial["number"] for trial in record.trials()] == [0]


def test_a_full_disk_leaves_whole_lines(record, monkeypatch):
    start(record).log_trial(make_trial(0))
    before = (record.path / "trials.jsonl").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 7, limits[1]))
    try:
        with pytest.raises(StorageError, match="cannot be written"):
            record.log_trial(make_trial(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (record.path / "trials.jsonl").read_bytes() == before


def test_numbers_that_json_cannot_hold_become_null(record):
    start(record).log_metrics({"ece": float("nan"), "log_loss": float("inf")})
    assert json.loads((record.path / "metrics.json").read_text()) == {"ece": None, "log_loss": None}


def test_a_model_saved_elsewhere_is_copied_whole(record, folders):
    start(record).log_model(folders[0])
    names = {path.name for path in folders[0].iterdir()}
    assert {path.name for path in record.model_folder.iterdir()} == names


def test_a_model_saved_in_the_record_stays_there(record):
    start(record)
    record.model_folder.mkdir()
    record.log_model(record.model_folder)
    assert record.model_folder.is_dir()


def test_a_run_whose_process_was_killed_is_interrupted(tmp_path):
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from libelle.tracking.record import RunRecord\n"
        "record = RunRecord.create(Path(sys.argv[1]), 'demo')\n"
        "record.start(name='demo', configuration={}, tags={})\n"
        "assert record.is_running() and record.about()['status'] == 'running'\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    [record] = list_records(tmp_path)
    assert record.about()["status"] == "interrupted"


def test_records_are_listed_from_the_oldest_and_damaged_ones_left_out(tmp_path, caplog):
    records = [start(RunRecord.create(tmp_path, "demo")) for _ in range(3)]
    damaged = tmp_path / "results" / "damaged"
    damaged.mkdir()
    (damaged / "run.json").write_text("{")
    assert [record.run_name for record in list_records(tmp_path)] == [
        record.run_name for record in records
    ]
    assert "damaged" in caplog.text


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(TrackingError, match=r"holds no run: run\.json"):
        RunRecord.open(tmp_path)


@pytest.mark.parametrize("name", ["a/b", "a:b", "a@b", "", "..", "it's", "x" * 101, "a\nb", "a "])
def test_a_name_that_no_registry_takes_is_refused_before_any_work(name, tmp_path):
    with pytest.raises(UsageError, match="cannot name a model"):
        RunRecord.create(tmp_path, name)


@pytest.mark.parametrize("name", ["demo", "coicop_bdf", "demandes été", "v1.2", "x"])
def test_an_ordinary_name_is_taken(name):
    check_model_name(name)


def test_a_folder_that_git_does_not_track_has_no_commit(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    installed = tmp_path / "site-packages"
    installed.mkdir()
    (installed / "libelle.py").touch()
    assert git_commit(installed) is None
