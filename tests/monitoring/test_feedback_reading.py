"""Verdicts are read whole, whatever lies among them, is compacted or was erased."""

from collections import defaultdict
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libelle.errors import StorageError, UsageError
from libelle.monitoring.feedback import FeedbackStore, FeedbackVerdict
from libelle.monitoring.feedback import compaction as compaction_module
from libelle.monitoring.feedback import give_feedback
from libelle.monitoring.feedback.compaction import compact_feedback
from libelle.monitoring.feedback.erasure import erase_feedback, purge_feedback
from libelle.monitoring.feedback.joining import judge_predictions, read_judged_predictions
from libelle.monitoring.feedback.reading import StoredRows, read_feedback
from libelle.monitoring.feedback.store import FOLDER
from libelle.monitoring.prediction_log import PredictionLog
from libelle.monitoring.prediction_log.compaction import compact
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.upload import Uploader
from tests.monitoring.predictions import NOON, make_options, make_rows
from tests.monitoring.test_feedback import s3
from tests.monitoring.verdicts import (
    AMBIGUOUS,
    CONFIRMED,
    CORRECTED,
    OTHER,
    PREDICTION,
    UNSURE,
    make_feedback,
)

__all__ = ["s3"]


@pytest.fixture(params=["local", "s3"])
def place(request, tmp_path):
    """An address, and what it takes to reach it."""
    if request.param == "local":
        return {"uri": str(tmp_path / "log")}
    options, _ = request.getfixturevalue("s3")
    return {"uri": f"s3://bucket/{tmp_path.name}", "options": options}


def give(place, *args, **changes):
    return give_feedback(FeedbackStore(**place), make_feedback(*args, **changes)).feedback


def replace(place, row, **changes):
    return give(place, replaces=row.feedback_id, **changes)


def read(place):
    content = read_feedback(**place)
    return [
        (row["prediction_id"], row["n"], row["verdict"], row["code"], row["current"])
        for row in content.table.to_pylist()
    ]


def n_read(place):
    return StoredRows(FeedbackStore(**place)).n_read


def test_there_are_no_verdicts_yet(place):
    content = read_feedback(**place)
    assert (content.table.num_rows, content.problems) == (0, [])
    assert "current" in content.table.column_names


def test_all_rows_are_read_and_those_that_stand_are_told(place):
    replace(place, give(place), verdict=UNSURE)
    give(place, "bob", prediction_id=OTHER)
    give(place, "bob", AMBIGUOUS)
    assert sorted(read(place)) == [
        (PREDICTION, 0, AMBIGUOUS, None, True),
        (PREDICTION, 0, CONFIRMED, "0111", False),
        (PREDICTION, 1, UNSURE, None, True),
        (OTHER, 0, CONFIRMED, "0111", True),
    ]
    assert read_feedback(**place).current().num_rows == 3


def test_a_bucket_that_is_absent_is_not_an_empty_log(s3):
    with pytest.raises(StorageError, match="nothing stands at this address"):
        read_feedback("s3://absent/log", options=s3[0])


def test_what_is_no_verdict_is_told_and_left_out(tmp_path):
    place = {"uri": str(tmp_path)}
    row = give(place)
    other = give(place, "bob")
    folder = tmp_path / FOLDER / PREDICTION[:2] / PREDICTION
    (folder / f"{other.coder}-0.json").write_bytes(b'{"verdict":')
    (folder / f"{row.coder}-1.json").write_bytes(row.to_bytes())
    foreign = ["feedback/README", "feedback/94/notes.txt", "feedback/zz/a/b.json"]
    foreign.append(f"feedback/94/{PREDICTION}/{row.coder}-x.json")
    for name in foreign:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (folder / ".half.part").touch()
    content = read_feedback(**place)
    assert [one["feedback_id"] for one in content.table.to_pylist()] == [row.feedback_id]
    told = {problem.path.removeprefix(f"{tmp_path}/") for problem in content.problems}
    foreign[2] = "feedback/zz"
    damaged = [
        f"feedback/94/{PREDICTION}/{name}-{n}.json"
        for name, n in ((other.coder, 0), (row.coder, 1))
    ]
    assert told == {*foreign, *damaged}


def test_verdicts_are_no_part_of_the_log_itself(tmp_path):
    options = make_options(tmp_path)
    log = PredictionLog(options)
    log.append(make_rows("a"))
    log.close()
    Uploader(options).run_once()
    give({"uri": options.uri})
    compact_feedback(options.uri)
    compact(options.uri, now=NOON + timedelta(days=3))
    content = read_log(options.uri)
    assert (content.table.num_rows, content.problems) == (1, [])


