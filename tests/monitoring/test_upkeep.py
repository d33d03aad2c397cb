"""Upkeep: compaction, retention and erasure change files, and of the rows only what was asked."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.errors import StorageError, UsageError
from libelle.monitoring.prediction_log import PredictionLog, compaction, erasure
from libelle.monitoring.prediction_log.compaction import compact
from libelle.monitoring.prediction_log.erasure import erase
from libelle.monitoring.prediction_log.files import read_footer
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.retention import (
    SpentTexts,
    forget_spent_texts,
    forget_texts,
    purge,
)
from libelle.monitoring.prediction_log.store import LogStore
from libelle.monitoring.prediction_log.upload import Uploader
from libelle.monitoring.privacy import TextPolicy
from libelle.storage import write_atomically
from tests.monitoring.predictions import KEY, NOON, contents, fill, make_options, make_rows
from tests.monitoring.test_prediction_log import keep

DAY = timedelta(days=1)


def rows_of(options):
    table = read_log(options.uri, options=options.storage).table
    return sorted(table.to_pylist(), key=lambda row: row["prediction_id"])


def texts_of(options):
    table = read_log(options.uri, spool_path=options.spool_path, options=options.storage).table
    return sorted(text or "" for text in table["text"].to_pylist())


def upload(options, *texts, day=0, **changes):
    fill(options, make_rows(*texts, received_at=NOON + day * DAY, **changes))
    Uploader(options).run_once()


def names_of(options):
    store = LogStore(options.uri, options.storage)
    return [name for day in store.days() for name in store.files(day)]


@pytest.fixture(params=["local", "s3"])
def options(request, tmp_path):
    """A log that keeps texts, in a folder or on S3."""
    changes = {"text_policy": TextPolicy.FULL}
    if request.param == "s3":
        remote = request.getfixturevalue("on_s3")
        changes |= {"uri": remote.uri, "storage": remote.storage}
    return make_options(tmp_path, **changes)


def test_the_files_of_a_day_that_is_over_become_one(options):
    for day in (0, 0, 0, 1, 1, 2, 2):
        upload(options, "a", "b", day=day)
    before = rows_of(options)
    summary = compact(options.uri, now=NOON + 2 * DAY, options=options.storage)
    assert (summary.n_days, summary.n_files_before, summary.n_files_after) == (2, 5, 2)
    assert len(names_of(options)) == 4
    assert rows_of(options) == before
    assert compact(options.uri, now=NOON + 2 * DAY, options=options.storage).n_days == 0
    upload(options, "late", day=0)
    compact(options.uri, now=NOON + 2 * DAY, options=options.storage)
    assert len(names_of(options)) == 4
    assert len(rows_of(options)) == 15


@given(sizes=st.lists(st.integers(1, 7), min_size=1, max_size=12), most=st.integers(2, 12))
def test_no_merged_file_is_larger_than_it_may_be_and_no_row_is_lost(tmp_path_factory, sizes, most):
    options = make_options(tmp_path_factory.mktemp("log"))
    for number, n_rows in enumerate(sizes):
        upload(options, *(f"{number}-{n}" for n in range(n_rows)))
    before = rows_of(options)
    compact(options.uri, now=NOON + DAY, most_rows=most)
    store = LogStore(options.uri, options.storage)
    n_rows = {name: read_footer(store, name).n_rows for name in names_of(options)}
    merged = {name: n for name, n in n_rows.items() if "/compacted-" in name}
    assert all(n <= most for n in merged.values())
    # Two groups that follow each other would not have gone together.
    assert len(n_rows) <= sum(n >= most / 2 for n in sizes) + 2 * sum(sizes) / most + 1
    assert rows_of(options) == before
    names = names_of(options)
    compact(options.uri, now=NOON + DAY, most_rows=most)
    assert rows_of(options) == before
    assert len(names_of(options)) <= len(names)


def test_a_day_that_is_merged_is_not_read_again(tmp_path, monkeypatch):
    options = make_options(tmp_path)
    for number in range(6):
        upload(options, *(f"{number}-{n}" for n in range(3)))
    compact(options.uri, now=NOON + DAY, most_rows=7)
    assert len(names_of(options)) == 3
    monkeypatch.setattr(LogStore, "open", lambda *_: pytest.fail("a file was read"))
    assert compact(options.uri, now=NOON + DAY, most_rows=7).n_days == 0


@pytest.mark.parametrize("cut", ["read_file", "delete"])
def test_cut_at_any_place_compaction_loses_and_doubles_nothing(tmp_path, monkeypatch, cut):
    options = make_options(tmp_path)
    for _ in range(3):
        upload(options, "a")
    before = rows_of(options)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(*((LogStore, cut) if cut == "delete" else (compaction, cut)), stop)
        with pytest.raises(KeyboardInterrupt):
            compact(options.uri, now=NOON + DAY)
    assert len(names_of(options)) == 4
    assert rows_of(options) == before
    compact(options.uri, now=NOON + DAY)
    assert len(names_of(options)) == 1
    assert rows_of(options) == before


def test_a_compacted_file_names_what_it_replaces(tmp_path):
    options = make_options(tmp_path)
    upload(options, "a")
    upload(options, "b")
    names = names_of(options)
    compact(options.uri, now=NOON + DAY)
    [name] = names_of(options)
    metadata = pq.read_schema(tmp_path / "log" / name).metadata
    assert all(one in metadata[b"libelle_replaces"].decode() for one in names)


def test_compaction_leaves_alone_what_it_cannot_read(tmp_path):
    options = make_options(tmp_path)
    for _ in range(3):
        upload(options, "a")
    damaged = tmp_path / "log" / names_of(options)[0]
    damaged.write_bytes(b"damaged")
    summary = compact(options.uri, now=NOON + DAY)
    assert [problem.path for problem in summary.problems] == [str(damaged)]
    assert damaged.read_bytes() == b"damaged"
    assert len(rows_of(options)) == 2


def test_a_compacted_file_that_went_wrong_replaces_nothing(tmp_path, monkeypatch):
    options = make_options(tmp_path)
    upload(options, "a")
    upload(options, "b")
    real = compaction.write_file
    monkeypatch.setattr(
        compaction, "write_file", lambda store, stem, table: real(store, stem, table.slice(1))
    )
    with pytest.raises(StorageError, match="does not hold what was written"):
        compact(options.uri, now=NOON + DAY)
    assert len(rows_of(options)) == 2


def test_days_that_are_too_old_are_deleted(options):
    for day in range(4):
        upload(options, "a", day=day)
    summary = purge(options.uri, older_than_days=1, now=NOON + 3 * DAY, options=options.storage)
    assert (summary.n_days, summary.n_files) == (2, 2)
    assert {row["received_at"] for row in rows_of(options)} == {NOON + 2 * DAY, NOON + 3 * DAY}
    assert len(LogStore(options.uri, options.storage).days()) == 2


@pytest.mark.parametrize("task", [purge, forget_texts])
def test_today_is_always_kept(tmp_path, task):
    with pytest.raises(UsageError, match="today is always"):
        task(str(tmp_path), older_than_days=0, now=NOON)


def test_texts_leave_the_log_before_the_rows(options):
    upload(options, "old", "old too", day=0)
    upload(options, "new", day=3)
    summary = forget_texts(
        options.uri, older_than_days=2, now=NOON + 3 * DAY, options=options.storage
    )
    assert (summary.n_days, summary.n_texts) == (1, 2)
    assert texts_of(options) == ["", "", "new"]
    assert {row["text_kind"] for row in rows_of(options)} == {None, "original"}
    again = forget_texts(
        options.uri, older_than_days=2, now=NOON + 3 * DAY, options=options.storage
    )
    assert again.n_texts == 0


def forget_all(options):
    forget_texts(options.uri, older_than_days=1, now=NOON + 9 * DAY, options=options.storage)


def forget_spent(options):
    spent = SpentTexts(judged=frozenset(), learnt=frozenset(), needed=frozenset())
    forget_spent_texts(options.uri, spent, within_days=30, now=NOON, options=options.storage)


def erase_one(options):
    erase(options.uri, keys=[KEY], texts=["Zeltanguy"], options=options.storage)


@pytest.mark.parametrize("task", [forget_all, erase_one])
def test_a_file_that_somebody_renamed_loses_no_other_row(tmp_path, task):
    options = make_options(tmp_path, text_policy=TextPolicy.FULL)
    upload(options, "Zeltanguy", "kept")
    [path] = (tmp_path / "log").glob("date=*/*.parquet")
    path.rename(path.with_name("part.parquet"))
    [kept] = [row["text_hash"] for row in rows_of(options) if row["text"] == "kept"]
    task(options)
    assert kept in {row["text_hash"] for row in rows_of(options)}
    assert b"Zeltanguy" not in contents(tmp_path)


@pytest.mark.parametrize("task", [forget_all, forget_spent, erase_one])
def test_what_a_killed_writer_left_of_a_file_leaves_with_the_texts(tmp_path, task):
    options = make_options(tmp_path, text_policy=TextPolicy.FULL)
    upload(options, "other")
    [path] = (tmp_path / "log").glob("date=*/*.parquet")

    def killed(*_, **__):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        for name in ("replace", "unlink"):
            patched.setattr(Path, name, killed)
        with pytest.raises(KeyboardInterrupt), write_atomically(path) as stream:
            stream.write(b"Zeltanguy")
    assert b"Zeltanguy" in contents(tmp_path / "log")
    task(options)
    assert b"Zeltanguy" not in contents(tmp_path / "log")
    assert len(rows_of(options)) == 1


def test_a_purge_during_an_upload_loses_no_row(tmp_path, monkeypatch):
    options = make_options(tmp_path, text_policy=TextPolicy.FULL)
    fill(options, make_rows("a", "b"))
    renamed = Path.replace

    def purge_then_rename(path, target):
        if path.suffix == ".part" and target.suffix == ".parquet":
            monkeypatch.setattr(Path, "replace", renamed)
            forget_all(options)
        return renamed(path, target)

    monkeypatch.setattr(Path, "replace", purge_then_rename)
    with pytest.raises(StorageError):
        Uploader(options).run_once()
    assert rows_of(options) == []
    Uploader(options).run_once()
    assert [row["text"] for row in rows_of(options)] in (["a", "b"], ["b", "a"])


def test_two_purges_at_once_lose_no_row_and_both_end(tmp_path, monkeypatch):
    options = make_options(tmp_path, text_policy=TextPolicy.FULL)
    upload(options, "a", "b")
    upload(options, "c")
    listed = LogStore.files

    def list_then_wait_for_the_other(store, day):
        names = listed(store, day)
        monkeypatch.setattr(LogStore, "files", listed)
        forget_all(options)
        return names

    monkeypatch.setattr(LogStore, "files", list_then_wait_for_the_other)
    forget_all(options)
    assert [row["text"] for row in rows_of(options)] == [None] * 3


def test_a_person_is_erased_by_any_name_from_the_log(options):
    for day in range(2):
        upload(options, "a", "b", "c", "d", ids=["1", "2", "3", "4"], day=day)
    wanted = [row["prediction_id"] for row in rows_of(options) if row["text"] == "a"]
    summary = erase(
        options.uri,
        keys=[b"another", KEY],
        prediction_ids=wanted,
        ids=["2"],
        texts=["c"],
        options=options.storage,
    )
    assert (summary.n_rows, summary.n_files, summary.n_rows_left) == (6, 2, 0)
    assert texts_of(options) == ["d", "d"]
    assert summary.problems == []


@pytest.mark.parametrize("policy", TextPolicy)
def test_a_text_is_erased_under_any_policy(tmp_path, policy):
    options = make_options(tmp_path, text_policy=policy, hash_ids=True)
    upload(options, "M. Dupont", "M. Durand", ids=["1", "2"])
    assert erase(options.uri, keys=[KEY], texts=["M. Dupont"]).n_rows == 1
    assert erase(options.uri, keys=[b"lost"], ids=["2"]).n_rows == 0
    assert erase(options.uri, keys=[KEY], ids=["2"]).n_rows == 1
    assert names_of(options) == []


def test_a_person_is_erased_from_the_spool(tmp_path):
    options = make_options(tmp_path, text_policy=TextPolicy.FULL)
    fill(options, make_rows("Zeltanguy", "b"), make_rows("Zeltanguy"), make_rows("c"))
    summary = erase(options.uri, keys=[KEY], texts=["Zeltanguy"], spool_path=options.spool_path)
    assert (summary.n_rows, summary.n_segments, summary.n_rows_left) == (2, 1, 0)
    assert b"Zeltanguy" not in contents(tmp_path)
    Uploader(options).run_once()
    assert texts_of(options) == ["b", "c"]


def test_a_person_is_erased_from_what_a_writer_is_writing(tmp_path):
    options = make_options(tmp_path, text_policy=TextPolicy.FULL, upload_seconds=1)
    log = PredictionLog(options)
    keep(log, make_rows("Zeltanguy"))
    keep(log, make_rows("b"))
    summary = erase(options.uri, keys=[KEY], texts=["Zeltanguy"], spool_path=options.spool_path)
    assert (summary.n_rows, summary.n_rows_left) == (1, 0)
    keep(log, make_rows("c"))
    assert texts_of(options) == ["b", "c"]
    log.close()


def test_what_a_writer_does_not_let_go_in_time_is_counted(tmp_path):
    options = make_options(tmp_path, upload_seconds=1000)
    log = PredictionLog(options)
    keep(log, make_rows("Zeltanguy"))
    summary = erase(
        options.uri,
        keys=[KEY],
        texts=["Zeltanguy"],
        spool_path=options.spool_path,
        wait_seconds=0.1,
    )
    assert (summary.n_rows, summary.n_rows_left) == (0, 1)
    log.close()


def test_an_uploader_at_work_hides_nothing_from_an_erasure(tmp_path):
    options = make_options(tmp_path, text_policy=TextPolicy.FULL, upload_seconds=0.1)
    log, stop = PredictionLog(options), threading.Event()
    uploading = threading.Thread(target=Uploader(options).run, args=[stop])
    uploading.start()
    for number in range(20):
        keep(log, make_rows("Zeltanguy", str(number)))
        time.sleep(0.02)
    summary = erase(options.uri, keys=[KEY], texts=["Zeltanguy"], spool_path=options.spool_path)
    log.close()
    stop.set()
    uploading.join()
    assert (summary.n_rows, summary.n_rows_left) == (20, 0)
    assert texts_of(options) == sorted(map(str, range(20)))


def test_an_erasure_that_was_cut_is_done_again(tmp_path, monkeypatch):
    options = make_options(tmp_path, text_policy=TextPolicy.FULL)
    upload(options, "a", "b")

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LogStore, "delete", stop)
        with pytest.raises(KeyboardInterrupt):
            erase(options.uri, keys=[KEY], texts=["a"])
    assert texts_of(options) == ["a", "b"]
    assert erase(options.uri, keys=[KEY], texts=["a"]).n_rows_left == 0
    assert texts_of(options) == ["b"]


def test_what_an_erasure_could_not_look_at_is_named(tmp_path):
    options = make_options(tmp_path)
    upload(options, "a")
    damaged = tmp_path / "log" / names_of(options)[0]
    damaged.write_bytes(b"damaged")
    [problem] = erase(options.uri, keys=[KEY], texts=["a"]).problems
    assert problem.path == str(damaged)


def test_an_erasure_of_nothing_or_without_a_key_is_refused(tmp_path):
    with pytest.raises(UsageError, match="Nothing to erase"):
        erase(str(tmp_path))
    with pytest.raises(UsageError, match="LIBELLE_LOG_KEY"):
        erase(str(tmp_path), texts=["a"])


WILD_TEXT = st.lists(st.characters() | st.sampled_from("\ud800\udfff"), max_size=5).map("".join)


@given(texts=st.lists(WILD_TEXT, min_size=1, max_size=6), data=st.data())
def test_exactly_the_rows_asked_are_erased(tmp_path_factory, texts, data):
    options = make_options(tmp_path_factory.mktemp("log"))
    fill(options, make_rows(*texts))
    if data.draw(st.booleans()):
        Uploader(options).run_once()
    gone = data.draw(st.sampled_from(texts))
    summary = erase(options.uri, keys=[KEY], texts=[gone], spool_path=options.spool_path)
    assert (summary.n_rows, summary.n_rows_left) == (texts.count(gone), 0)
    left = read_log(options.uri, spool_path=options.spool_path).table
    hash_of = erasure.Pseudonyms(KEY).of_text
    kept = sorted(hash_of(text) for text in texts if text != gone)
    assert sorted(left["text_hash"].to_pylist()) == kept
