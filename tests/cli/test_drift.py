"""What `libelle drift` promises: sentences first, files that open, exit codes for a scheduler."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from libelle.cli.app import app
from libelle.cli.drift import DRIFTED
from libelle.errors import DataError, ModelError, UsageError
from libelle.monitoring.drift import read_drift
from libelle.monitoring.drift.windows import Window
from libelle.predictor import Predictor
from tests.cli.test_commands import run
from tests.evaluated import make_model
from tests.monitoring.rows import FIRST_DAY, make_log, with_column, write_log

KEY = "k" * 40
CHANGED = f"--since={FIRST_DAY + timedelta(weeks=2):%Y-%m-%d}"
STABLE = (f"--until={FIRST_DAY + timedelta(weeks=1):%Y-%m-%d}",)
BEFORE = ("--against-log", f"{FIRST_DAY:%Y-%m-%d}", f"{FIRST_DAY + timedelta(weeks=1):%Y-%m-%d}")


def settings_of(folder):
    return {
        "LIBELLE_HOME": str(folder),
        "LIBELLE_LOG_URI": str(folder / "log"),
        "LIBELLE_LOG_KEY": KEY,
    }


def drift(folder, *options):
    command = ["drift", *map(str, options)]
    return CliRunner().invoke(app, command, env=settings_of(folder), catch_exceptions=False)


def answered_by(rows: pa.Table, predictor: Predictor) -> pa.Table:
    return with_column(rows, "model_digest", [predictor.digest] * len(rows))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a model and its log: a week like its reference, then one that is not."""
    folder = tmp_path_factory.mktemp("drift")
    generator = np.random.default_rng(0)
    profile = Window.of(make_log(2000, generator)).profile
    reference = replace(profile, right=profile.confidences)
    model = make_model(reference=reference.to_dict()).save(folder / "model")
    bare = make_model().save(folder / "bare")
    stable = make_log(1500, generator)
    changed = make_log(
        1500,
        generator,
        first_day=FIRST_DAY + timedelta(weeks=2),
        shares=np.array([0.1, 0.1, 0.1, 0.1, 0.2, 0.4]),
        doubt=1.8,
        unknown=0.3,
    )
    for part in (stable, changed):
        write_log(answered_by(part, Predictor.load(model)), str(folder / "log"))
    write_log(answered_by(stable, Predictor.load(bare)), str(folder / "bare-log" / "log"))
    return folder


def test_a_stable_week_says_so_first_and_exits_with_zero(home):
    done = drift(home, "--model", home / "model", *STABLE, "--fail-at=low")
    assert done.exit_code == 0
    assert done.stdout.startswith("Nothing changed beyond chance.\nAccuracy to be expected")
    assert "Severity: none." in done.stdout


def test_a_changed_week_says_what_changed_and_since_when(home):
    done = drift(home, "--model", home / "model", CHANGED)
    assert done.exit_code == 0
    assert "The mix of codes changed." in done.stdout
    assert "“État civil” was multiplied by" in done.stdout
    assert "since mid-March 2026" in done.stdout
    assert "Severity: high." in done.stdout


@pytest.mark.parametrize("fail_at", ["low", "medium", "high"])
def test_a_severity_that_is_reached_exits_with_three(home, fail_at):
    done = drift(home, "--model", home / "model", CHANGED, f"--fail-at={fail_at}", "--json")
    assert done.exit_code == DRIFTED == 3
    assert json.loads(done.stdout)["severity"] == "high"


def test_the_process_exits_with_three_too(home):
    arguments = ("drift", "--model=model", CHANGED, "--fail-at=high")
    assert run(*arguments, home=home, **settings_of(home)).returncode == 3


def test_the_json_stands_alone_and_says_all(home):
    answer = json.loads(drift(home, "--model", home / "model", CHANGED, "--json").stdout)
    assert {"findings", "codes", "sentences", "expected", "reference", "current"} <= set(answer)
    assert answer["model"]["digest"] == Predictor.load(home / "model").digest
    assert answer["current"]["since"] == "2026-03-16"
    weeks = [(week["week"], week["n_answers"]) for week in answer["weeks"]]
    # Weeks before the period stand beside it, and are not studied.
    assert weeks == [("2026-03-02", 1500), ("2026-03-16", 1500)]


