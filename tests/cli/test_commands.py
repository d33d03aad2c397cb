"""What the command line promises: examples in its help, one-line errors, exit codes, JSON alone."""

import csv
import errno
import hashlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.main import get_command

import libelle.cli
from libelle.cli.app import app
from libelle.cli.demo import _guarded
from libelle.cli.registering import account
from libelle.cli.serve import describe_new_key
from libelle.cli.train import model_name
from libelle.settings import read_settings
from tests.classifiers.corpus import PLACES, TOPICS
from tests.deployment.conftest import CONFIGURED, copy_clone, deploy

ELSEWHERE = ("LIBELLE_", "MLFLOW_", "AWS_")
QUICK = ["--trials=2", "--folds=3", "--family=svm", "--workers=1"]
COLUMNS = ["--text=text", "--code=code"]


def run(*arguments, home, **environment):
    """Run a command as a user would, in a folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)}
    kept |= {"LIBELLE_HOME": str(home), **environment}
    command = [sys.executable, "-m", "libelle.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=kept, cwd=home)


def fails(*arguments, home, code=1, **environment):
    """Run a command that must fail in one line, without a traceback; return the line."""
    finished = run(*arguments, home=home, **environment)
    assert finished.returncode == code, finished.stderr
    assert "Traceback" not in finished.stderr
    assert finished.stdout == ""
    return finished.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "requests.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "code"])
        for code, phrases in TOPICS.items():
            for phrase in phrases:
                for place in PLACES:
                    writer.writerows((f"{phrase} {place} {n}", code) for n in range(6))
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory, requests):
    """A home where a model was trained once."""
    folder = tmp_path_factory.mktemp("home")
    finished = run("train", requests, *COLUMNS, *QUICK, "--json", home=folder)
    assert finished.returncode == 0, finished.stderr
    (folder / "summary.json").write_text(finished.stdout)
    return folder


def commands(command, path=()):
    if hasattr(command, "commands"):
        for name, inside in command.commands.items():
            yield from commands(inside, (*path, name))
    else:
        yield path, command


@pytest.mark.parametrize(("path", "command"), list(commands(get_command(app))))
def test_every_command_has_an_example_that_names_it(path, command):
    assert "Example:" in command.help
    assert f"libelle {' '.join(path)}" in command.help
    for parameter in command.params:
        assert parameter.help, (path, parameter.name)


def test_help_is_quick_to_import():
    program = (
        "import sys\nimport libelle.cli\n"
        "heavy = {'mlflow', 'sklearn', 'pandas', 'optuna', 'numba', 'scipy', 'pyarrow'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_training_prints_one_json_object_and_nothing_else(home):
    summary = json.loads((home / "summary.json").read_text())
    assert summary["model_uri"] == "models:/requests/1"
    assert summary["alias"] == "champion"
    assert {"accuracy", "macro_f1", "log_loss", "ece"} <= set(summary["metrics"])
    assert summary["guarantee"]["status"] == "none"
    assert re.fullmatch("[0-9a-f]{64}", summary["digest"])


def test_the_same_training_gives_the_same_digest_and_a_challenger(home, requests):
    first = json.loads((home / "summary.json").read_text())
    again = run("train", requests, *COLUMNS, *QUICK, "--seed=1", "--json", home=home)
    other = json.loads(again.stdout)
    assert other["digest"] != first["digest"]
    assert other["alias"] == "challenger"
    same = json.loads(run("train", requests, *COLUMNS, *QUICK, "--json", home=home).stdout)
    assert same["digest"] == first["digest"]
    assert same["metrics"] == first["metrics"]


def test_a_file_is_coded_by_the_champion(home, requests):
    output = home / "coded.csv"
    finished = run(
        "predict", "models:/requests@champion", requests, output, "--text=text", home=home
    )
    assert finished.returncode == 0, finished.stderr
    with output.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    right = sum(row["top_code"] == row["input_code"] for row in rows)
    assert right / len(rows) > 0.9
    assert {row["decision"] for row in rows} == {"review"}


def test_models_are_listed_and_shown(home):
    assert "champion" in run("models", "list", home=home).stdout
    shown = json.loads(run("models", "show", "requests", "--json", home=home).stdout)
    assert shown["versions"][0]["first"] or shown["versions"][-1]["first"]
    assert "nothing is automatic" in run("models", "show", "requests", home=home).stdout


def test_the_history_says_who_registered(home):
    history = json.loads(run("models", "history", "requests", "--json", home=home).stdout)
    assert history["moves"][0]["by"] == account()


def test_nothing_is_sent_twice(home):
    assert "Nothing to send" in run("runs", "push", home=home).stdout


def test_columns_are_guessed(home, requests):
    guessed = run("check", requests, home=home).stdout
    assert f"libelle train {requests} --text text --code code" in guessed


def test_the_check_is_also_json(home, requests):
    report = json.loads(run("check", requests, *COLUMNS, "--json", home=home).stdout)
    assert report["n_rows"] == 576


def test_a_missing_column_is_one_line(tmp_path, requests):
    line = fails("train", requests, "--text=texte", "--code=code", home=tmp_path)
    assert "no column 'texte'" in line
    assert "Did you mean 'text'" in line


@pytest.mark.parametrize("content", ["", "text,code\n", "text,code\nun,a\ndeux,a\n"])
def test_a_file_with_nothing_to_learn_is_one_line(tmp_path, content):
    (tmp_path / "bad.csv").write_text(content)
    fails("train", tmp_path / "bad.csv", *COLUMNS, home=tmp_path)
    assert not list(tmp_path.glob("results/*/model"))


def test_a_missing_file_is_one_line(tmp_path):
    assert "absent.csv" in fails("train", "absent.csv", *COLUMNS, home=tmp_path)


def test_a_bad_option_is_a_usage_error(tmp_path, requests):
    assert "folds" in fails("train", requests, *COLUMNS, "--folds=1", home=tmp_path, code=2)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["train", "d.csv", "--bogus"], "No such option: --bogus. See `libelle train --help`."),
        (["predict"], "Missing argument 'MODEL'. See `libelle predict --help`."),
        (["trane"], "No such command 'trane'."),
        (["models", "promote", "demo", "--margin=x"], "See `libelle models promote --help`."),
    ],
)
def test_a_misuse_is_one_line_that_says_where_help_is(tmp_path, arguments, complaint):
    finished = run(*arguments, home=tmp_path)
    assert finished.returncode == 2
    assert complaint in finished.stderr
    assert len(finished.stderr.splitlines()) == 1


@pytest.mark.parametrize("seconds", [0.3, 0.9, 2.0, 3.0])
def test_an_interruption_at_any_moment_is_one_sentence(tmp_path, requests, seconds):
    arguments = ["train", requests, *COLUMNS, "--trials=20", "--folds=3", "--workers=2"]
    command = [sys.executable, "-m", "libelle.cli", *map(str, arguments)]
    environment = {**os.environ, "LIBELLE_HOME": str(tmp_path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, start_new_session=True, **pipes) as process:
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)  # As a terminal does: workers get it too.
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.count("run the same command to go on") == 1


def test_without_a_command_the_help_is_shown(tmp_path):
    finished = run(home=tmp_path)
    assert "Usage" in finished.stdout + finished.stderr
    assert "Error" not in finished.stderr


@pytest.mark.parametrize("command", [["demo", "run", "--no-serve"], ["runs", "open"]])
def test_no_screen_holds_the_password_of_mlflow(tmp_path, monkeypatch, capsys, command):
    from libelle.cli import demo

    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setenv("LIBELLE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:s3cret@mlflow.example.org")
    monkeypatch.setenv("AWS_S3_ENDPOINT", "me:s3cret@minio.example.org")
    monkeypatch.setattr(demo, "_journey", lambda *_: {})
    monkeypatch.setattr(demo, "describe", lambda _: [])
    monkeypatch.setattr(sys, "argv", ["libelle", *command])
    with pytest.raises(SystemExit, match="0"):
        libelle.cli.main()
    printed = capsys.readouterr()
    assert "mlflow.example.org" in printed.out
    assert "s3cret" not in printed.out + printed.err


def test_a_bad_setting_is_a_usage_error(tmp_path):
    assert "LIBELLE_PORT" in fails("models", "list", home=tmp_path, code=2, LIBELLE_PORT="http")


@pytest.mark.parametrize(
    "model", ["models:/requests@absent", "models:/requests/99", "models:/no@champion"]
)
def test_an_unknown_model_is_one_line(home, requests, model):
    line = fails("predict", model, requests, home / "o.csv", "--text=text", home=home)
    assert model.split("/")[1].split("@")[0] in line


def test_a_folder_without_model_is_one_line(home, requests):
    line = fails("predict", home, requests, home / "o.csv", "--text=text", home=home)
    assert "holds no model" in line


def test_a_tracking_server_that_is_down_loses_nothing(tmp_path, requests):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    arguments = ("train", requests, *COLUMNS, *QUICK, "--json")
    finished = run(*arguments, home=tmp_path, MLFLOW_TRACKING_URI=address)
    assert finished.returncode == 0, finished.stderr
    folder = json.loads(finished.stdout)["model_uri"]
    assert (Path(folder) / "manifest.json").is_file()
    assert "libelle runs push" in finished.stderr
    pushed = run("runs", "push", home=tmp_path)
    assert pushed.returncode == 0, pushed.stderr
    assert "champion" in run("models", "list", home=tmp_path).stdout


def test_names_of_models_come_from_files():
    assert model_name("s3://bucket/Tickets 2024.csv.gz") == "tickets-2024"
    assert model_name("examples/coicop-tickets.toml") == "coicop-tickets"
    assert model_name("é.csv") == "model"


def test_the_example_in_the_help_is_a_command_line():
    for _, command in commands(get_command(app)):
        (example,) = re.findall(r"Example: `([^`]+)`", command.help)
        assert "libelle" in shlex.split(example)


def test_a_disk_that_fills_up_is_one_line(monkeypatch, capsys):
    def fill_up(**options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results/trials.jsonl")

    monkeypatch.setattr("libelle.cli.app.app", fill_up)
    with pytest.raises(SystemExit, match="1"):
        libelle.cli.main()
    (line,) = capsys.readouterr().err.splitlines()
    assert "results/trials.jsonl" in line
    assert "No space left" in line


def test_an_interruption_says_that_the_same_command_goes_on(monkeypatch, capsys):
    app = typer.Typer()

    @app.command()
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("libelle.cli.app.app", app)
    monkeypatch.setattr(sys, "argv", ["libelle"])
    with pytest.raises(SystemExit, match="130"):
        libelle.cli.main()
    assert "run the same command to go on" in capsys.readouterr().err


@pytest.fixture(scope="module")
def contested(home, tmp_path_factory):
    """The home, where `demo` has a champion and a challenger that answers as it does."""
    from libelle.tracking.registry import register_model
    from libelle.tracking.runs import default_tracking_uri
    from tests.tracking.models import make_predictor

    folder = tmp_path_factory.mktemp("made")
    for n_tenths in (8, 9):
        saved = make_predictor(accuracy=n_tenths / 10).save(folder / str(n_tenths))
        register_model(saved, name="demo", tracking_uri=default_tracking_uri(home))
    return home


@pytest.fixture
def models(contested, monkeypatch, capsys):
    """Run `libelle models …` in this process; return its exit code, its output and its messages."""
    monkeypatch.setenv("LIBELLE_HOME", str(contested))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run_models(*arguments):
        monkeypatch.setattr(sys, "argv", ["libelle", "models", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            libelle.cli.main()
        printed = capsys.readouterr()
        return stop.value.code or 0, printed.out, printed.err

    return run_models


def test_a_champion_is_promoted_and_rolled_back_and_the_history_tells_it(models, requests):
    fresh = ("--data", requests, *COLUMNS, "--margin=0.05")
    code, output, _ = models("promote", "demo", *fresh, "--override=trial", "--by=Ada", "--json")
    verdict = json.loads(output)
    assert (code, verdict["promoted"], verdict["move"]["by"]) == (0, True, "Ada")
    code, output, _ = models("rollback", "demo", "--reason=wrong on roads", "--by=Ada")
    assert (code, "champion 2 → 1  by Ada: wrong on roads" in output) == (0, True)
    told = json.loads(models("history", "demo", "--json")[1])
    kinds = [move["kind"] for move in told["moves"]]
    assert kinds[0:2] + kinds[3:] == ["first", "register", "rollback"]
    past = json.loads(models("history", "demo", "--json", f"--at={verdict['move']['at']}")[1])
    assert past["holders"]["champion"]["version"] == "2"
    code, output, error = models(
        "promote", "demo/2", "--data", requests, *COLUMNS, "--margin=0.001"
    )
    assert code == 1
    assert "FAIL  accuracy" in output
    assert "Not promoted: accuracy" in output
    assert not error


@pytest.mark.parametrize("pinned_by", ["variable", "clone"])
def test_a_pinned_service_is_told_its_new_champion_by_a_commit(
    models, requests, monkeypatch, tmp_path, pinned_by
):
    monkeypatch.chdir(copy_clone(tmp_path))  # Its overlays still hold placeholders.
    order = ("promote", "demo/2", "--data", requests, *COLUMNS, "--override=trial", "--by=Ada")
    back = ("rollback", "demo", "--reason=trial", "--by=Ada")
    assert "deploy bump" not in models(*order)[2] + models(*back)[2]
    versions = json.loads(models("show", "demo", "--json")[1])["versions"]
    digests = {one["version"]: one["digest"] for one in versions}
    if pinned_by == "variable":
        monkeypatch.setenv("LIBELLE_MODEL_DIGEST", digests["1"])
    else:
        deploy("configure", *CONFIGURED["sspcloud"])
    for arguments, version in ((order, "2"), (back, "1")):
        line = models(*arguments)[2].splitlines()[-1].strip()
        expected = f"libelle deploy bump --model models:/demo/{version}"
        assert line == f"{expected} --digest {digests[version]}"


def test_a_clone_that_cannot_be_read_does_not_spoil_a_rollback(
    models, requests, monkeypatch, tmp_path
):
    clone = copy_clone(tmp_path)
    (clone / "kubernetes/overlays/sspcloud/kustomization.yaml").write_text("a: [")
    monkeypatch.chdir(clone)
    order = ("promote", "demo/2", "--data", requests, *COLUMNS, "--override=trial", "--by=Ada")
    for arguments in (order, ("rollback", "demo", "--reason=trial", "--by=Ada")):
        code, _, said = models(*arguments)
        assert (code, "deploy bump" in said) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["promote", "demo/1"], 2, "is the champion itself"),
        (["promote", "demo/2", "--override= "], 2, "--override: give a reason"),
        (["promote", "demo/9"], 1, "has no version 9"),
        (["promote", "absent"], 1, "No model is called 'absent'"),
        (["rollback", "demo", "--reason=x", "--to=9"], 2, "never was champion"),
        (["history", "demo", "--at=yesterday"], 2, "is not a time"),
    ],
)
def test_what_cannot_be_promoted_is_one_line(models, requests, arguments, code, complaint):
    data = ["--data", requests, *COLUMNS] if arguments[0] == "promote" else []
    found, output, error = models(*arguments, *data)
    assert (found, output) == (code, "")
    assert complaint in error
    assert len(error.splitlines()) == 1


def test_a_password_is_never_shown(home, monkeypatch, capsys):
    from libelle.cli.demo import _last_screen, say_destinations
    from libelle.settings import Settings

    uri = "https://ada:secret@mlflow.example.org"
    settings = Settings.model_construct(mlflow_tracking_uri=uri, host="0.0.0.0")
    say_destinations(settings)
    shown = "\n".join(_last_screen(settings, None)) + "".join(capsys.readouterr())
    assert "mlflow.example.org" in shown
    assert "secret" not in shown
    assert "http://0.0.0.0" not in shown


def test_rows_of_a_test_file_without_code_are_said(home, requests, tmp_path):
    tested = tmp_path / "tested.csv"
    lines = requests.read_text().splitlines()
    tested.write_text("\n".join([*lines[:60], "texte sans code,", ""]))
    command = ("train", requests, *COLUMNS, *QUICK, f"--test={tested}", "--model=tested")
    finished = run(*command, home=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "tested: 1 of 60 rows left out: no code" in finished.stderr
    (record,) = tmp_path.glob("results/*/artifacts/split.json")
    assert json.loads(record.read_text())["n_without_code"] == {"all": 0, "test": 1}
    (about,) = tmp_path.glob("results/*/run.json")
    configuration = json.loads(about.read_text())["configuration"]
    assert configuration["asked_test"].endswith("tested.csv")
    assert configuration["asked_text"] == "text"


@pytest.mark.parametrize("option", ["--seed=-1", "--workers=0", "--minutes=nan", "--minutes=1e400"])
def test_an_option_out_of_range_is_a_usage_error(home, requests, option):
    fails("train", requests, *COLUMNS, option, home=home, code=2)


def test_a_new_key_is_printed_once_with_its_entry(tmp_path):
    printed = run("serve", "--new-key", "--name=tickets", "--scopes=predict,review", home=tmp_path)
    _, secret, _, entry = printed.stdout.splitlines()
    digest = hashlib.sha256(secret.encode()).hexdigest()
    assert (printed.returncode, entry) == (0, f"tickets:predict+review:{digest}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--name=a:b", "--name=", "--scopes=all", "--scopes="])
def test_a_new_key_has_a_name_and_scopes_that_are_known(tmp_path, option):
    fails("serve", "--new-key", option, home=tmp_path, code=2)


def test_the_service_asks_for_keys_or_for_words_that_say_none(tmp_path):
    line = fails("serve", home=tmp_path, code=2)
    assert "--new-key" in line
    assert "LIBELLE_AUTH=none" in line


@pytest.mark.parametrize(
    "variables", [{"LIBELLE_HOST": "0.0.0.0"}, {"LIBELLE_AUTH": "keys"}, {"LIBELLE_HOST": "::"}]
)
def test_a_journey_that_others_can_call_asks_for_keys_before_it_learns(tmp_path, variables):
    assert "LIBELLE_AUTH=none" in fails("demo", "run", home=tmp_path, code=2, **variables)
    assert not list(tmp_path.iterdir())


def test_a_journey_on_this_machine_says_that_it_asks_for_no_key(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LIBELLE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    guarded = _guarded(read_settings())
    assert guarded.auth == "none"
    assert "127.0.0.1: no key is asked for (LIBELLE_AUTH=none)" in capsys.readouterr().err


def test_a_journey_with_keys_asks_for_them(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    _, _, _, entry = describe_new_key("tickets", "read")
    monkeypatch.setenv("LIBELLE_API_KEYS", entry)
    assert _guarded(read_settings()).auth == "keys"
