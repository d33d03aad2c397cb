"""Keeping: a judged text leaves the log, one that an audit needs stays until it taught a model."""

from contextlib import suppress
from datetime import timedelta

import pytest

from libelle.decision import Decision
from libelle.errors import DataError, StorageError, UsageError
from libelle.monitoring.audit.records import (
    FOLDER,
    AuditRecord,
    RecordKind,
    RecordStore,
    erase_records,
    note_predictions,
    purge_records,
    read_audited_predictions,
)
from libelle.monitoring.feedback import FeedbackStore, give_feedback
from libelle.monitoring.feedback.lots import Lots
from libelle.monitoring.keeping import find_spent_texts, keeps_until_verdict
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.retention import forget_spent_texts
from libelle.monitoring.prediction_log.upload import Uploader
from libelle.monitoring.privacy import TextPolicy
from tests.monitoring.predictions import KEY, NOON, contents, fill, make_options, make_rows
from tests.monitoring.test_log_faults import FaultySystem, Killed
from tests.monitoring.verdicts import UNSURE, make_feedback

DAY = timedelta(days=1)
TEXTS = ("judged", "unsure", "drawn", "twice", "waiting", "automatic")
DECISIONS = [Decision.REVIEW] * 5 + [Decision.AUTOMATIC]
MOST_CALLS = 200


@pytest.fixture(autouse=True)
def no_doubles(monkeypatch):
    """Let chance give no text to two coders, unless a test says so."""
    monkeypatch.setattr("libelle.monitoring.feedback.lots.TWICE_SHARE", 0.0)


@pytest.fixture(params=["local", "s3"])
def options(request, tmp_path):
    """A log that keeps the texts to review and all automatic ones, in a folder or on S3."""
    changes = {"text_policy": TextPolicy.REVIEW, "review_share": 1.0}
    if request.param == "s3":
        remote = request.getfixturevalue("on_s3")
        changes |= {"uri": remote.uri, "storage": remote.storage}
    return make_options(tmp_path, **changes)


def local(folder):
    return make_options(folder, text_policy=TextPolicy.REVIEW, review_share=1.0)


def judge(options, prediction_id, *coders, **changes):
    store = FeedbackStore(options.uri, options.storage)
    for coder in coders or ("ada",):
        give_feedback(store, make_feedback(coder, prediction_id=prediction_id, **changes))


def note(options, kind, *names):
    note_predictions(options.uri, kind, names, now=NOON, options=options.storage)


def forget(options, *, now=NOON + DAY):
    spent = find_spent_texts(options.uri, key=KEY, options=options.storage)
    return forget_spent_texts(options.uri, spent, within_days=30, now=now, options=options.storage)


def rows_of(options):
    return read_log(options.uri, options=options.storage).table.to_pylist()


def texts_of(options):
    return sorted(row["text"] for row in rows_of(options) if row["text"] is not None)


def prepare(options):
    """Log one prediction of each text, judge all but one; return their names by text."""
    fill(options, make_rows(*TEXTS, decisions=DECISIONS, request_id="one"))
    Uploader(options).run_once()
    names = {row["text"]: row["prediction_id"] for row in rows_of(options)}
    for text in ("judged", "drawn", "automatic"):
        judge(options, names[text])
    judge(options, names["unsure"], verdict=UNSURE)
    judge(options, names["twice"], "ada", "bob")
    note(options, RecordKind.DRAWN, names["drawn"])
    return names


def test_judged_texts_leave_and_those_of_audits_stay_until_they_taught(options):
    names, before = prepare(options), rows_of(options)
    summary = forget(options)
    assert (summary.n_texts, summary.n_files, summary.n_left) == (2, 1, 0)
    assert texts_of(options) == ["automatic", "drawn", "twice", "waiting"]
    note(options, RecordKind.LEARNT, names["drawn"], names["twice"])
    assert forget(options).n_texts == 2
    assert texts_of(options) == ["automatic", "waiting"]
    note(options, RecordKind.LEARNT, names["automatic"])
    forget(options)
    assert texts_of(options) == ["waiting"]
    assert forget(options).n_texts == 0
    bare = [{**row, "text": None, "text_kind": None} for row in before]
    left = [{**row, "text": None, "text_kind": None} for row in rows_of(options)]
    assert sorted(map(str, left)) == sorted(map(str, bare))


