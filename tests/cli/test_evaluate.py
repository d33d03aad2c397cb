"""What `libelle evaluate` promises: a JSON alone, a report that opens, mistakes in one line."""

import csv
import json

import pytest
from typer.testing import CliRunner

from libelle.cli.app import app
from libelle.errors import LibelleError, UsageError
from tests.evaluated import make_coded_texts, make_model

COLUMNS = ["--text=text", "--code=code"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a model, another one, and coded texts."""
    folder = tmp_path_factory.mktemp("evaluate")
    make_model().save(folder / "model")
    make_model(thresholds=()).save(folder / "other")
    dataset = make_coded_texts()
    with (folder / "coded.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "code", "channel"])
        channels = ["web", "desk"] * 50
        writer.writerows(zip(dataset.texts, dataset.codes, channels, strict=False))
        writer.writerow(["texte sans code", "", "web"])
    return folder


def evaluate(home, *options):
    arguments = ["evaluate", str(home / "model"), str(home / "coded.csv"), *COLUMNS, *options]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_the_json_stands_alone(home):
    answer = json.loads(evaluate(home, "--json").stdout)
    assert answer["data"]["n_texts"] == 99
    assert answer["data"]["n_missing_codes"] == 1
    assert answer["sentence"].startswith("Of 99 texts")
    assert answer["segments"] is None


def test_the_sentence_for_a_head_of_unit_comes_first(home):
    lines = evaluate(home, "--cost-review=1", "--cost-error=5", f"--against={home / 'other'}")
    assert lines.stdout.startswith("Of 99 texts, ")
    assert "Promise: at most 5%" in lines.stdout
    assert "Against demo: accuracy +0.0%" in lines.stdout
    assert "an exploration" in lines.stdout


def test_segments_stand_beside_their_texts(home):
    rows = json.loads(evaluate(home, "--by=channel", "--json").stdout)["segments"]["rows"]
    assert {row["segment"]: row["n_texts"] for row in rows} == {"web": 50, "desk": 49}


def test_a_segment_does_not_change_the_data_s_identity(home):
    one = json.loads(evaluate(home, "--by=channel", "--json").stdout)["data"]["digest"]
    assert one == json.loads(evaluate(home, "--json").stdout)["data"]["digest"]


def test_the_report_is_written_in_the_language_asked(home, tmp_path):
    for lang, title in (
        ("fr", "Évaluation du modèle demo"),
        ("en", "Evaluation of the model demo"),
    ):
        path = tmp_path / f"{lang}.html"
        evaluate(home, f"--report={path}", f"--lang={lang}")
        assert f"<h1>{title}</h1>" in path.read_text(encoding="utf-8")
        assert "blockquote>" not in path.read_text(encoding="utf-8")


def test_texts_are_quoted_when_asked(home, tmp_path):
    evaluate(home, f"--report={tmp_path / 'r.html'}", "--with-texts")
    assert "blockquote>" in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lang=de"], "fr or in en"),
        (["--report=r.pdf"], "must end in .html"),
        (["--cost-review=1"], "both costs"),
        (["--cost-review=1", "--cost-error=-2"], "numbers above 0"),
        (["--by=text"], "a text is no segment"),
    ],
)
def test_a_mistake_is_a_usage_error(home, options, message):
    with pytest.raises(UsageError, match=message):
        evaluate(home, *options)


def test_a_missing_segment_column_is_named(home):
    with pytest.raises(LibelleError, match="no column 'chanel'"):
        evaluate(home, "--by=chanel")


def test_a_model_is_not_compared_with_itself(home):
    with pytest.raises(UsageError, match="nothing to compare"):
        evaluate(home, f"--against={home / 'model'}")
