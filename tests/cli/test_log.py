"""What commands write to the prediction log, and what they do with it."""

import csv
from collections import Counter

import pytest

from libelle.monitoring.prediction_log.reading import read_log
from libelle.predictor import Predictor
from tests.cli.test_commands import fails, run
from tests.test_predictor import make_predictor

KEY = "k" * 40


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
