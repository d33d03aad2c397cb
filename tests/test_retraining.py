"""From drift to a new champion: verdicts become texts, a challenger is learnt, the gate decides."""

import csv
import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from libelle.data.datasets import Dataset
from libelle.data.demo import make_traffic
from libelle.errors import DataError
from libelle.monitoring.feedback import (
    FeedbackSource,
    FeedbackStore,
    FeedbackVerdict,
    NewFeedback,
    give_feedback,
)
from libelle.monitoring.feedback.lots import Lots
from libelle.monitoring.feedback.reading import build_table, mark_current
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.privacy import Pseudonyms
from libelle.retraining import AuditedTexts, add_texts, read_audited_texts
from tests.cli.test_commands import run

KEY = "k" * 40
QUICK = ("--trials=2", "--folds=3", "--target-error=0.1")


def write_texts(path, texts):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "code"])
        writer.writerows(texts)


@pytest.fixture(scope="module")
def journey(tmp_path_factory):
    """Return a folder where a model was learnt, registered, and answered weeks of traffic."""
    home = tmp_path_factory.mktemp("journey")
    settings = {"LIBELLE_LOG_URI": str(home / "log"), "LIBELLE_LOG_KEY": KEY}
    for command in (
        ("demo", "data", "demo.csv", "--texts=1500"),
        ("train", "demo.csv", "--text=text", "--code=code", "--model=demo", *QUICK),
        ("demo", "traffic", "--weeks=3", "--per-day=60"),
    ):
        finished = run(*command, home=home, **settings)
        assert finished.returncode == 0, finished.stderr
    return home, settings


def truth_of(settings):
    """Return the codes that agents would give to the traffic, by text."""
    rows = read_log(settings["LIBELLE_LOG_URI"]).table.to_pylist()
    until = max(row["received_at"] for row in rows)
    # Traffic ends at the moment of the command: its codes do not depend on that moment.
    sent = make_traffic(until=until.astimezone(UTC), n_weeks=3, texts_per_day=60)
    return {one.text: one.code for one in sent}


def judge_one(settings, *, drawn):
    """Let a coder judge a text that no audit drew; return the predictions to review that say it."""
    rows = read_log(settings["LIBELLE_LOG_URI"]).table.to_pylist()
    audited = {row["text_hash"] for row in rows if row["prediction_id"] in drawn}
    to_review = [row for row in rows if row["decision"] == "review"]
    lots = Lots(KEY.encode())
    one = next(
        row
        for row in to_review
        if row["text_hash"] not in audited and lots.n_coders(row["prediction_id"]) == 1
    )
    verdict = make_feedback(one["prediction_id"], "ada", "01")
    give_feedback(FeedbackStore(settings["LIBELLE_LOG_URI"]), verdict)
    return {row["prediction_id"] for row in to_review if row["text_hash"] == one["text_hash"]}


def purge(home, settings):
    finished = run("log", "purge", "--json", home=home, **settings, LIBELLE_TEXT_POLICY="review")
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)["spent_texts"]


def with_text(settings):
    rows = read_log(settings["LIBELLE_LOG_URI"]).table.to_pylist()
    return {row["prediction_id"] for row in rows if row["text"] is not None}


def test_from_an_audit_to_a_challenger_that_is_judged(journey, tmp_path):
    home, settings = journey
    codes = truth_of(settings)
    sheet = tmp_path / "audit.csv"
    drawn = run("audit", "draw", sheet, "--automatic=150", "--review=150", home=home, **settings)
    assert drawn.returncode == 0, drawn.stderr
    with sheet.open(encoding="utf-8", newline="") as file:
        asked = list(csv.DictReader(file))
    for one in asked:
        one["code"] = codes.get(one["text"], "")
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, asked[0])
        writer.writeheader()
        writer.writerows(asked)
    n_judged = sum(bool(one["code"]) for one in asked)
    assert n_judged > 150
    judged_ids = {one["prediction_id"] for one in asked if one["code"]}
    seen = judge_one(settings, drawn={one["prediction_id"] for one in asked})
    assert purge(home, settings)["n_texts"] == len(seen)
    assert judged_ids <= with_text(settings)
    command = ("retrain", "demo.csv", "--text=text", "--code=code", "--model=demo")
    finished = run(*command, "--audit", sheet, *QUICK, "--json", home=home, **settings)
    assert finished.returncode in (0, 1), finished.stderr
    said = json.loads(finished.stdout)
    assert said["training"]["model_uri"] == "models:/demo/2"
    assert said["training"]["alias"] == "challenger"
    assert purge(home, settings)["n_left"] == 0
    assert with_text(settings).isdisjoint(judged_ids | seen)
    gate = said["gate"]
    assert gate["promoted"] is False
    assert {check["name"] for check in gate["checks"]} >= {"accuracy"}
    assert 0.15 * n_judged < gate["data"]["n_texts"] < 0.45 * n_judged
    champion = run("models", "show", "demo", "--json", home=home, **settings)
    assert '"champion"' in champion.stdout
    promoted = run(
        *("models", "promote", "demo/2", "--data", sheet, "--text=text", "--code=code"),
        *("--override", "test", "--json"),
        home=home,
        **settings,
    )
    assert json.loads(promoted.stdout)["promoted"] is True