def test_of_a_long_period_a_draw_is_studied_and_all_weeks_are_counted(home, monkeypatch):
    monkeypatch.setattr("libelle.cli.drift.MOST_ROWS", 600)
    done = drift(home, "--model", home / "model", CHANGED, "--json")
    answer = json.loads(done.stdout)
    assert "Drawn at random: 600 of the 1,500 rows of this period." in done.stderr
    assert 500 < answer["current"]["n_texts"] <= 600
    assert answer["severity"] == "high"
    assert [week["n_answers"] for week in answer["weeks"]] == [1500, 1500]


def test_the_report_and_the_digest_are_in_french_unless_told_otherwise(home, tmp_path):
    files = (f"--report={tmp_path / 'd.html'}", f"--digest={tmp_path / 'd.txt'}")
    drift(home, "--model", home / "model", CHANGED, *files)
    assert "Dérive forte." in (tmp_path / "d.html").read_text()
    assert "Dérive forte.\n- " in (tmp_path / "d.txt").read_text()
    drift(home, "--model", home / "model", CHANGED, *files, "--lang=en")
    assert "High drift." in (tmp_path / "d.html").read_text()
    assert "High drift.\n- " in (tmp_path / "d.txt").read_text()


def test_a_study_is_published_beside_the_verdict(home, tmp_path, monkeypatch):
    monkeypatch.setenv("LIBELLE_VERDICT_URI", str(tmp_path / "verdict.json"))
    done = drift(home, "--model", home / "model", CHANGED, "--publish")
    assert done.exit_code == 0
    published = read_drift(tmp_path / "verdict.drift.json")
    assert published.severity == "high"
    assert published.model_digest == Predictor.load(home / "model").digest
    assert (published.n_texts, published.since) == (1500, "2026-03-16")


def test_nothing_is_published_where_no_verdict_is_expected(home):
    with pytest.raises(UsageError, match="LIBELLE_VERDICT_URI"):
        drift(home, "--model", home / "model", CHANGED, "--publish")


def test_an_earlier_period_stands_for_the_reference_and_compares_words(home):
    done = drift(home, "--model", home / "model", CHANGED, *BEFORE, "--json")
    answer = json.loads(done.stdout)
    assert answer["reference_kind"] == "log"
    assert answer["reference"]["until"] == "2026-03-08"
    assert "domain" in {finding["name"] for finding in answer["findings"]}


def test_the_reference_of_the_model_says_what_to_expect_of_an_earlier_period_too(home):
    expected = {
        name: json.loads(
            drift(home, "--model", home / "model", CHANGED, *options, "--json").stdout
        )["expected"]
        for name, options in {"model": (), "log": BEFORE}.items()
    }
    assert expected["log"]["accuracy"] == pytest.approx(expected["model"]["accuracy"], abs=0.02)
    assert expected["log"]["reference_accuracy"] == expected["model"]["reference_accuracy"] == 1
    assert "no_truth" not in expected["log"]["why_not"]


def test_segments_stand_beside_those_of_the_weeks_before(home, tmp_path):
    report = tmp_path / "d.html"
    done = drift(home, "--model", home / "model", CHANGED, "--json", f"--report={report}")
    answer = json.loads(done.stdout)
    found = {one["name"]: one for one in answer["segments"]}
    assert set(found) == {"01", "02", "03"}
    assert found["03"]["share_before"] < 0.2 < found["03"]["share_after"]
    assert {one["code"] for one in answer["top_codes_by_week"]} == set(found)
    assert "Segment par segment" in report.read_text()
    assert f"03 {found['03']['title']}" in report.read_text()


