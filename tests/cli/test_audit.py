"""What an audit promises: a blind sheet, its sample, a verdict that says what it knows."""

import csv
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from libelle.cli.app import app
from libelle.errors import DataError, StorageError, UsageError
from libelle.monitoring.audit import Status, files, read_verdict
from libelle.monitoring.audit.records import read_audited_predictions
from libelle.monitoring.privacy import Pseudonyms
from tests.monitoring.rows import CODES, FIRST_DAY, make_log, with_column, write_log

KEY = "k" * 40


def audit(folder, *arguments, **settings):
    """Run a command of the audit, on the log of a folder."""
    environment = {
        "LIBELLE_HOME": str(folder),
        "LIBELLE_LOG_URI": str(folder / "log"),
        "LIBELLE_LOG_KEY": KEY,
        **settings,
    }
    command = ["audit", *map(str, arguments)]
    return CliRunner().invoke(app, command, env=environment, catch_exceptions=False)


@pytest.fixture(scope="module")
def rows():
    return make_log(1500, np.random.default_rng(0))


@pytest.fixture(scope="module")
def logged(rows, tmp_path_factory):
    """A folder with a log, a nomenclature, and a draw."""
    folder = tmp_path_factory.mktemp("audit")
    write_log(rows, str(folder / "log"))
    (folder / "codes.csv").write_text("\n".join(["code", *CODES, "0999"]))
    assert audit(folder, "draw", folder / "a.csv", "--review=60").exit_code == 0
    return folder


