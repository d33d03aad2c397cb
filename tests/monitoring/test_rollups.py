"""Roll-ups equal a naive count, whatever the files, the retries and the moment of a kill."""

import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.errors import StorageError
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.store import LogStore
from libelle.monitoring.rollups import RollUps
from libelle.monitoring.rollups import days as days_module
from libelle.monitoring.rollups.hashes import hashes_of
from tests.monitoring.log_rows import MONDAY, make_row, make_table, put
from tests.servers import moto

NOW = MONDAY + timedelta(hours=20)
ROWS = st.builds(
    make_row,
    prediction_id=st.sampled_from([f"p{n}" for n in range(12)]),
    received_at=st.integers(-30, 19).map(lambda hours: MONDAY + timedelta(hours=hours)),
    order=st.integers(0, 3),
    decision=st.sampled_from(["automatic", "review", "refused", None]),
    top_code=st.sampled_from(["0111", "47", None]),
    threshold_id=st.sampled_from(["t1", None]),
    confidence=st.sampled_from([0.0, 0.5, 0.123457, 1.0, float("nan"), None]),
    duration_seconds=st.sampled_from([0.0, 1e-9, 0.02, 3.0, float("nan"), float("inf")]),
    n_characters=st.sampled_from([0, 12, 5_000, None]),
    n_words=st.sampled_from([0, 3, None]),
    text_hash=st.sampled_from(["a", "b", "é", "", None]),
)


def roll_ups(folder, **options):
    return RollUps(str(folder / "log"), folder / "cache", n_days=365, **options)


def naive(folder):
    """Count the rows that the reader of the log gives, one by one."""
    groups, bins, hours, texts, sums = Counter(), Counter(), Counter(), {}, Counter()
    for row in naive_rows(folder):
        names = ("model_digest", "threshold_id", "decision", "reason", "top_code")
        groups[tuple(row[name] for name in names)] += 1
        if row["confidence"] is not None and np.isfinite(row["confidence"]):
            bins[row["decision"], min(int(row["confidence"] * 200 + 1e-9), 199)] += 1
        hours[row["received_at"].hour, row["decision"]] += 1
        texts.setdefault(row["received_at"].date(), set()).add(row["text_hash"])
        for name in ("n_words", "n_unknown_words"):
            sums[(name,)] += row[name] or 0
    return groups, bins, hours, {day: len(found - {None}) for day, found in texts.items()}, +sums


def naive_rows(folder):
    """Give each prediction once a day."""
    uri = str(folder / "log")
    for day in LogStore(uri).days():
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        content = read_log(uri, since=start, until=start + timedelta(days=1))
        yield from content.table.to_pylist()


def counted(snapshot):
    whole = snapshot.total(date.min, date.max)
    texts = {one.day: one.n_distinct_texts for one in snapshot.days}
    return whole.groups, whole.bins, whole.hours, texts, +whole.sums