def test_no_byte_of_a_judged_text_is_left(tmp_path):
    options = local(tmp_path)
    fill(options, make_rows("Zeltanguy", "other"))
    Uploader(options).run_once()
    [name] = [row["prediction_id"] for row in rows_of(options) if row["text"] == "Zeltanguy"]
    judge(options, name)
    assert b"Zeltanguy" in contents(tmp_path)
    forget(options)
    assert b"Zeltanguy" not in contents(tmp_path)


def test_rows_that_come_after_their_verdict_are_found_the_next_time(options):
    [name] = fill(options, make_rows("late"))
    judge(options, name)
    assert forget(options).n_texts == 0
    Uploader(options).run_once()
    assert texts_of(options) == ["late"]
    assert forget(options).n_texts == 1
    assert texts_of(options) == []


def test_a_judged_text_leaves_wherever_it_was_to_be_reviewed(tmp_path):
    options = local(tmp_path)
    fill(options, make_rows("same", received_at=NOON))
    fill(options, make_rows("same", "drawn", received_at=NOON + DAY))
    fill(options, make_rows("same", decisions=[Decision.AUTOMATIC], received_at=NOON + DAY))
    Uploader(options).run_once()
    rows = sorted(rows_of(options), key=lambda row: row["received_at"])
    judge(options, rows[0]["prediction_id"])
    forget(options)
    assert texts_of(options) == ["drawn", "same"]
    assert {row["decision"] for row in rows_of(options) if row["text"] == "same"} == {"automatic"}


def test_a_text_for_two_coders_waits_for_the_second(tmp_path, monkeypatch):
    monkeypatch.setattr("libelle.monitoring.feedback.lots.TWICE_SHARE", 1.0)
    options = local(tmp_path)
    [name] = fill(options, make_rows("twice"))
    Uploader(options).run_once()
    judge(options, name)
    assert Lots(KEY).n_coders(name) == 2
    assert forget(options).n_texts == 0
    judge(options, name, "bob")
    assert forget(options).n_texts == 0
    note(options, RecordKind.LEARNT, name)
    assert forget(options).n_texts == 1


def test_what_cannot_be_read_is_named_and_days_that_are_too_old_are_left(tmp_path):
    options = local(tmp_path)
    prepare(options)
    damaged = next((tmp_path / "log").glob("date=*")) / "damaged.parquet"
    damaged.write_bytes(b"damaged")
    assert forget(options, now=NOON + 32 * DAY).problems == []
    assert len(texts_of(options)) == len(TEXTS)
    assert [one.path for one in forget(options).problems] == [str(damaged)]
    with pytest.raises(UsageError, match="today is always"):
        forget_spent_texts(
            options.uri, find_spent_texts(options.uri, key=KEY), within_days=0, now=NOON
        )


@pytest.mark.parametrize(
    ("policy", "does"),
    [
        (TextPolicy.REVIEW, True),
        (TextPolicy.NONE, True),
        (TextPolicy.REDACTED, False),
        (TextPolicy.FULL, False),
    ],
)
def test_texts_leave_at_the_verdict_where_they_are_kept_for_it(policy, does):
    assert keeps_until_verdict(policy) is does


