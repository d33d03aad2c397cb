"""Realised accuracy of both arms: from the codes that people gave, to the page that shows it."""

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from libelle.cli.app import app
from libelle.dashboard import Parts
from libelle.dashboard.measured import MeasuredParts
from libelle.monitoring.audit import read_sample, read_verdict
from tests.dashboard.conftest import LOG_KEY, NOW, make_settings
from tests.dashboard.html import Page
from tests.monitoring.rows import make_log, write_log

N_REVIEW, N_WRONG = 60, 15


def call(folder, *command):
    environment = {
        "LIBELLE_HOME": str(folder),
        "LIBELLE_LOG_URI": str(folder / "log"),
        "LIBELLE_LOG_KEY": LOG_KEY,
        "LIBELLE_VERDICT_URI": str(folder / "verdict.json"),
    }
    done = CliRunner().invoke(app, list(map(str, command)), env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """Return a folder where an audit was judged and published, and what the command said."""
    folder = tmp_path_factory.mktemp("audited")
    write_log(make_log(1500, np.random.default_rng(0)), str(folder / "log"))
    sheet, sample = folder / "a.csv", folder / "a.sample.parquet"
    call(folder, "audit", "draw", sheet, "--automatic=100", f"--review={N_REVIEW}")
    rows = read_sample(str(sample))[0].to_pylist()
    wrong = {row["prediction_id"] for row in rows if row["arm"] == "review"}
    wrong = set(sorted(wrong)[:N_WRONG])
    with sheet.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prediction_id", "code"])
        for row in rows:
            name = row["prediction_id"]
            writer.writerow([name, "0999" if name in wrong else row["top_code"]])
    said = call(folder, "audit", "estimate", sample, sheet, "--publish", "--by=ada", "--json")
    return folder, json.loads(said)


def see(folder):
    settings = make_settings(folder, verdict_uri=str(folder / "verdict.json"))
    return MeasuredParts(settings, clock=lambda: NOW).wait(20).audit


def test_a_published_verdict_tells_how_often_the_first_candidate_is_right(audited):
    folder, said = audited
    review, arm = read_verdict(folder / "verdict.json").review, said["review"]
    assert (review.n_judged, review.n_wrong) == (N_REVIEW, N_WRONG)
    assert review.accuracy == arm["accuracy"] == pytest.approx(1 - N_WRONG / N_REVIEW, abs=0.1)
    assert (review.low, review.high) == (1 - arm["high"], 1 - arm["low"])
    assert review.low < review.accuracy < review.high


@pytest.mark.parametrize(
    ("lang", "sentence", "row"),
    [
        ("fr", "la première proposition est juste dans {} des cas", "envoyés en vérification"),
        ("en", "the first candidate is right in {} of cases", "sent to review"),
    ],
)
def test_the_page_tells_both_arms_with_their_intervals(
    audited, open_dashboard, lang, sentence, row
):
    folder, _ = audited
    seen = see(folder)
    page = open_dashboard(folder, parts=Parts(seen)).page("guarantee", lang)
    words = Page(page).words.replace("\u00a0", " ").replace("\u202f", " ")
    share = f"{100 * seen.review_accuracy:.1f}"
    share = f"{share.replace('.', ',')} %" if lang == "fr" else f"{share}%"
    assert sentence.format(share) in words
    assert f'{row}</th><td class="n">{N_REVIEW}</td><td class="n">{N_WRONG}</td>' in page


def test_a_verdict_of_before_is_still_shown_without_that_arm(audited, open_dashboard, tmp_path):
    folder, _ = audited
    document = json.loads((folder / "verdict.json").read_bytes())
    del document["review"]
    (tmp_path / "verdict.json").write_text(json.dumps(document | {"verdict_version": 1}))
    seen = see(tmp_path)
    assert (seen.n_judged, seen.review_accuracy) == (100, None)
    words = Page(open_dashboard(folder, parts=Parts(seen)).page("guarantee", "en")).words
    assert "coded automatically" in words
    assert "first candidate" not in words