def test_what_is_compacted_is_read_alike_and_not_again(place):
    replace(place, give(place), verdict=UNSURE)
    give(place, "bob", prediction_id=OTHER)
    before = read(place)
    assert n_read(place) == 3
    done = compact_feedback(**place)
    assert (done.n_rows, done.n_added, done.problems) == (3, 3, [])
    assert (read(place), n_read(place)) == (before, 0)
    give(place, "eve")
    assert (len(read(place)), n_read(place)) == (4, 1)
    assert compact_feedback(**place).n_added == 1
    assert len(FeedbackStore(**place).compacted_names()) == 1
    assert n_read(place) == 0


def test_objects_alone_say_which_verdicts_there_are(tmp_path):
    place = {"uri": str(tmp_path)}
    give(place)
    compact_feedback(**place)
    [path] = tmp_path.rglob("*.json")
    path.unlink()
    assert read(place) == []


@pytest.mark.parametrize("cut", ["put_once", "read_compacted_file", "delete"])
@pytest.mark.parametrize("before", [True, False])
def test_cut_at_any_moment_a_compaction_loses_nothing(tmp_path, monkeypatch, cut, before):
    place = {"uri": str(tmp_path)}
    give(place)
    compact_feedback(**place)
    give(place, "bob", UNSURE)
    expected = read(place)
    target = compaction_module if cut == "read_compacted_file" else FeedbackStore
    real = getattr(target, cut)

    def stop(*args):
        if not before:
            real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(target, cut, stop)
        with pytest.raises(KeyboardInterrupt):
            compact_feedback(**place)
    assert read(place) == expected
    compact_feedback(**place)
    assert (read(place), n_read(place)) == (expected, 0)
    assert len(FeedbackStore(**place).compacted_names()) == 1


@pytest.mark.parametrize("content", [b"", b"PAR1 and more", None])
def test_a_damaged_compacted_file_costs_time_alone(tmp_path, content):
    place = {"uri": str(tmp_path)}
    give(place)
    compact_feedback(**place)
    [path] = tmp_path.glob("feedback/compacted/*.parquet")
    if content is None:
        pq.write_table(pq.read_table(path).drop_columns(["n"]), path)
    else:
        path.write_bytes(content)
    read_back = read_feedback(**place)
    assert read_back.table.num_rows == 1
    assert [problem.path for problem in read_back.problems] == [str(path)]
    compact_feedback(**place)
    assert (read_feedback(**place).problems, n_read(place)) == ([], 0)


def test_erased_verdicts_are_nowhere(place):
    replace(place, give(place, code="01XX"), verdict=CORRECTED, code="01YY")
    give(place, "bob", code="01ZZ")
    kept = give(place, prediction_id=OTHER, code="0112")
    compact_feedback(**place)
    done = erase_feedback(prediction_ids=[PREDICTION, "../..", "unknown"], **place)
    assert (done.n_verdicts, done.n_left, done.problems) == (3, 0, [])
    assert read(place) == [(OTHER, 0, CONFIRMED, "0112", True)]
    assert n_read(place) == 0
    store = FeedbackStore(**place)
    files = [str(one) for one in store._filesystem.find(store._root)]
    assert not [one for one in files if PREDICTION in one]
    assert len(files) == 2
    for name in files:
        content = store._filesystem.cat_file(name)
        assert PREDICTION.encode() not in content
    assert kept.coder in str(files)


def test_half_written_verdicts_are_erased_too_and_the_folder_goes(tmp_path):
    place = {"uri": str(tmp_path)}
    give(place)
    folder = tmp_path / FOLDER / PREDICTION[:2] / PREDICTION
    (folder / ".a.json.0123.part").write_text(PREDICTION)
    erase_feedback(prediction_ids=[PREDICTION], **place)
    assert not folder.exists()


def test_what_is_given_again_after_an_erasure_is_read(tmp_path):
    place = {"uri": str(tmp_path)}
    give(place)
    compact_feedback(**place)
    erase_feedback(prediction_ids=[PREDICTION], **place)
    give(place, verdict=UNSURE)
    assert read(place) == [(PREDICTION, 0, UNSURE, None, True)]


@pytest.mark.parametrize("cut", ["delete", "forget_predictions", "put_once"])
def test_cut_at_any_moment_an_erasure_is_done_again(tmp_path, monkeypatch, cut):
    place = {"uri": str(tmp_path)}
    give(place)
    give(place, prediction_id=OTHER)
    compact_feedback(**place)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(FeedbackStore, cut, stop)
        with pytest.raises(KeyboardInterrupt):
            erase_feedback(prediction_ids=[PREDICTION], **place)
    assert read(place)[-1] == (OTHER, 0, CONFIRMED, "0111", True)
    assert erase_feedback(prediction_ids=[PREDICTION], **place).n_left == 0
    assert read(place) == [(OTHER, 0, CONFIRMED, "0111", True)]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert PREDICTION.encode() not in written