def test_without_audited_verdicts_nothing_is_learnt(journey):
    home, settings = journey
    command = ("retrain", "demo.csv", "--text=text", "--code=code", "--model=demo", *QUICK)
    finished = run(*command, home=home, **settings)
    assert finished.returncode == 1
    assert "No audited verdict" in finished.stderr
    assert "Traceback" not in finished.stderr


def judged(*rows):
    """Return verdicts that stand: prediction, coder, code."""
    return mark_current(build_table([make_feedback(*row).to_row(1) for row in rows]))


def make_feedback(prediction_id, coder, code):
    verdict = FeedbackVerdict.CORRECTED if code else FeedbackVerdict.NOT_ENOUGH_INFORMATION
    return NewFeedback(
        prediction_id=prediction_id,
        coder=Pseudonyms(b"k").of_client(coder),
        verdict=verdict,
        code=code,
        given_at=datetime(2026, 11, 1, tzinfo=UTC),
        source=FeedbackSource.API,
    )


def names(n):
    return [f"00000000-0000-8000-8000-{number:012d}" for number in range(n)]


@pytest.fixture
def log(monkeypatch):
    """Let a log hold six predictions, and verdicts on them be as a test says."""
    import libelle.retraining as retraining
    from libelle.monitoring.feedback.reading import FeedbackTable
    from libelle.monitoring.prediction_log.reading import LogContent

    table = pa.table(
        {
            "prediction_id": names(6),
            "id": [f"n{number}" for number in range(6)],
            "received_at": [datetime(2026, 11, 2, tzinfo=UTC)] * 6,
            "model_name": ["demo"] * 5 + ["other"],
            "text": ["a", "b", "c", "d", None, "f"],
        }
    )
    monkeypatch.setattr(retraining, "read_log", lambda *_, **__: LogContent(table, []))

    def say(*rows):
        verdicts = judged(*rows)
        monkeypatch.setattr(
            retraining, "read_feedback", lambda *_, **__: FeedbackTable(verdicts, [])
        )

    return say


def read(**changes):
    found = read_audited_texts("log", name="demo", held_share=0.0, **changes)
    return dict(zip(found.learnt.texts, found.learnt.codes, strict=True)), found


def test_only_what_two_coders_agree_on_or_an_audit_drew_is_learnt(log):
    one, two, three, four, five, six = names(6)
    log(
        (one, "ada", "01"), (one, "bob", "01"),
        (two, "ada", "02"), (two, "bob", "03"),
        (three, "ada", "03"),
        (four, "ada", "04"),
        (five, "ada", "05"), (five, "bob", "05"),
        (six, "ada", "06"), (six, "bob", "06"),
    )  # fmt: skip
    learnt, found = read(drawn=[four])
    assert learnt == {"a": "01", "d": "04"}
    assert found.prediction_ids == (one, four)
    counts = (found.n_verdicts, found.n_not_audited, found.n_undecided, found.n_without_text)
    assert counts == (5, 1, 1, 1)
    learnt, _ = read(drawn=[four], texts={"n4": "from elsewhere", "n0": "as it was sent"})
    assert learnt == {"as it was sent": "01", "d": "04", "from elsewhere": "05"}


def test_a_sheet_and_a_coder_that_disagree_teach_nothing(log):
    one, two, three, *_ = names(6)
    log((one, "ada", "01"), (two, "ada", "02"))
    learnt, _ = read(drawn=[one, two], answers={one: "01", two: "09", three: "03"})
    assert learnt == {"a": "01", "c": "03"}
    with pytest.raises(DataError, match="No audited verdict"):
        read(drawn=[], answers={three: None})


def dataset_of(coded):
    return Dataset(texts=list(coded), codes=list(coded.values()))


def test_texts_that_say_the_same_are_held_together():
    texts = dataset_of({"a": "1", "A !": "1", "b": "2", "c": "3"})
    joined = add_texts(texts, dataset_of({"d": "4"}), held=dataset_of({"â": "1"}))
    assert (joined.texts, joined.codes) == (["b", "c", "d"], ["2", "3", "4"])
    assert joined.n_rows_read == 1


def test_what_was_left_out_is_said():
    empty = dataset_of({})
    said = AuditedTexts(empty, empty, 1_000, 3, 0, 2).lines()
    assert said == [
        "1,000 predictions judged by coders: 0 texts to learn from, 0 to compare models on; left "
        "out: 3 seen by one coder alone, 2 whose text is kept nowhere."
    ]