def read_sheet(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sample_of(folder):
    return pq.read_table(folder / "a.sample.parquet")


def fill(folder, path, code_of, *, delimiter=",", encoding="utf-8"):
    """Write the sheet of a folder with the codes that a person gives."""
    sheet = read_sheet(folder / "a.csv")
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, sheet[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows({**row, "code": code_of(row)} for row in sheet)
    return path


def right_codes(folder):
    """Return a person who agrees with the model about each text."""
    sample = sample_of(folder)
    columns = (sample[name].to_pylist() for name in ("prediction_id", "top_code"))
    codes = dict(zip(*columns, strict=True))
    return lambda row: codes[row["prediction_id"]]


def wrong_codes(folder):
    return lambda row: "0999" if int(row["position"]) % 3 == 0 else right_codes(folder)(row)


def estimate(folder, answers, *options, **settings):
    arguments = [folder / "a.sample.parquet", answers, f"--nomenclature={folder / 'codes.csv'}"]
    return audit(folder, "estimate", *arguments, *options, **settings)


def test_a_sheet_shows_the_texts_and_no_answer_of_the_model(logged, rows):
    sheet = read_sheet(logged / "a.csv")
    assert list(sheet[0]) == ["position", "prediction_id", "id", "text", "code"]
    assert [row["position"] for row in sheet] == [str(n) for n in range(1, 361)]
    assert {row["code"] for row in sheet} == {""}
    texts = dict(zip(rows["prediction_id"].to_pylist(), rows["text"].to_pylist(), strict=True))
    assert all(row["text"] == texts[row["prediction_id"]] for row in sheet)


def test_both_arms_are_mixed_each_in_the_order_of_its_draw(logged):
    sample = sample_of(logged)
    drawn = {row["prediction_id"]: row for row in sample.to_pylist()}
    ordered = [drawn[row["prediction_id"]] for row in read_sheet(logged / "a.csv")]
    for arm, n_drawn in (("automatic", 300), ("review", 60)):
        positions = [row["position"] for row in ordered if row["arm"] == arm]
        assert positions == list(range(n_drawn))
    first = [row["arm"] for row in ordered[:60]]
    assert first.count("review") == 10


def test_the_sample_holds_probabilities_and_no_text(logged):
    sample = sample_of(logged)
    assert {"probability", "rate", "top_code"} <= set(sample.column_names)
    assert not {"text", "text_kind"} & set(sample.column_names)


def test_codes_that_all_agree_confirm_the_promise(logged, tmp_path):
    answers = fill(logged, tmp_path / "filled.csv", right_codes(logged))
    said = estimate(logged, answers).stdout
    assert "The promise HOLDS: with 95 % confidence, at most 5 % are wrong." in said
    assert "Coded automatically: 300 of 300 texts drawn were judged, 0 codes wrong" in said
    assert "Under review: 60 of 60" in said


def test_verdicts_given_in_the_pages_are_worth_those_of_a_sheet(logged, tmp_path):
    answers = fill(logged, tmp_path / "filled.csv", wrong_codes(logged))
    judged = [row for row in read_sheet(answers) if row["code"]]
    sheet = tmp_path / "verdicts.csv"
    with sheet.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prediction_id", "verdict", "code", "coder"])
        writer.writerows([row["prediction_id"], "corrected", row["code"], "ada"] for row in judged)
    copy = shutil.copytree(logged, tmp_path / "copy")
    settings = {"LIBELLE_HOME": str(copy), "LIBELLE_LOG_URI": str(copy / "log")}
    environment = {**settings, "LIBELLE_LOG_KEY": KEY}
    imported = CliRunner().invoke(app, ["feedback", "import", str(sheet)], env=environment)
    assert imported.exit_code == 0, imported.output
    said = [copy / "a.sample.parquet", f"--nomenclature={copy / 'codes.csv'}", "--json"]
    from_pages = json.loads(audit(copy, "estimate", *said).stdout)
    from_sheet = json.loads(estimate(logged, answers, "--json").stdout)
    assert from_pages == from_sheet
    assert from_pages["status"] == "broken"


def test_many_wrong_codes_break_the_promise_and_the_verdict_says_who_says_so(logged, tmp_path):
    answers = fill(logged, tmp_path / "filled.csv", wrong_codes(logged))
    verdict_uri = tmp_path / "verdict.json"
    options = ("--publish", "--by=Claude Martin", "--json")
    done = estimate(logged, answers, *options, LIBELLE_VERDICT_URI=str(verdict_uri))
    answer = json.loads(done.stdout)
    assert answer["status"] == "broken"
    verdict = read_verdict(verdict_uri)
    assert (verdict.status, verdict.written_by) == (Status.BROKEN, "Claude Martin")
    assert verdict.model_name == "demo"
    assert verdict.error_rate == answer["automatic"]["error_rate"]["hajek"]
    assert verdict.since[:10] == f"{FIRST_DAY:%Y-%m-%d}"


def test_a_sheet_begun_says_how_many_more_texts_would_decide(logged, tmp_path):
    right = right_codes(logged)
    answers = fill(
        logged, tmp_path / "filled.csv", lambda row: right(row) if int(row["position"]) < 40 else ""
    )
    said = estimate(logged, answers).stdout
    assert "IN DOUBT" in said
    assert "more automatic texts would decide; the sheet has them." in said


@pytest.fixture(scope="module")
def small(rows, tmp_path_factory):
    """A folder whose draw is too small to decide."""
    folder = tmp_path_factory.mktemp("small")
    write_log(rows, str(folder / "log"))
    (folder / "codes.csv").write_text("\n".join(["code", *CODES, "0999"]))
    assert audit(folder, "draw", folder / "a.csv", "--automatic=40").exit_code == 0
    return folder


def test_a_sheet_judged_to_the_end_asks_for_a_larger_draw_on_the_next_period(small, tmp_path):
    answers = fill(small, tmp_path / "filled.csv", right_codes(small))
    n_more = json.loads(estimate(small, answers, "--json").stdout)["n_more_texts"]
    said = estimate(small, answers).stdout
    assert "IN DOUBT" in said
    assert "No automatic text of this sheet is left to judge: it decides nothing more." in said
    assert n_more > 0
    assert f"on the next period would: about {40 + n_more:,} automatic texts." in said
    assert "To draw again on this period, after a look, voids the confidence." in said
    assert "the sheet has" not in said


def test_a_sheet_judged_to_the_end_that_tells_too_little_asks_for_no_number(rows, tmp_path):
    write_log(rows, str(tmp_path / "log"))
    (tmp_path / "codes.csv").write_text("\n".join(["code", *CODES]))
    audit(tmp_path, "draw", tmp_path / "a.csv", "--automatic=10")
    answers = fill(tmp_path, tmp_path / "filled.csv", right_codes(tmp_path))
    said = estimate(tmp_path, answers).stdout
    assert "on the next period would: how many, nobody can say." in said
    assert "judge more of them" not in said


def test_a_sheet_hardly_begun_asks_to_judge_more(small, tmp_path):
    right = right_codes(small)
    answers = fill(
        small, tmp_path / "filled.csv", lambda row: right(row) if int(row["position"]) < 9 else ""
    )
    assert "nobody can say: judge more of them." in estimate(small, answers).stdout


def test_texts_that_nobody_can_tell_are_counted_apart(logged, tmp_path):
    right = right_codes(logged)
    answers = fill(
        logged, tmp_path / "filled.csv", lambda row: "?" if row["position"] == "5" else right(row)
    )
    arms = json.loads(estimate(logged, answers, "--json").stdout)
    assert arms["automatic"]["n_undecided"] + arms["review"]["n_undecided"] == 1
    assert arms["automatic"]["n_wrong"] == 0


def test_texts_after_one_that_was_not_judged_wait(logged, tmp_path):
    right = right_codes(logged)
    answers = fill(
        logged, tmp_path / "filled.csv", lambda row: "" if row["position"] == "2" else right(row)
    )
    arms = json.loads(estimate(logged, answers, "--json").stdout)
    assert arms["automatic"]["n_waiting"] > 290
    assert "count once it is" in estimate(logged, answers).stdout


def test_a_sheet_that_a_french_spreadsheet_saved_is_read(logged, tmp_path):
    answers = fill(
        logged, tmp_path / "tableur.csv", right_codes(logged), delimiter=";", encoding="cp1252"
    )
    assert "HOLDS" in estimate(logged, answers).stdout


def rewrite(path, change):
    """Change the rows of a filled sheet."""
    rows = change(read_sheet(path))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def with_first(**changes):
    return lambda rows: [{**rows[0], **changes}, *rows[1:]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_first(prediction_id="another"), "another of the answers has a prediction_id"),
        (lambda rows: [*rows, rows[0]], "stands twice"),
        (with_first(code="101"), "lost its leading zeros"),
        (with_first(code="mon voisin Jean"), r"The row \S+ of .* has a code that the nomenclature"),
        (
            lambda rows: [{**row, "code": "Jean"} for row in rows],
            r"The rows .* and \d+ more of the answers have a code that the nomenclature has not",
        ),
    ],
)
def test_answers_that_cannot_be_joined_are_refused_without_quoting_them(
    logged, tmp_path, change, said
):
    answers = fill(logged, tmp_path / "filled.csv", right_codes(logged))
    rewrite(answers, change)
    with pytest.raises(DataError, match=said) as refused:
        estimate(logged, answers)
    assert "Jean" not in str(refused.value)


