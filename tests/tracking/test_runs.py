"""What sending promises: everything, once, and a training that never waits nor fails for it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from libelle.errors import TrackingError, UsageError
from libelle.tracking.record import RunRecord
from libelle.tracking.runs import LiveRunLog, default_tracking_uri, push_all
from libelle.tracking.sending import PUSHED, flatten, push_record
from tests.tracking.models import make_trial, tell_a_training


def runs_of(client):
    [experiment] = client.search_experiments(filter_string="name = 'demo'")
    return client.search_runs([experiment.experiment_id])


def parent_and_trials(client):
    runs = runs_of(client)
    [parent] = [run for run in runs if "libelle.trial" not in run.data.tags]
    trials = [run for run in runs if "libelle.trial" in run.data.tags]
    return parent, sorted(trials, key=lambda run: run.info.run_name)


def listed(client, run_id, folder=None):
    files = client.list_artifacts(run_id, folder)
    return {file.path for file in files if not file.is_dir}.union(
        *(listed(client, run_id, file.path) for file in files if file.is_dir)
    )


@pytest.fixture
def silent_uri():
    """The address of a server that accepts, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refused_uri():
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://me:secret@127.0.0.1:{port}"


def test_a_run_has_its_configuration_its_texts_and_its_files(record, tracking_uri, client):
    push_record(record, tracking_uri=tracking_uri)
    parent, _ = parent_and_trials(client)
    assert parent.info.status == "FINISHED"
    assert parent.data.params == {"n_trials": "3", "families": '["svm"]', "seed": "0"}
    assert parent.data.metrics == {"test_accuracy": 0.9}
    assert parent.data.tags["libelle.python"]
    files = {"configuration.json", "environment.json", "per_code.json"}
    assert listed(client, parent.info.run_id) == files | {"figures/erreurs vues.svg"}
    [used] = parent.inputs.dataset_inputs
    assert used.dataset.digest == "a" * 36
    assert json.loads(used.dataset.profile) == {"num_rows": 9, "digest": "sha256:" + "a" * 64}
    assert [tag.value for tag in used.tags] == ["fit"]


def test_each_trial_is_a_nested_run_with_its_folds(record, tracking_uri, client):
    push_record(record, tracking_uri=tracking_uri)
    parent, trials = parent_and_trials(client)
    assert [run.data.tags["mlflow.parentRunId"] for run in trials] == [parent.info.run_id] * 3
    run = trials[0]
    assert run.data.params["normalizer.accented"] == "false"
    assert run.data.metrics["accuracy"] == 0.7
    history = client.get_metric_history(run.info.run_id, "fold_accuracy")
    assert {metric.step: metric.value for metric in history} == {
        fold: 0.5 + fold / 10 for fold in range(5)
    }
    assert run.info.end_time - run.info.start_time == 10_000


def test_sending_twice_changes_nothing(record, tracking_uri, client):
    first = push_record(record, tracking_uri=tracking_uri)
    second = push_record(record, tracking_uri=tracking_uri)
    assert (first.n_trials, first.n_artifacts, first.changed) == (3, 2, True)
    assert (second.n_trials, second.n_artifacts, second.changed) == (0, 0, False)
    assert len(runs_of(client)) == 4


@pytest.mark.parametrize("n_remembered", range(9))
def test_killed_anywhere_before_remembering_nothing_is_doubled(
    record, tracking_uri, client, monkeypatch, n_remembered
):
    from libelle.tracking import sending

    remember = sending.Memory.__setitem__
    remembered = []

    def remember_or_die(memory, piece, value):
        if len(remembered) == n_remembered:
            raise RuntimeError("killed")
        remembered.append(piece)
        remember(memory, piece, value)

    with monkeypatch.context() as patch:
        patch.setattr(sending.Memory, "__setitem__", remember_or_die)
        with pytest.raises(TrackingError, match="killed"):
            push_record(record, tracking_uri=tracking_uri)
    push_record(record, tracking_uri=tracking_uri)
    parent, trials = parent_and_trials(client)
    assert len(trials) == 3
    for run in trials:
        assert len(client.get_metric_history(run.info.run_id, "fold_accuracy")) == 5
        assert run.info.status == "FINISHED"
    assert len(parent.inputs.dataset_inputs) == 1


def test_a_store_that_lost_its_runs_gets_them_again(record, tracking_uri, tmp_path, empty_store):
    other = tmp_path / "mlflow.db"
    shutil.copy(empty_store, other)
    push_record(record, tracking_uri=tracking_uri)
    pushed = (record.path / PUSHED).read_text().replace(tracking_uri, f"sqlite:///{other}")
    (record.path / PUSHED).write_text(pushed)
    assert push_record(record, tracking_uri=f"sqlite:///{other}").n_trials == 3


def test_a_run_that_a_person_deleted_stays_deleted(record, tracking_uri, client):
    push_record(record, tracking_uri=tracking_uri)
    client.delete_run(parent_and_trials(client)[0].info.run_id)
    (record.path / PUSHED).unlink()
    assert not push_record(record, tracking_uri=tracking_uri).changed
    assert len(runs_of(client)) == 3


