"""What commands write to the prediction log, and what they do with it."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from libelle.cli.app import app
from libelle.errors import StorageError
from libelle.monitoring.audit.records import (
    RecordKind,
    note_predictions,
    read_audited_predictions,
)
from libelle.monitoring.feedback import FeedbackStore, give_feedback
from libelle.monitoring.feedback.reading import read_feedback
from libelle.monitoring.prediction_log.reading import read_log
from libelle.predictor import Predictor
from tests.cli.test_commands import fails, run
from tests.dashboard.working import make_review_row, prediction_id
from tests.monitoring.log_rows import put
from tests.monitoring.verdicts import make_feedback
from tests.test_predictor import make_predictor

KEY = "k" * 40
NAME = prediction_id(1)  # Which chance gives to one coder.


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    make_predictor().save(folder / "model")
    return folder


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("n,text\n007,nid de poule\n008,\n,cantine\n")
    return path


def log_of(folder):
    return {"LIBELLE_LOG_URI": str(folder / "log"), "LIBELLE_LOG_KEY": KEY}


def test_a_file_coded_with_its_log_has_the_rows_of_a_service(home, texts, tmp_path):
    command = ("predict", "model", texts, tmp_path / "out.csv", "--text=text", "--id=n", "--log")
    for _ in range(2):  # The same file again: the same rows.
        finished = run(*command, home=home, **log_of(tmp_path))
        assert finished.returncode == 0, finished.stderr
    table = read_log(str(tmp_path / "log")).table
    rows = sorted(table.to_pylist(), key=lambda row: row["position"])
    assert [(row["position"], row["id"]) for row in rows] == [(0, "007"), (1, "008"), (2, None)]
    with (tmp_path / "out.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["prediction_id"] for row in written] == [row["prediction_id"] for row in rows]
    assert [row["decision"] for row in written] == [row["decision"] for row in rows]
    assert {row["model_digest"] for row in rows} == {Predictor.load(home / "model").digest}
    assert {row["text"] for row in rows} == {None}
    assert Counter(row["request_id"] for row in rows).most_common(1)[0][0].startswith("file-")


@pytest.mark.parametrize(
    ("left_out", "said"), [("LIBELLE_LOG_URI", "no prediction log"), ("LIBELLE_LOG_KEY", "secret")]
)
def test_without_a_log_or_a_key_nothing_is_coded(home, texts, tmp_path, left_out, said):
    settings = {name: value for name, value in log_of(tmp_path).items() if name != left_out}
    command = ("predict", "model", texts, tmp_path / "out.csv", "--text=text", "--log")
    assert said in fails(*command, home=home, code=2, **settings)
    assert not (tmp_path / "out.csv").exists()


def test_traffic_is_in_the_log_with_its_texts_and_its_dates(home, tmp_path):
    command = ("demo", "traffic", "model", "--weeks=2", "--per-day=5")
    finished = run(*command, home=home, **log_of(tmp_path))
    assert finished.returncode == 0, finished.stderr
    assert "synthetic" in finished.stderr
    table = read_log(str(tmp_path / "log")).table
    assert 40 < table.num_rows < 80
    assert table["text"].null_count == 0
    assert len(list((tmp_path / "log").glob("date=*"))) > 10


@pytest.fixture
def logged(home, tmp_path):
    """Return the settings of a log that holds two weeks of traffic."""
    settings = log_of(tmp_path)
    command = ("demo", "traffic", "model", "--weeks=2", "--per-day=4")
    assert run(*command, home=home, **settings).returncode == 0
    return settings


def table_of(settings):
    return read_log(settings["LIBELLE_LOG_URI"]).table


def test_days_and_texts_that_are_too_old_leave_the_log(home, logged):
    before = table_of(logged)
    finished = run("log", "purge", "--text-days=3", "--json", home=home, **logged)
    said = json.loads(finished.stdout)
    assert said["days"]["n_days"] == 0
    bare = table_of(logged)
    assert bare.num_rows == before.num_rows
    assert 0 < bare["text"].null_count < bare.num_rows
    assert said["texts"]["n_texts"] == bare["text"].null_count
    assert run("log", "purge", "--days=5", home=home, **logged).returncode == 0
    assert 0 < table_of(logged).num_rows < before.num_rows


@pytest.mark.parametrize(("policy", "n_left"), [("review", 0), ("full", 1), ("redacted", 1)])
def test_a_judged_text_leaves_the_log_under_the_policy_that_says_so(tmp_path, policy, n_left):
    put(tmp_path / "log", [make_review_row(1, received_at=datetime.now(UTC))])
    give_feedback(FeedbackStore(str(tmp_path / "log")), make_feedback(prediction_id=NAME))
    purged = purge(tmp_path, "--json", LIBELLE_TEXT_POLICY=policy)
    assert purged.exit_code == 0, purged.output
    spent = json.loads(purged.stdout)["spent_texts"]
    assert spent == (None if n_left else {"n_texts": 1, "n_files": 1, "n_left": 0, "problems": []})
    texts = read_log(str(tmp_path / "log")).table["text"]
    assert len(texts) - texts.null_count == n_left
    said = purge(tmp_path, LIBELLE_TEXT_POLICY=policy).stdout
    assert ("texts that coders judged" in said) is (n_left == 0)


@pytest.mark.parametrize(("policy", "n_days"), [("review", 0), ("review", 40), ("full", 40)])
def test_a_purge_that_could_not_look_at_all_fails_and_names_what(tmp_path, policy, n_days):
    received_at = datetime.now(UTC) - timedelta(days=n_days)
    [name] = put(tmp_path / "log", [make_review_row(1, received_at=received_at)])
    (tmp_path / "log" / name).write_bytes(b"damaged")
    with pytest.raises(StorageError, match="Not all texts"):
        purge(tmp_path, LIBELLE_TEXT_POLICY=policy)


def purge(folder, *options, **settings):
    environment = {"LIBELLE_HOME": str(folder), **log_of(folder), **settings}
    command = ["log", "purge", *options]
    return CliRunner().invoke(app, command, env=environment, catch_exceptions=False)


def test_a_person_is_erased_by_identifier_and_by_text(home, logged, tmp_path):
    rows = table_of(logged).to_pylist()
    by_id, by_text = rows[0], next(row for row in rows if row["text"] != rows[0]["text"])
    verdicts = tmp_path / "verdicts.csv"
    verdicts.write_text(
        "prediction_id,verdict,code,coder\n"
        f"{by_id['prediction_id']},not_enough_information,,ada\n"
        f"{by_text['prediction_id']},not_enough_information,,ada\n"
    )
    note_predictions(
        logged["LIBELLE_LOG_URI"],
        RecordKind.DRAWN,
        [by_id["prediction_id"], by_text["prediction_id"]],
        now=datetime.now(UTC),
    )
    imported = run("feedback", "import", verdicts, home=home, **logged)
    assert imported.returncode == 0, imported.stderr
    erased = run("log", "erase", "--id", by_id["id"], "--json", home=home, **logged)
    assert erased.returncode == 0, erased.stderr
    assert json.loads(erased.stdout)["n_rows"] == 1
    assert json.loads(erased.stdout)["n_verdicts"] == 1
    command = ("log", "erase", "--text", by_text["text"])
    assert run(*command, home=home, **logged).returncode == 0
    left = table_of(logged).to_pylist()
    assert by_id["id"] not in {row["id"] for row in left}
    assert by_text["text_hash"] not in {row["text_hash"] for row in left}
    assert len(left) < len(rows)
    assert read_feedback(logged["LIBELLE_LOG_URI"]).table.num_rows == 0
    assert read_audited_predictions(logged["LIBELLE_LOG_URI"]).drawn == frozenset()


def test_texts_to_erase_may_come_by_the_input(home, logged):
    row = table_of(logged).to_pylist()[0]
    command = [sys.executable, "-m", "libelle.cli", "log", "erase", "--text", "-", "--json"]
    environment = {**os.environ, **logged, "LIBELLE_HOME": str(home)}
    finished = subprocess.run(
        command, input=f"{row['text']}\n", capture_output=True, text=True, env=environment, cwd=home
    )
    assert json.loads(finished.stdout)["n_rows"] >= 1
    assert row["text_hash"] not in table_of(logged)["text_hash"].to_pylist()


def test_nothing_to_erase_is_a_mistake(home, logged):
    assert "Nothing to erase" in fails("log", "erase", home=home, code=2, **logged)


def test_small_files_become_one_a_day(home, logged):
    before = table_of(logged)
    folder = Path(logged["LIBELLE_LOG_URI"])
    run("demo", "traffic", "model", "--weeks=2", "--per-day=4", "--seed=2", home=home, **logged)
    n_rows = table_of(logged).num_rows
    assert n_rows > before.num_rows
    finished = run("log", "compact", "--json", home=home, **logged)
    assert json.loads(finished.stdout)["n_files_before"] > 10
    assert table_of(logged).num_rows == n_rows
    closed = sorted(folder.glob("date=*"))[:-1]
    assert {len(list(day.glob("*.parquet"))) for day in closed} == {1}
