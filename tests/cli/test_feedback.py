"""Predictions go to coders by a command, and their verdicts come back by another."""

import json
import sys

import pytest

import libelle.cli
from libelle.monitoring.feedback.reading import read_feedback
from libelle.monitoring.prediction_log import PredictionLog
from libelle.monitoring.prediction_log.upload import Uploader
from libelle.monitoring.privacy import TextPolicy
from tests.api.conftest import make_predictor
from tests.monitoring.predictions import KEY, make_options, make_rows
from tests.monitoring.verdicts import PREDICTION

SECRET = "texte-confidentiel"


@pytest.fixture
def feedback(tmp_path, monkeypatch, capsys):
    """Run `libelle feedback …` in this process; return its exit code, output and messages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIBELLE_HOME", str(tmp_path))
    monkeypatch.setenv("LIBELLE_LOG_URI", str(tmp_path / "log"))
    monkeypatch.setenv("LIBELLE_LOG_KEY", KEY.decode())

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["libelle", "feedback", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            libelle.cli.main()
        printed = capsys.readouterr()
        return stop.value.code or 0, printed.out, printed.err

    return run


@pytest.fixture
def logged(tmp_path):
    options = make_options(tmp_path, text_policy=TextPolicy.FULL)
    rows = make_rows("Nid de poule", "Lampadaire éteint")
    log = PredictionLog(options)
    log.append(rows)
    log.close()
    Uploader(options).run_once()
    return rows


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_predictor().save(tmp_path_factory.mktemp("models") / "demo")


def verdicts(tmp_path):
    return read_feedback(str(tmp_path / "log")).current().to_pylist()


def test_tasks_are_exported_answered_and_imported(feedback, logged, model, tmp_path):
    code, output, _ = feedback("export", "tasks.json", "--model", model)
    assert code == 0
    assert "2 predictions written to tasks.json and tasks.json.xml." in output
    config = (tmp_path / "tasks.json.xml").read_text()
    assert 'value="0302" html="0302 – Cartes d&amp;#x27;identité"' in config
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    result = tasks[0]["predictions"][0]["result"]
    tasks[0]["annotations"] = [{"completed_by": 7, "result": result, "was_cancelled": False}]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    for n_new, n_there in ((1, 0), (0, 1)):
        code, output, _ = feedback("import", "tasks.json", "--json")
        expected = {"n_new": n_new, "n_replaced": 0, "n_there": n_there, "n_unanswered": 1}
        assert (code, json.loads(output)) == (0, expected)
    [row] = verdicts(tmp_path)
    assert (row["verdict"], row["code"], row["source"]) == ("confirmed", "0111", "import")


def test_a_sheet_is_exported_filled_in_and_imported(feedback, logged, tmp_path):
    code, output, _ = feedback("export", "sheet.csv", "--decision=all", "--json")
    told = {"n_exported": 2, "n_without_text": 0, "files": ["sheet.csv"]}
    assert (code, json.loads(output)) == (0, told)
    path = tmp_path / "sheet.csv"
    header, first, *rest = path.read_text("utf-8-sig").splitlines()
    assert first.endswith(",,,")
    filled = first[:-3] + ",corrected,0112,ada"
    path.write_text("\n".join([header, filled, *rest, ""]))
    code, output, _ = feedback("import", "sheet.csv")
    assert (code, output.split(",")[0]) == (0, "1 verdicts kept")
    path.write_text("\n".join([header, filled.replace("0112", "0113"), ""]))
    code, _, error = feedback("import", "sheet.csv")
    assert (code, "--replace" in error) == (1, True)
    assert feedback("import", "sheet.csv", "--replace")[0] == 0
    assert [row["code"] for row in verdicts(tmp_path)] == ["0113"]


def test_what_came_before_is_not_exported(feedback, logged):
    for since, n_exported in (("2026-03-14", 2), ("2026-03-14T12:01", 0)):
        code, output, _ = feedback("export", "tasks.json", "--since", since, "--json")
        assert (code, json.loads(output)["n_exported"]) == (0, n_exported)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("prediction_id,verdict\n", "bad.csv: Columns are missing: code."),
        (f"prediction_id,verdict,code\n{PREDICTION},{SECRET},\n", "Row 2: the verdict is none of"),
        (f"prediction_id,verdict,code\n{PREDICTION},confirmed,0101\n", "Row 2: nobody is named"),
    ],
)
def test_a_bad_file_is_one_line(feedback, tmp_path, content, complaint):
    (tmp_path / "bad.csv").write_text(content)
    code, output, error = feedback("import", "bad.csv")
    assert (code, output, len(error.splitlines())) == (1, "", 1)
    assert complaint in error
    assert SECRET not in error
    assert verdicts(tmp_path) == []


def test_codes_are_those_of_a_model_when_one_is_named(feedback, model, tmp_path):
    (tmp_path / "a.csv").write_text(f"prediction_id,verdict,code\n{PREDICTION},confirmed,101\n")
    code, _, error = feedback("import", "a.csv", "--coder=ada", "--model", model)
    assert (code, "was a leading zero lost?" in error) == (1, True)
    assert feedback("import", "a.csv", "--coder=ada")[0] == 0


@pytest.mark.parametrize(
    ("variable", "value"), [("LIBELLE_LOG_URI", None), ("LIBELLE_LOG_KEY", None)]
)
def test_without_log_or_key_it_is_a_usage_error(feedback, monkeypatch, variable, value):
    monkeypatch.delenv(variable)
    for arguments in (("import", "a.csv"), ("export", "a.csv")):
        code, _, error = feedback(*arguments)
        assert (code, variable in error, len(error.splitlines())) == (2, True, 1)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["import", "absent.json"], 1),
        (["export", "absent/tasks.json"], 1),
        (["export", "a.json", "--since=yesterday"], 2),
        (["export", "a.json", "--decision=refused"], 2),
        (["export", "a.json", "--format=xlsx"], 2),
    ],
)
def test_what_cannot_be_done_is_one_line(feedback, arguments, code):
    found, output, error = feedback(*arguments)
    assert (found, output, len(error.splitlines())) == (code, "", 1), error