def test_a_live_run_is_seen_before_its_end(home, tracking_uri, client):
    warnings = []
    live = LiveRunLog(
        RunRecord.create(home, "demo"), tracking_uri=tracking_uri, warn=warnings.append
    )
    live.start(name="demo", configuration={}, tags={})
    live.log_trial(make_trial(0, state="pruned"))
    _wait_until(lambda: client.get_experiment_by_name("demo") and len(runs_of(client)) == 2)
    _wait_until(lambda: parent_and_trials(client)[1][0].info.status == "KILLED")
    assert parent_and_trials(client)[0].info.status == "RUNNING"
    live.finish("failed")
    assert parent_and_trials(client)[0].info.status == "FAILED"
    assert warnings == []


def test_after_finish_everything_is_sent(home, tracking_uri, client):
    live = LiveRunLog(RunRecord.create(home, "demo"), tracking_uri=tracking_uri, warn=pytest.fail)
    tell_a_training(live, n_trials=10)
    parent, trials = parent_and_trials(client)
    assert (parent.info.status, len(trials)) == ("FINISHED", 10)
    assert not push_record(live.record, tracking_uri=tracking_uri).changed


@pytest.mark.parametrize("server", ["silent_uri", "refused_uri"])
def test_without_mlflow_a_training_ends_with_one_message(home, server, request, tracking_uri):
    warnings = []
    uri = request.getfixturevalue(server)
    record = RunRecord.create(home, "demo")
    live = LiveRunLog(record, tracking_uri=uri, warn=warnings.append, deadline_seconds=1)
    began = time.monotonic()
    tell_a_training(live, n_trials=5)
    assert time.monotonic() - began < 4
    [message] = warnings
    assert "libelle runs push" in message
    assert str(record.path) in message
    assert "secret" not in message
    assert push_record(record, tracking_uri=tracking_uri).n_trials == 5


def test_a_training_does_not_wait_for_a_server_that_hangs(home, silent_uri):
    record = RunRecord.create(home, "demo")
    live = LiveRunLog(record, tracking_uri=silent_uri, warn=[].append, deadline_seconds=30)
    live.start(name="demo", configuration={}, tags={})
    began = time.monotonic()
    for number in range(20):
        live.log_trial(make_trial(number))
    assert time.monotonic() - began < 1
    live._work._given_up = True


def test_a_refusal_of_rights_says_which_variables_to_look_at(record, refusing_uri):
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_PASSWORD"):
        push_record(record, tracking_uri=refusing_uri)


def test_push_all_sends_runs_then_models_the_oldest_first(home, folders, tracking_uri, client):
    for folder in folders[:2]:
        tell_a_training(RunRecord.create(home, "demo"), n_trials=1, model=folder)
        time.sleep(0.002)
    reports = push_all(home, tracking_uri=tracking_uri)
    assert [report.version for report in reports] == ["1", "2"]
    assert client.get_registered_model("demo").aliases == {"champion": 1, "challenger": 2}
    assert push_all(home, tracking_uri=tracking_uri) == []


def test_push_all_leaves_a_living_run_to_its_process(home, tracking_uri):
    record = RunRecord.create(home, "demo")
    record.start(name="demo", configuration={}, tags={})
    assert push_all(home, tracking_uri=tracking_uri) == []
    record.finish("failed")
    assert len(push_all(home, tracking_uri=tracking_uri)) == 1


def test_a_run_killed_while_it_was_sent_is_completed_later(home, tracking_uri, client):
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from libelle.tracking.record import RunRecord\n"
        "from libelle.tracking.runs import LiveRunLog\n"
        "from tests.tracking.models import make_trial\n"
        "record = RunRecord.create(Path(sys.argv[1]), 'demo')\n"
        "live = LiveRunLog(record, tracking_uri=sys.argv[2], warn=print)\n"
        "live.start(name='demo', configuration={}, tags={})\n"
        "for number in range(30): live.log_trial(make_trial(number))\n"
        "print('told', flush=True)\n"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(home), tracking_uri]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"told\n"
        _wait_until(lambda: client.get_experiment_by_name("demo") and len(runs_of(client)) > 5)
        os.kill(process.pid, signal.SIGKILL)
    push_all(home, tracking_uri=tracking_uri)
    parent, trials = parent_and_trials(client)
    assert parent.info.status == "KILLED"
    assert sorted(int(run.data.tags["libelle.trial"]) for run in trials) == list(range(30))


def test_an_address_that_is_no_database_nor_server_is_refused(record, home):
    with pytest.raises(TrackingError, match="is not an address of MLflow"):
        push_record(record, tracking_uri=str(home / "mlruns"))


def test_a_home_that_no_address_can_hold_is_refused(tmp_path):
    with pytest.raises(UsageError, match="LIBELLE_HOME"):
        default_tracking_uri(tmp_path / "what?")


def test_a_long_value_is_cut_and_a_strange_name_is_spelled(record):
    assert flatten({"a": {"b c": "x" * 7000, "é€": None}}) == {"a.b c": "x" * 6000, "a.é_": "null"}


def _wait_until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
