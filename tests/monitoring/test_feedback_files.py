"""Predictions go to coders in files, and their answers come back, all of them or none."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libelle.decision import Decision
from libelle.errors import DataError
from libelle.monitoring.feedback import FeedbackStore, FeedbackVerdict, give_feedback
from libelle.monitoring.feedback.exporting import read_items
from libelle.monitoring.feedback.importing import (
    Answer,
    ReadAnswers,
    RefusedImportError,
    import_feedback,
)
from libelle.monitoring.feedback.label_studio import (
    export_tasks,
    import_annotations,
    make_labelling_config,
)
from libelle.monitoring.feedback.reading import read_feedback
from libelle.monitoring.feedback.sheets import export_sheet, import_sheet
from libelle.monitoring.prediction_log import PredictionLog
from libelle.monitoring.prediction_log.upload import Uploader
from libelle.monitoring.privacy import Pseudonyms, TextPolicy
from tests.monitoring.predictions import KEY, NOON, make_options, make_rows
from tests.monitoring.verdicts import (
    AMBIGUOUS,
    CONFIRMED,
    CORRECTED,
    OTHER,
    PREDICTION,
    UNSURE,
    make_feedback,
)

SECRET = "texte-confidentiel"


def fill(tmp_path, *requests, policy=TextPolicy.FULL):
    options = make_options(tmp_path, text_policy=policy)
    log = PredictionLog(options)
    for rows in requests:
        log.append(rows)
    log.close()
    Uploader(options).run_once()
    return options.uri


def keep(uri, read, **changes):
    return import_feedback(uri, read, **{"key": KEY, "now": NOON, **changes})


def standing(uri):
    rows = read_feedback(uri).current().to_pylist()
    return {(row["prediction_id"], row["coder"]): (row["verdict"], row["code"]) for row in rows}


def counts(summary):
    return summary.n_new, summary.n_replaced, summary.n_there, summary.n_unanswered


def of(*names):
    return [Pseudonyms(KEY).of_coder(name) for name in names]


def annotate(tasks, *choices, coder=7, **changes):
    """Answer tasks as Label Studio exports them; None skips."""
    for task, choice in zip(tasks, choices, strict=True):
        part = {"from_name": "answer", "to_name": "text", "type": "choices"}
        annotation = {
            "id": 1,
            "completed_by": coder,
            "was_cancelled": choice is None,
            "result": [] if choice is None else [part | {"value": {"choices": [choice]}}],
            "created_at": "2026-03-13T08:00:00.123456Z",
            "updated_at": "2026-03-13T09:00:00.123456Z",
            **changes,
        }
        task.setdefault("annotations", []).append(annotation)
    return tasks


def to_bytes(tasks):
    return json.dumps(tasks).encode()


def test_items_are_chosen_by_decision_and_time_and_failed_ones_are_none(tmp_path):
    decisions = list(Decision)
    today = make_rows("a", "b", "c", decisions=decisions, failed=["x"])
    tomorrow = make_rows("d", received_at=NOON + timedelta(days=1))
    again = make_rows("a", "b", "c", decisions=decisions, request_id=today.request_id)
    again.received_at += timedelta(days=1)
    uri = fill(tmp_path, today, tomorrow, again)
    of_decision = dict(zip(decisions, today.prediction_ids, strict=True))

    def chosen(**options):
        return sorted(read_items(uri, **options)["prediction_id"].to_pylist())

    assert chosen() == sorted([of_decision[Decision.REVIEW], *tomorrow.prediction_ids])
    assert chosen(decision=Decision.AUTOMATIC) == [of_decision[Decision.AUTOMATIC]]
    assert chosen(decision=None) == sorted([*today.prediction_ids, *tomorrow.prediction_ids])
    assert tomorrow.prediction_ids[0] in chosen(since=datetime(2026, 3, 15))
    assert chosen(since=datetime(2026, 3, 16)) == []


def test_tasks_have_the_text_and_the_first_candidate_chosen_among_those_of_the_project(tmp_path):
    rows = make_rows('Nid de <poule> & "œuf"', "")
    export = export_tasks(read_items(fill(tmp_path, rows)))
    tasks = json.loads(export.contents[""])
    config = ElementTree.fromstring(export.contents[".xml"])
    choices = [one.get("value") for one in config.iter("Choice")]
    controls = {one.get("name"): one.get("toName") for one in config.iter("Choices")}
    shown = {one.get("name"): one.get("value") for one in config.iter("Text")}
    assert {task["data"]["text"] for task in tasks} == set(rows.texts)
    for task in tasks:
        assert task["meta"]["prediction_id"] in rows.prediction_ids
        assert (task["meta"]["candidates"], task["meta"]["confidence"]) == (["0111", "01"], 0.6)
        [prediction] = task["predictions"]
        [result] = prediction["result"]
        assert (prediction["model_version"], prediction["score"]) == ("naf 3", 0.6)
        assert controls[result["from_name"]] == result["to_name"]
        assert shown[result["to_name"]].removeprefix("$") in task["data"]
        assert result["type"] == "choices"
        assert result["value"] == {"choices": ["0111"]}
        assert set(result["value"]["choices"]) <= set(choices)


def test_what_has_no_text_is_left_out_and_counted(tmp_path):
    uri = fill(tmp_path, make_rows("a", "b"), policy=TextPolicy.NONE)
    items = read_items(uri)
    export = export_tasks(items)
    assert (json.loads(export.contents[""]), export.n_without_text) == ([], 2)
    sheet = export_sheet(items)
    assert (sheet.n_exported, sheet.n_without_text) == (2, 2)
    for one in (export, sheet):
        assert "keeps no text of 2 predictions" in " ".join(one.lines("f"))


XML_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(title=XML_TEXT, codes=st.lists(st.from_regex("[0-9A-Z.<&\"' ]{1,6}", fullmatch=True)))
def test_the_project_is_xml_whatever_the_titles(title, codes):
    config = ElementTree.fromstring(make_labelling_config(codes, title_of=lambda _: title))
    assert [one.get("value") for one in config.iter("Choice")] == [
        *list(FeedbackVerdict)[2:],
        *codes,
    ]


def test_annotations_come_back_as_verdicts_once(tmp_path):
    rows = make_rows("a", "b", "c", "d", "e", "f")
    uri = fill(tmp_path, rows)
    tasks = sorted(
        json.loads(export_tasks(read_items(uri)).contents[""]), key=lambda one: one["data"]["text"]
    )
    said = ["0111", "01", "0112", UNSURE, AMBIGUOUS, None]
    content = to_bytes(annotate(tasks, *said))
    assert counts(keep(uri, import_annotations(content))) == (5, 0, 0, 1)
    [coder] = of("7")
    expected = [(CONFIRMED, "0111"), (CONFIRMED, "01"), (CORRECTED, "0112"), (UNSURE, None)]
    expected.append((AMBIGUOUS, None))
    assert standing(uri) == {
        (one, coder): verdict for one, verdict in zip(rows.prediction_ids, expected, strict=False)
    }
    before = read_feedback(uri).table
    assert set(before["source"].to_pylist()) == {"import"}
    assert before["given_at"][0].as_py() == datetime(2026, 3, 13, 9, 0, 0, 123456, UTC)
    assert counts(keep(uri, import_annotations(content))) == (0, 0, 5, 1)
    assert read_feedback(uri).table.equals(before)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2026-03-14T13:30:00+02:00", NOON - timedelta(minutes=30)),
        ("2026-03-13T12:00:00", NOON - timedelta(days=1)),
        ("2999-01-01T00:00:00Z", NOON),
        ("0001-01-01T00:00:00+05:00", NOON),
        ("yesterday", NOON),
        (None, NOON),
        (7, NOON),
    ],
)
def test_a_time_that_cannot_be_is_that_of_the_import(tmp_path, said, kept):
    tasks = annotate([task()], "0111", created_at=said, updated_at=said)
    keep(str(tmp_path), import_annotations(to_bytes(tasks)))
    [given_at] = read_feedback(str(tmp_path)).table["given_at"].to_pylist()
    assert given_at == kept


def test_two_coders_of_label_studio_give_two_verdicts(tmp_path):
    uri = fill(tmp_path, make_rows("a"))
    tasks = json.loads(export_tasks(read_items(uri)).contents[""])
    annotate(tasks, "0111", coder={"id": 3, "email": "ada@example.org"})
    annotate(tasks, UNSURE, coder={"id": 4})
    assert counts(keep(uri, import_annotations(to_bytes(tasks)))) == (2, 0, 0, 0)
    assert {coder for _, coder in standing(uri)} == set(of("ada@example.org", "4"))


TASK = {
    "data": {"text": SECRET, "prediction_id": PREDICTION},
    "meta": {"prediction_id": PREDICTION, "candidates": ["0111"], "confidence": 0.5},
}


def task(**changes):
    return json.loads(json.dumps({**TASK, **changes}))


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ([{"data": {"text": SECRET}, "annotations": []}], "Task 1: it is no task that libelle"),
        ([7], "Task 1: it is no task that libelle"),
        (annotate([task()], "0111", coder=None), "Task 1, annotation 1: nobody is named"),
        (annotate([task()], "0111", result=[]), "annotation 1: it has not exactly one answer"),
        (annotate([task()], "0111", result=None), "it has not exactly one answer"),
        (annotate([task()], "0111", result=[{"from_name": "answer"}]), "not exactly one answer"),
        (annotate([task()], ""), "needs the right code"),
        (annotate([task()], "0" * 300), "256 characters at most"),
        (
            annotate([task(data={"prediction_id": SECRET})], "0111"),
            "the prediction_id is not one that libelle gives",
        ),
        (annotate(annotate([task()], "0111"), UNSURE), "something else in Task 1, annotation 1"),
    ],
)
def test_a_bad_annotation_is_told_and_nothing_is_imported(tmp_path, bad, complaint):
    good = annotate([task(data={"text": "a", "prediction_id": OTHER})], "0111")
    uri = str(tmp_path)
    with pytest.raises(RefusedImportError, match=rf"Nothing was imported.*{complaint}") as refused:
        keep(uri, import_annotations(to_bytes([*bad, *good])))
    assert SECRET not in str(refused.value)
    assert standing(uri) == {}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"id,text\n", "not JSON"),
        (b'{"a": 1}', "not a list of tasks"),
        (b'[{"text": "a", "annotation_id": 3, "answer": "0111"}]', "neither JSON-MIN nor CSV"),
    ],
)
def test_a_file_that_label_studio_did_not_export_as_json_is_refused(content, complaint):
    with pytest.raises(DataError, match=complaint):
        import_annotations(content)


def sheet_of(*rows, header="prediction_id,verdict,code,coder", delimiter=","):
    return "\n".join([header, *rows, ""]).replace(",", delimiter).encode("utf-8-sig")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_sheet_comes_back_as_verdicts_once(tmp_path, delimiter):
    uri = str(tmp_path)
    rows = [f"{PREDICTION},confirmed,0111,ada", f"{PREDICTION}, corrected , 0112 ,bob"]
    rows += [f"{OTHER},not_enough_information,,ada", f"{OTHER},,,bob"]
    content = sheet_of(*rows, delimiter=delimiter)
    assert counts(keep(uri, import_sheet(content))) == (3, 0, 0, 1)
    ada, bob = of("ada", "bob")
    assert standing(uri) == {
        (PREDICTION, ada): (CONFIRMED, "0111"),
        (PREDICTION, bob): (CORRECTED, "0112"),
        (OTHER, ada): (UNSURE, None),
    }
    assert counts(keep(uri, import_sheet(content))) == (0, 0, 3, 1)


def test_an_exported_sheet_that_is_filled_in_is_imported(tmp_path):
    texts = ("=cmd|' /C calc'!A1", 'deux\nlignes, "et" point-virgule ;', "c")
    rows = make_rows(*texts, ids=["+1", None, "3"])
    uri = fill(tmp_path, rows)
    content = export_sheet(read_items(uri)).contents[""]
    assert counts(keep(uri, import_sheet(content))) == (0, 0, 0, 3)
    filled = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert {row["text"] for row in filled} == {"'" + texts[0], *texts[1:]}
    assert {row["id"] for row in filled} == {"'+1", "", "3"}
    filled[0] |= {"verdict": "confirmed", "code": "0111"}
    stream = io.StringIO()
    writer = csv.DictWriter(stream, filled[0], delimiter=";")
    writer.writeheader()
    writer.writerows(filled)
    read = import_sheet(stream.getvalue().encode(), coder="ada")
    assert counts(keep(uri, read)) == (1, 0, 0, 2)
    assert list(standing(uri).values()) == [(CONFIRMED, "0111")]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (f"{PREDICTION},{SECRET},0111,ada", "Row 3: the verdict is none of confirmed,"),
        (f"{PREDICTION},,0111,ada", "Row 3: the verdict is none of confirmed,"),
        (f"{PREDICTION},confirmed,,ada", "Row 3: The verdict confirmed needs the right code"),
        (f"{PREDICTION},ambiguous_nomenclature,0111,ada", "Row 3: .* goes without a code"),
        (f"{PREDICTION},confirmed,0111,", "Row 3: nobody is named as the coder"),
        (f"{SECRET},confirmed,0111,ada", "Row 3: the prediction_id is not one"),
        (f"{PREDICTION},confirmed,111,ada", "Row 3: the nomenclature has no such code.*zero"),
        (f"{OTHER},confirmed,0112,ada", "Row 3: this coder answered something else in Row 2"),
    ],
)
def test_a_bad_row_is_told_and_nothing_is_imported(tmp_path, row, complaint):
    uri = str(tmp_path)
    content = sheet_of(f"{OTHER},confirmed,0111,ada", row)
    with pytest.raises(RefusedImportError, match=rf"Nothing was imported\. {complaint}") as refused:
        keep(uri, import_sheet(content), known_codes={"0111", "0112"})
    assert SECRET not in str(refused.value)
    assert len(refused.value.complaints) == 1
    assert standing(uri) == {}


def test_of_many_complaints_a_few_are_told(tmp_path):
    content = sheet_of(*[f"{PREDICTION},wrong,,ada"] * 30)
    with pytest.raises(RefusedImportError, match=r"Row 6: .* And 25 more") as refused:
        keep(str(tmp_path), import_sheet(content))
    assert "Row 7" not in str(refused.value)
    assert len(refused.value.complaints) == 30


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "Columns are missing: code, prediction_id, verdict"),
        (b"prediction_id;verdict\n", "Columns are missing: code"),
        ("prediction_id;verdict;code;coder\na;b;c;é".encode("latin-1"), "not in UTF-8"),
        (b'prediction_id,verdict,code\n"a', "It is not CSV"),
    ],
)
def test_what_is_no_sheet_is_refused(content, complaint):
    with pytest.raises(DataError, match=complaint):
        import_sheet(content)


def answers(*said):
    return ReadAnswers([Answer(f"Row {n}", *one) for n, one in enumerate(said)])


def test_a_verdict_that_stands_is_replaced_when_told_so(tmp_path):
    uri = str(tmp_path)
    give_feedback(FeedbackStore(uri), make_feedback("ada"))
    read = answers((PREDICTION, UNSURE, None, "ada"), (OTHER, CONFIRMED, "0111", "ada"))
    with pytest.raises(RefusedImportError, match=r"Row 0: another verdict .*--replace"):
        keep(uri, read)
    assert len(standing(uri)) == 1
    assert counts(keep(uri, read, replace=True)) == (1, 1, 0, 0)
    assert standing(uri)[PREDICTION, of("ada")[0]] == (UNSURE, None)
    assert read_feedback(uri).table.num_rows == 3
    assert counts(keep(uri, read, replace=True)) == (0, 0, 2, 0)


def test_a_verdict_given_meanwhile_is_not_overwritten(tmp_path, monkeypatch):
    uri = str(tmp_path)
    monkeypatch.setattr("libelle.monitoring.feedback.importing._read_standing", lambda *_: {})
    give_feedback(FeedbackStore(uri), make_feedback("ada"))
    read = answers((PREDICTION, UNSURE, None, "ada"), (OTHER, CONFIRMED, "0111", "ada"))
    with pytest.raises(DataError, match=r"1 were left out, the others are kept.*Row 0"):
        keep(uri, read)
    assert sorted(standing(uri).values()) == [(CONFIRMED, "0111")] * 2


SAID = st.tuples(
    st.sampled_from((PREDICTION, OTHER)),
    st.sampled_from(FeedbackVerdict),
    st.sampled_from(("0111", "0112")),
    st.sampled_from(("ada", "bob")),
)


@settings(max_examples=25)
@given(said=st.lists(SAID, max_size=6), later=st.lists(SAID, max_size=6))
def test_an_import_keeps_all_or_nothing_and_again_changes_nothing(tmp_path_factory, said, later):
    uri = str(tmp_path_factory.mktemp("log"))
    for one in (said, later):
        read = answers(*((p, v, c if v.names_code else None, who) for p, v, c, who in one))
        before = read_feedback(uri).table
        try:
            done = keep(uri, read)
        except RefusedImportError:
            assert read_feedback(uri).table.equals(before)
            continue
        after = read_feedback(uri).table
        assert after.num_rows - before.num_rows == done.n_new
        for answer in read.answers:
            key = (answer.prediction_id, *of(answer.coder))
            assert standing(uri)[key] == (answer.verdict, answer.code)
        assert counts(keep(uri, read))[:2] == (0, 0)
        assert read_feedback(uri).table.equals(after)