@pytest.mark.parametrize("manner", ["error", "broken", "kill"])
def test_whatever_fails_no_row_and_no_needed_text_is_lost(tmp_path, monkeypatch, manner):
    for n_before in range(MOST_CALLS):
        options = local(tmp_path / str(n_before))
        (tmp_path / str(n_before)).mkdir()
        names, fault = prepare(options), FaultySystem(n_before, manner)
        with monkeypatch.context() as patched:
            fault.install(patched)
            with suppress(Killed, StorageError):
                forget(options)
        assert {row["prediction_id"] for row in rows_of(options)} == set(names.values()), n_before
        needed = {"automatic", "drawn", "twice", "waiting"}
        assert needed <= set(texts_of(options)) <= set(TEXTS), n_before
        assert forget(options).n_left == 0
        assert set(texts_of(options)) == needed, n_before
        assert len(rows_of(options)) == len(TEXTS), n_before
        if fault.n_calls <= n_before:
            break
    assert 3 < n_before < MOST_CALLS - 1


@pytest.mark.parametrize("manner", ["error", "broken", "kill"])
def test_a_record_is_there_whole_or_not_at_all(tmp_path, monkeypatch, manner):
    names = [f"00000000-0000-8000-8000-{number:012d}" for number in range(50)]
    for n_before in range(MOST_CALLS):
        options, fault = local(tmp_path / str(n_before)), FaultySystem(n_before, manner)
        (tmp_path / str(n_before)).mkdir()
        with monkeypatch.context() as patched:
            fault.install(patched)
            with suppress(Killed, StorageError):
                note(options, RecordKind.LEARNT, *names)
        said = read_audited_predictions(options.uri)
        assert (said.problems, said.drawn) == ([], frozenset()), n_before
        assert said.learnt in (frozenset(), frozenset(names)), n_before
        note(options, RecordKind.LEARNT, *names)
        assert read_audited_predictions(options.uri).learnt == frozenset(names), n_before
        if fault.n_calls <= n_before:
            break
    assert 3 < n_before < MOST_CALLS - 1


def test_records_add_up_and_say_the_same_once(options):
    one, two, three = (f"00000000-0000-8000-8000-{number:012d}" for number in range(3))
    assert read_audited_predictions(options.uri, options=options.storage).drawn == frozenset()
    note(options, RecordKind.DRAWN)
    for names in ((one, two), (two, one), (two, three)):
        note(options, RecordKind.DRAWN, *names)
    note(options, RecordKind.LEARNT, two)
    said = read_audited_predictions(options.uri, options=options.storage)
    assert (said.drawn, said.learnt) == ({one, two, three}, {two})
    assert len(RecordStore(options.uri, options.storage).names()) == 3
    assert erase_records(options.uri, [two, "x"], options=options.storage).n_records == 3
    said = read_audited_predictions(options.uri, options=options.storage)
    assert (said.drawn, said.learnt) == ({one, three}, frozenset())


def test_old_records_leave_with_the_rows(tmp_path):
    options = local(tmp_path)
    name = "00000000-0000-8000-8000-000000000000"
    note(options, RecordKind.DRAWN, name)
    assert purge_records(options.uri, older_than_days=1, now=NOON + DAY).n_records == 0
    assert purge_records(options.uri, older_than_days=1, now=NOON + 2 * DAY).n_records == 1
    assert read_audited_predictions(options.uri).drawn == frozenset()
    with pytest.raises(UsageError, match="today is always"):
        purge_records(options.uri, older_than_days=0, now=NOON)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"kind": "drawn"}', "later", "other"])
def test_no_text_leaves_at_its_verdict_while_a_record_cannot_be_read(tmp_path, content):
    options = local(tmp_path)
    names = prepare(options)
    record = AuditRecord(kind=RecordKind.DRAWN, prediction_ids=(names["judged"],), noted_at=NOON)
    store = RecordStore(options.uri)
    if isinstance(content, bytes):
        store.put_once(record.name, content)
    elif content == "later":
        note_later(store, record)
    else:
        store.add(record)
        path = tmp_path / "log" / record.name
        path.rename(path.with_name("drawn-0123456789abcdef.json"))
    with pytest.raises(DataError, match=f"{FOLDER}/drawn-"):
        forget(options)
    assert len(texts_of(options)) == len(TEXTS)


def note_later(store, record):
    import msgspec

    store.add(msgspec.structs.replace(record, record_version=2))
