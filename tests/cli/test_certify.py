"""Certify: new promises for a model, on texts that it has not seen."""

import csv
import json

import pytest

from tests.classifiers.corpus import PLACES, TOPICS
from tests.cli.test_commands import COLUMNS, QUICK, fails, run


def write_texts(path, numbers):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "code"])
        for code, phrases in TOPICS.items():
            for phrase in phrases:
                for place in PLACES:
                    writer.writerows((f"{phrase} {place} {number}", code) for number in numbers)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home where a model was trained once, with the texts it saw and others."""
    folder = tmp_path_factory.mktemp("home")
    write_texts(folder / "requests.csv", range(6))
    write_texts(folder / "fresh.csv", range(4, 10))
    finished = run("train", "requests.csv", *COLUMNS, *QUICK, "--json", home=folder)
    assert finished.returncode == 0, finished.stderr
    (folder / "summary.json").write_text(finished.stdout)
    return folder


def test_training_says_what_is_promised(home):
    summary = json.loads((home / "summary.json").read_text())
    (threshold,) = summary["thresholds"]
    assert summary["guarantee"]["threshold_id"] == threshold["id"]
    assert "distinct texts never seen" in summary["sentence"]


def test_fresh_texts_make_a_version_that_differs_in_its_thresholds_only(home):
    command = ("certify", "models:/requests@champion", "fresh.csv", *COLUMNS, "--json")
    finished = run(*command, "--target-error=0.2", "--target-error=0.1", home=home)
    assert finished.returncode == 0, finished.stderr
    done = json.loads(finished.stdout)
    first = json.loads((home / "summary.json").read_text())
    assert done["model_uri"] == "models:/requests/2"
    assert done["certified_from"] == first["digest"] != done["digest"]
    assert [threshold["target_error"] for threshold in done["thresholds"]] == [0.2, 0.1]
    # Texts numbered 4 and 5 were in the training.
    assert (done["n_seen"], done["n_fresh"]) == (192, 384)
    before, after = (
        json.loads(path.read_text())
        for path in sorted(
            home.glob("results/*/model/manifest.json"), key=lambda p: p.stat().st_mtime
        )
    )
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    promises = {"thresholds", "prediction_sets", "certification"}  # Codes have no level above.
    lineage = {"data", "automation", "certified_from"}
    assert changed == promises | lineage


def test_texts_that_were_certified_on_prove_nothing_again(home):
    command = ("certify", "models:/requests/2", "fresh.csv", *COLUMNS, "--target-error=0.1")
    line = fails(*command, home=home)
    assert "has seen all 576 texts already" in line
    # Another target or another draw may not be tried from the version before either.
    command = ("certify", "models:/requests/1", "fresh.csv", *COLUMNS, "--target-error=0.3")
    assert "has seen all 576 texts already" in fails(*command, home=home)
    line = fails(
        "certify", "models:/requests/1", "requests.csv", *COLUMNS, "--target-error=0.1", home=home
    )
    assert "fitted, certified or tested" in line


def test_without_a_run_someone_must_vouch(home, tmp_path):
    folder = min(home.glob("results/*/model"), key=lambda path: path.stat().st_mtime)
    alone = tmp_path / "alone"
    alone.mkdir()
    for path in folder.iterdir():
        (alone / path.name).write_bytes(path.read_bytes())
    command = ("certify", alone, home / "fresh.csv", *COLUMNS, "--target-error=0.2")
    assert "--fresh" in fails(*command, home=tmp_path, code=2)
    finished = run(*command, "--fresh", home=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "models:/requests/1" in finished.stdout
    again = ("certify", "models:/requests/1", home / "requests.csv", *COLUMNS, "--target-error=0.2")
    assert "someone vouched" in fails(*again, home=tmp_path, code=2)


def test_a_certified_version_has_its_sheet(home):
    newest = max(home.glob("results/*/artifacts"), key=lambda path: path.stat().st_mtime)
    sheet = (newest / "sheet.en.md").read_text()
    assert "| 20% |" in sheet
    assert "texts of the certification" in sheet
    assert "| Level | Codes |" in sheet
    assert "| Code at the top |" in sheet


@pytest.mark.parametrize("wrong", ["--target-error=0", "--target-error=1", "--target-error=x"])
def test_a_target_out_of_range_is_a_usage_error(home, wrong):
    fails("certify", "models:/requests/1", "fresh.csv", *COLUMNS, wrong, home=home, code=2)


def test_delta_out_of_range_is_a_usage_error(home):
    options = (*COLUMNS, "--target-error=0.1", "--delta=1")
    assert "Delta" in fails(
        "certify", "models:/requests/1", "fresh.csv", *options, home=home, code=2
    )


def test_the_target_of_the_settings_is_the_one_kept(home):
    line = fails(
        "predict",
        "models:/requests/1",
        "fresh.csv",
        "coded.csv",
        "--text=text",
        home=home,
        LIBELLE_TARGET_ERROR="0.33",
    )
    assert "declared: 0.05" in line
    assert not (home / "coded.csv").exists()