def test_leading_zeros_are_missed_without_a_nomenclature_too(logged, tmp_path):
    answers = fill(logged, tmp_path / "filled.csv", right_codes(logged))
    rewrite(answers, with_first(code="101"))
    with pytest.raises(DataError, match="leading zeros"):
        audit(logged, "estimate", logged / "a.sample.parquet", answers)


@pytest.mark.parametrize("name", ["codes.csv", "log/date=2026-03-02/made-up.parquet"])
def test_a_file_that_is_no_sample_is_refused(logged, tmp_path, name):
    found = next(logged.glob(name.replace("made-up", "made-up*")))
    with pytest.raises(DataError, match="not the sample of an audit"):
        audit(logged, "estimate", found, logged / "a.csv")


def test_a_verdict_without_a_place_is_refused_before_any_work(logged):
    with pytest.raises(UsageError, match="LIBELLE_VERDICT_URI"):
        estimate(logged, logged / "a.csv", "--publish")


@pytest.mark.parametrize("there", ["a.csv", "a.sample.parquet"])
def test_a_sheet_is_never_written_over(logged, tmp_path, there):
    (tmp_path / there).write_text("work of a week")
    with pytest.raises(UsageError, match="is there already"):
        audit(logged, "draw", tmp_path / "a.csv")
    assert (tmp_path / there).read_text() == "work of a week"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_sheet_that_cannot_be_written_leaves_no_sample(logged, tmp_path, monkeypatch):
    def fail(*_):
        raise StorageError("The disk is full.")

    monkeypatch.setattr(files, "_write_csv", fail)
    with pytest.raises(StorageError, match="full"):
        audit(logged, "draw", tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def bare(rows, tmp_path):
    """A folder whose log keeps no text, and the texts that the caller has."""
    texts = rows["text"].to_pylist()
    hashes = list(map(Pseudonyms(KEY.encode()).of_text, texts))
    table = rows
    for name, value in (("text", None), ("text_kind", None), ("text_probability", 0.0)):
        table = with_column(table, name, [value] * len(rows))
    write_log(with_column(table, "text_hash", hashes), str(tmp_path / "log"))
    with (tmp_path / "own.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["n", "text"])
        writer.writerows(zip(rows["id"].to_pylist(), texts, strict=True))
    return tmp_path


def test_without_texts_in_the_log_the_callers_are_joined_by_their_identifiers(bare, rows):
    with pytest.raises(UsageError, match="--texts FILE --id COL"):
        audit(bare, "draw", bare / "a.csv")
    done = audit(bare, "draw", bare / "a.csv", f"--texts={bare / 'own.csv'}", "--id=n")
    texts = dict(zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True))
    assert all(row["text"] == texts[row["id"]] for row in read_sheet(bare / "a.csv"))
    assert "Beware" not in done.stderr
    assert "keep no text" not in done.stdout


def test_what_is_drawn_from_the_log_is_noted_there_and_what_is_refused_is_not(rows, tmp_path):
    write_log(rows, str(tmp_path / "log"))
    audit(tmp_path, "draw", tmp_path / "a.csv", "--automatic=20")
    drawn = set(sample_of(tmp_path)["prediction_id"].to_pylist())
    assert read_audited_predictions(str(tmp_path / "log")).drawn == drawn
    for name in ("a.csv", "a.txt"):
        with pytest.raises(UsageError):
            audit(tmp_path, "draw", tmp_path / name, "--automatic=30", "--seed=1")
    assert read_audited_predictions(str(tmp_path / "log")).drawn == drawn


def test_texts_of_the_caller_are_not_noted(bare):
    audit(bare, "draw", bare / "a.csv", f"--texts={bare / 'own.csv'}", "--id=n")
    assert read_audited_predictions(str(bare / "log")).drawn == frozenset()


def test_texts_that_are_others_than_those_answered_are_told(bare):
    own = bare / "own.csv"
    own.write_text(own.read_text().replace("mot", "not"))
    done = audit(bare, "draw", bare / "a.csv", f"--texts={own}", "--id=n")
    assert "are not, to the letter, those that were answered" in done.stderr


def test_a_text_drawn_that_the_caller_has_not_is_refused(bare):
    own = bare / "own.csv"
    own.write_text("\n".join(own.read_text().splitlines()[:200]))
    with pytest.raises(DataError, match="texts drawn are not in the file of texts"):
        audit(bare, "draw", bare / "a.csv", f"--texts={own}", "--id=n")
    assert not (bare / "a.csv").exists()


def test_of_several_models_and_thresholds_the_last_is_audited_and_the_others_are_named(tmp_path):
    generator = np.random.default_rng(1)
    parts = [
        make_log(n_rows, generator, **changes, n_days=1)
        for n_rows, changes in (
            (200, {"model_digest": ["a" * 64] * 200}),
            (300, {"first_day": FIRST_DAY.replace(day=9), "threshold_id": ["older"] * 300}),
            (400, {"first_day": FIRST_DAY.replace(day=16)}),
        )
    ]
    for part in parts:
        write_log(part, str(tmp_path / "log"))
    done = audit(tmp_path, "draw", tmp_path / "a.csv", "--json")
    summary = json.loads(done.stdout)
    assert summary["model_digest"] == "d" * 64
    assert summary["since"][:10] == "2026-03-16"
    assert "not about demo aaaaaaaaaaaa (200)" in done.stderr
    assert "300 rows under another threshold" in done.stderr
    other = audit(tmp_path, "draw", tmp_path / "b.csv", f"--model={'a' * 12}", "--json")
    assert json.loads(other.stdout)["model_digest"] == "a" * 64
    with pytest.raises(UsageError, match="is the digest of 0 models"):
        audit(tmp_path, "draw", tmp_path / "c.csv", f"--model={'b' * 12}")


def test_an_empty_log_says_no_data_yet(tmp_path):
    with pytest.raises(DataError, match="No data yet"):
        audit(tmp_path, "draw", tmp_path / "a.csv")


def test_a_draw_of_nothing_writes_no_sheet(logged, tmp_path):
    with pytest.raises(DataError, match="no text to judge"):
        audit(logged, "draw", tmp_path / "a.csv", "--automatic=0", "--review=0")
    assert list(tmp_path.iterdir()) == []


def test_a_period_without_answers_says_no_data_yet(logged, tmp_path):
    with pytest.raises(DataError, match="No data yet"):
        audit(logged, "draw", tmp_path / "a.csv", "--since=2030-01-01")