@pytest.mark.parametrize(
    ("digests", "advice"),
    [("ab", "--model aaaaaaaaaaaa."), ("bb", "None of them answered in the period")],
)
def test_a_model_that_did_not_answer_in_the_earlier_period_is_told_and_which_did(
    tmp_path, digests, advice
):
    generator = np.random.default_rng(1)
    days = (FIRST_DAY, *(FIRST_DAY + timedelta(days=days) for days in (14, 15)))
    for day, digest in zip(days, f"a{digests}", strict=True):
        rows = make_log(150, generator, first_day=day, n_days=1, model_digest=[digest * 64] * 150)
        write_log(rows, str(tmp_path / "log"))
    with pytest.raises(DataError, match="demo bbbbbbbbbbbb did not answer in the") as refused:
        drift(tmp_path, CHANGED, *BEFORE)
    assert "Those that did: demo aaaaaaaaaaaa (150 rows)." in str(refused.value)
    assert advice in str(refused.value)


def test_the_model_that_answered_in_both_periods_can_be_studied(tmp_path):
    generator = np.random.default_rng(1)
    for weeks, digest in ((0, "a"), (2, "a"), (3, "b")):
        day = FIRST_DAY + timedelta(weeks=weeks)
        rows = make_log(150, generator, first_day=day, n_days=1, model_digest=[digest * 64] * 150)
        write_log(rows, str(tmp_path / "log"))
    assert drift(tmp_path, CHANGED, *BEFORE, f"--model={'a' * 12}").exit_code == 0


def test_an_earlier_period_needs_no_model(home):
    done = drift(home, CHANGED, *BEFORE)
    assert "Codes have no titles, and no accuracy can be expected" in done.stderr
    assert "not valid (no reference tells" in done.stdout
    assert "“0302” was multiplied by" in done.stdout


def test_a_model_without_reference_is_told_and_nothing_is_guessed(home):
    with pytest.raises(ModelError, match=r"has no reference.*nothing is guessed\. Retrain it"):
        drift(home / "bare-log", "--model", home / "bare")


def test_a_model_that_is_a_folder_is_found_where_the_settings_say(home, tmp_path, monkeypatch):
    rows = with_column(make_log(300, np.random.default_rng(1)), "model_version", [None] * 300)
    write_log(answered_by(rows, Predictor.load(home / "model")), str(tmp_path / "log"))
    monkeypatch.setenv("LIBELLE_MODEL", str(home / "model"))
    assert drift(tmp_path).exit_code == 0


def test_another_model_than_the_one_that_answered_is_refused(home):
    with pytest.raises(UsageError, match="is the digest of 0 models that answered"):
        drift(home, "--model", home / "bare")


def test_a_champion_that_is_not_the_one_that_answered_is_refused(home, monkeypatch):
    folder = home / "bare"
    monkeypatch.setattr("libelle.cli.predict._locate", lambda model, settings: (folder, None))
    with pytest.raises(ModelError, match="models:/demo@champion is not the model that answered"):
        drift(home)


@pytest.mark.parametrize("since", ["", "--since=2031-01-01"])
def test_nothing_in_the_log_says_no_data_yet(home, tmp_path, since):
    with pytest.raises(DataError, match="No data yet"):
        drift(home if since else tmp_path, *filter(None, [since]))


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--lang=de"], "fr or in en"),
        (["--report=d.pdf"], ".html"),
        (["--fail-at=none"], "low, medium"),
        (BEFORE, "must end before"),
        ([*BEFORE, f"--since={FIRST_DAY + timedelta(days=6):%Y-%m-%d}"], "must end before"),
    ],
)
def test_odd_options_are_refused_before_any_work(tmp_path, option, said):
    with pytest.raises(UsageError, match=said):
        drift(tmp_path, *option)


def test_few_texts_are_not_compared(home, tmp_path):
    model = Predictor.load(home / "model")
    write_log(answered_by(make_log(40, np.random.default_rng(3)), model), str(tmp_path / "log"))
    done = drift(tmp_path, "--model", home / "model", f"--report={tmp_path / 'd.html'}")
    assert done.stdout.startswith("There are too few texts to compare anything.")
    assert "moins de cent libellés" in (tmp_path / "d.html").read_text()