@given(files=st.lists(st.lists(ROWS, min_size=1, max_size=8), max_size=5))
def test_roll_ups_equal_a_naive_count(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    at_once, step_by_step = roll_ups(folder), roll_ups(folder)
    for number, rows in enumerate(files):
        put(folder / "log", rows, stem=f"part{number}")
        followed = step_by_step.refresh(now=NOW)
    assert counted(at_once.refresh(now=NOW)) == naive(folder)
    if files:
        assert counted(followed) == naive(folder)
        assert counted(roll_ups(folder).refresh(now=NOW)) == naive(folder)


def test_adding_files_reads_only_what_is_new(tmp_path, monkeypatch):
    put(tmp_path / "log", [make_row() for _ in range(5)], stem="first")
    rolled_up = roll_ups(tmp_path)
    rolled_up.refresh(now=NOW)
    read = watch_reads(monkeypatch)
    [name] = put(tmp_path / "log", [make_row() for _ in range(3)], stem="second")
    assert rolled_up.refresh(now=NOW).n_rows == 8
    assert read == [name]


def test_a_closed_day_that_has_not_changed_is_never_read_again(tmp_path, monkeypatch):
    put(tmp_path / "log", [make_row()])
    later = NOW + timedelta(days=10)
    roll_ups(tmp_path).refresh(now=later)
    read = watch_reads(monkeypatch)
    assert roll_ups(tmp_path).refresh(now=later).n_rows == 1
    assert read == []


def test_a_retry_in_another_file_counts_once_and_as_the_first_one(tmp_path):
    late = make_row(prediction_id="p", received_at=MONDAY + timedelta(hours=9), order=7)
    early = make_row(prediction_id="p", received_at=MONDAY + timedelta(hours=8), order=6)
    rolled_up = roll_ups(tmp_path)
    put(tmp_path / "log", [late], stem="a")
    assert rolled_up.refresh(now=NOW).total(MONDAY.date(), MONDAY.date()).hours == {
        (9, "automatic"): 1
    }
    put(tmp_path / "log", [early], stem="b")
    assert rolled_up.refresh(now=NOW).total(MONDAY.date(), MONDAY.date()).hours == {
        (8, "automatic"): 1
    }


def test_rows_erased_from_the_log_leave_the_roll_ups(tmp_path):
    [first] = put(tmp_path / "log", [make_row()], stem="a")
    put(tmp_path / "log", [make_row()], stem="b")
    rolled_up = roll_ups(tmp_path)
    assert rolled_up.refresh(now=NOW).n_rows == 2
    (tmp_path / "log" / first).unlink()
    assert rolled_up.refresh(now=NOW).n_rows == 1
    for path in (tmp_path / "log").rglob("*.parquet"):
        path.unlink()
    assert rolled_up.refresh(now=NOW).days == ()


def test_foreign_and_damaged_files_are_told_and_left_out(tmp_path):
    [name] = put(tmp_path / "log", [make_row() for _ in range(500)], stem="a")
    content = (tmp_path / "log" / name).read_bytes()
    folder = (tmp_path / "log" / name).parent
    (folder / "torn.parquet").write_bytes(content[: len(content) // 2])
    damaged = bytearray(content)
    damaged[200:260] = bytes(60)
    (folder / "damaged.parquet").write_bytes(bytes(damaged))
    (folder / "notes.txt").write_text("bonjour")
    snapshot = roll_ups(tmp_path).refresh(now=NOW)
    assert snapshot.n_rows == 500
    names = {problem.path.rpartition("/")[2] for problem in snapshot.problems}
    assert names >= {"torn.parquet", "notes.txt"}


def test_an_empty_log_has_no_day(tmp_path):
    snapshot = roll_ups(tmp_path).refresh(now=NOW)
    assert snapshot.days == ()
    assert snapshot.last_at is None


def test_a_damaged_day_of_the_cache_is_counted_again(tmp_path):
    put(tmp_path / "log", [make_row()])
    roll_ups(tmp_path).refresh(now=NOW)
    [kept] = (tmp_path / "cache").rglob("*.npz")
    kept.write_bytes(kept.read_bytes()[:-40])
    assert roll_ups(tmp_path).refresh(now=NOW).n_rows == 1


def test_a_log_out_of_reach_is_told(tmp_path):
    rolled_up = RollUps("s3://nowhere/log", tmp_path, n_days=9, options=unreachable())
    with pytest.raises(StorageError, match="out of reach"):
        rolled_up.refresh(now=NOW)


@pytest.mark.parametrize("n_calls", range(10))
def test_killed_at_any_step_the_roll_ups_are_right_after(tmp_path, n_calls):
    for day in range(3):
        at = MONDAY - timedelta(days=day)
        put(tmp_path / "log", [make_row(received_at=at), make_row(received_at=at)])
    script = KILLED_AT.format(folder=tmp_path, n_calls=n_calls)
    ended = subprocess.run([sys.executable, "-c", script], timeout=60)
    assert ended.returncode == (-signal.SIGKILL if n_calls < 9 else 0)
    assert counted(roll_ups(tmp_path).refresh(now=NOW)) == naive(tmp_path)
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_killed_by_another_process_the_roll_ups_are_right_after(tmp_path):
    for day in range(30):
        at = MONDAY - timedelta(days=day)
        put(tmp_path / "log", [make_row(received_at=at) for _ in range(50)])
    expected = naive(tmp_path)
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2):
        script = KILLED_AT.format(folder=tmp_path, n_calls=10**6) + "\nprint('over')"
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(delay)
            process.kill()
    assert counted(roll_ups(tmp_path).refresh(now=NOW)) == expected


def test_progress_is_told(tmp_path):
    for day in range(3):
        put(tmp_path / "log", [make_row(received_at=MONDAY - timedelta(days=day))])
    told = []
    roll_ups(tmp_path).refresh(now=NOW, progress=lambda *numbers: told.append(numbers))
    assert told == [(0, 3), (1, 3), (2, 3)]


def test_a_log_on_s3_is_rolled_up_alike(tmp_path):
    from libelle.monitoring.prediction_log.files import write_file
    from libelle.storage import StorageOptions, open_filesystem

    with moto() as (endpoint, _):
        options = StorageOptions(
            endpoint_url=endpoint, region="eu-west-3", access_key_id="k", secret_access_key="s"
        )
        open_filesystem("s3://bucket", options)[0].mkdir("bucket")
        store = LogStore("s3://bucket/log", options)
        rolled_up = RollUps("s3://bucket/log", tmp_path, n_days=9, options=options)
        assert rolled_up.refresh(now=NOW).days == ()
        write_file(store, "date=2026-03-09/a", make_table([make_row()]))
        assert rolled_up.refresh(now=NOW).n_rows == 1
        write_file(store, "date=2026-03-09/b", make_table([make_row(), make_row()]))
        assert rolled_up.refresh(now=NOW).n_rows == 3


@given(st.lists(st.one_of(st.none(), st.text(max_size=6))))
def test_strings_have_one_hash_each(strings):
    import pyarrow as pa

    column = pa.chunked_array([pa.array(strings, pa.string()), pa.array(["z", None], pa.string())])
    hashes = hashes_of(column)
    kept = [one for one in [*strings, "z"] if one is not None]
    assert len(hashes) == len(kept)
    assert len(set(hashes.tolist())) == len(set(kept))


def watch_reads(monkeypatch):
    read, usual = [], days_module.iter_file

    def iter_file(store, name, *rest):
        read.append(name)
        return usual(store, name, *rest)

    monkeypatch.setattr(days_module, "iter_file", iter_file)
    return read


def unreachable():
    from libelle.storage import StorageOptions

    return StorageOptions(
        endpoint_url="http://127.0.0.1:9",
        access_key_id="k",
        secret_access_key="s",
        deadline_seconds=3,
    )


KILLED_AT = """
import os, signal
from datetime import timedelta
from pathlib import Path
from libelle.monitoring.rollups import RollUps

n_left = {n_calls}

def dying(usual):
    def call(*args, **options):
        global n_left
        if n_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        n_left -= 1
        return usual(*args, **options)
    return call

os.fsync, Path.replace = dying(os.fsync), dying(Path.replace)
from tests.monitoring.test_rollups import NOW
folder = Path("{folder}")
print("ready", flush=True)
RollUps(str(folder / "log"), folder / "cache", n_days=365).refresh(now=NOW)
"""


def test_a_long_counting_is_done_by_another_process(tmp_path, monkeypatch):
    for day in range(4):
        put(tmp_path / "log", [make_row(received_at=MONDAY - timedelta(days=day))])
    read, told = watch_reads(monkeypatch), []
    rolled_up = roll_ups(tmp_path)
    snapshot = rolled_up.refresh(
        now=NOW, most_bytes=1_000, progress=lambda *numbers: told.append(numbers)
    )
    assert counted(snapshot) == naive(tmp_path)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert read == []
    put(tmp_path / "log", [make_row()], stem="more")
    assert rolled_up.refresh(now=NOW, most_bytes=2**20).n_rows == 5
    assert len(read) == 1


def test_a_long_counting_that_is_killed_goes_on_later(tmp_path, monkeypatch):
    from libelle.monitoring.rollups import apart

    put(tmp_path / "log", [make_row()])
    rolled_up = roll_ups(tmp_path)
    monkeypatch.setattr(apart.sys, "executable", "/bin/false")
    with pytest.raises(StorageError, match="cut short"):
        rolled_up.refresh(now=NOW, most_bytes=0)
    monkeypatch.undo()
    assert roll_ups(tmp_path).refresh(now=NOW, most_bytes=0).n_rows == 1