def test_a_damaged_compacted_file_does_not_outlive_an_erasure(tmp_path):
    place = {"uri": str(tmp_path)}
    give(place)
    compact_feedback(**place)
    [path] = tmp_path.glob("feedback/compacted/*.parquet")
    path.write_bytes(path.read_bytes()[:-1])
    done = erase_feedback(prediction_ids=[PREDICTION], **place)
    assert (done.n_verdicts, done.n_left) == (1, 0)
    assert "deleted" in done.problems[0].why
    assert not path.exists()


def test_old_verdicts_leave_and_those_of_later_days_stay(place):
    days_ago = [0, 9, 10, 11, 400]
    for days in days_ago:
        prediction_id = f"{PREDICTION[:-3]}{days:03d}"
        given_at = NOON.replace(hour=0, minute=1) - timedelta(days=days)
        give(place, prediction_id=prediction_id, given_at=given_at)
    compact_feedback(**place)
    done = purge_feedback(older_than_days=10, now=NOON, **place)
    assert done.n_verdicts == 2
    assert [row[0][-3:] for row in read(place)] == ["000", "009", "010"]
    assert n_read(place) == 0
    assert purge_feedback(older_than_days=10, now=NOON, **place).n_verdicts == 0


def test_today_is_always_kept(tmp_path):
    with pytest.raises(UsageError, match="today is always"):
        purge_feedback(str(tmp_path), older_than_days=0, now=NOON)


def test_a_verdict_outlives_the_one_that_it_replaced(tmp_path):
    place = {"uri": str(tmp_path)}
    first = give(place, given_at=NOON - timedelta(days=20))
    replace(place, first, verdict=UNSURE)
    purge_feedback(older_than_days=10, now=NOON, **place)
    assert read(place) == [(PREDICTION, 1, UNSURE, None, True)]
    assert give(place, verdict=UNSURE).n == 1


def test_verdicts_are_joined_to_the_log_and_an_unknown_prediction_is_kept(tmp_path):
    options = make_options(tmp_path)
    asked = make_rows("a", "b")
    log = PredictionLog(options)
    log.append(asked)
    log.close()
    Uploader(options).run_once()
    place = {"uri": options.uri}
    known = asked.prediction_ids[0]
    give(place, prediction_id=known, code="0111")
    give(place, "bob", CORRECTED, "0111", prediction_id=known)
    give(place, "bob", UNSURE, prediction_id=OTHER)
    judged = {row["prediction_id"]: row for row in read_judged_predictions(options.uri).to_pylist()}
    assert set(judged) == {known, OTHER}
    one, unknown = judged[known], judged[OTHER]
    assert (one["known"], one["n_coders"], one["agreed"], one["right_code"]) == (
        True,
        2,
        True,
        "0111",
    )
    assert (one["log_top_code"], one["log_decision"]) == ("0111", "review")
    assert {verdict["verdict"] for verdict in one["verdicts"]} == {CONFIRMED, CORRECTED}
    assert (unknown["known"], unknown["agreed"], unknown["right_code"]) == (False, None, None)
    assert unknown["log_top_code"] is None


def test_a_join_without_verdicts_or_without_log_is_empty(tmp_path):
    options = make_options(tmp_path)
    assert read_judged_predictions(options.uri).num_rows == 0
    give({"uri": options.uri})
    assert read_judged_predictions(options.uri)["known"].to_pylist() == [False]


SAID = st.tuples(
    st.sampled_from("abc"), st.sampled_from(FeedbackVerdict), st.sampled_from(("0111", "0112"))
)


@settings(max_examples=25)
@given(said=st.lists(SAID, max_size=12), data=st.data())
def test_the_last_word_of_each_coder_stands_and_agreement_is_that_of_last_words(
    tmp_path_factory, said, data
):
    place = {"uri": str(tmp_path_factory.mktemp("log"))}
    last, n_rows = {}, defaultdict(int)
    for coder, verdict, code in said:
        before = last.get(coder)
        row = give(place, coder, verdict, code, replaces=before and before.feedback_id)
        n_rows[coder] += before is None or row != before
        last[coder] = row
        if data.draw(st.integers(0, 5)) == 0:
            compact_feedback(**place)
    content = read_feedback(**place)
    assert content.table.num_rows == sum(n_rows.values())
    standing = content.current().to_pylist()
    assert {row["feedback_id"] for row in standing} == {row.feedback_id for row in last.values()}
    judged = judge_predictions(content.table, read_log(place["uri"]).table).to_pylist()
    assert len(judged) == bool(said)
    for row in judged:
        words = {one.code or one.verdict for one in last.values()}
        assert row["n_coders"] == len(last)
        assert row["agreed"] == (None if len(last) == 1 else len(words) == 1)
        assert row["right_code"] == (next(iter(last.values())).code if len(words) == 1 else None)
