"""Upload: whole files under names of their own, here or on S3, whatever fails there."""

import json
import re
import signal
import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random

import pyarrow.parquet as pq
import pytest

from libelle.errors import StorageError
from libelle.monitoring.prediction_log import upload
from libelle.monitoring.prediction_log.backlog import UNREADABLE, hold_backlog, writer_folders
from libelle.monitoring.prediction_log.board import read_state
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.segments import frame
from libelle.monitoring.prediction_log.store import LogStore
from libelle.monitoring.prediction_log.upload import Uploader
from tests.monitoring.predictions import NOON, fill, make_options, make_rows, s3_options
from tests.servers import answering, free_port, refusal


def found(options):
    content = read_log(options.uri, options=options.storage)
    assert content.problems == []
    return sorted(content.table["prediction_id"].to_pylist())


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_rows_lie_in_the_folder_of_the_utc_day_of_their_request(tmp_path):
    options = make_options(tmp_path)
    before_midnight = NOON.replace(hour=23, minute=59)
    fill(options, make_rows("a", received_at=before_midnight), make_rows("b"), make_rows("c"))
    fill(options, make_rows("d", received_at=before_midnight + timedelta(minutes=2)))
    Uploader(options, host="pod-7").run_once()
    name = r"date=2026-03-1[45]/pod_7-[0-9a-f]{12}_\d+-00000001-[0-9a-f]{8}\.parquet"
    names = files_of(tmp_path / "log")
    assert all(re.fullmatch(name, one) for one in names)
    assert [one[:15] for one in names] == ["date=2026-03-14", "date=2026-03-15"]


def test_many_segments_make_one_file_up_to_some_size(tmp_path, monkeypatch):
    options = make_options(tmp_path)
    kept = sorted(one for _ in range(6) for one in fill(options, make_rows("a")))
    with hold_backlog(options.spool_path) as backlog:
        n_bytes = max(segment.stat().st_size for segment in backlog.segments)
    monkeypatch.setattr(upload, "GROUP_BYTES", 2 * n_bytes + 1)
    Uploader(options).run_once()
    assert len(files_of(tmp_path / "log")) == 2
    assert found(options) == kept


@pytest.mark.parametrize("cut", ["write_file", "discard", "forget_plan"])
def test_fault_2_cut_at_any_place_an_upload_is_done_again_alike(tmp_path, monkeypatch, cut):
    options = make_options(tmp_path)
    kept = fill(options, make_rows("a", "b")) + fill(options, make_rows("c"))
    real = getattr(upload, cut)

    def stop(*args):
        real(*[one[:1] if cut == "discard" else one for one in args])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(upload, cut, stop)
        with pytest.raises(KeyboardInterrupt):
            Uploader(options).run_once()
    names = files_of(tmp_path / "log")
    kept += fill(options, make_rows("d"))
    Uploader(options, host="elsewhere").run_once()
    assert set(names) < set(files_of(tmp_path / "log"))
    n_rows = [pq.read_metadata(path).num_rows for path in (tmp_path / "log").rglob("*.parquet")]
    assert sum(n_rows) == 4
    assert found(options) == sorted(kept)


def test_one_uploader_at_a_time(tmp_path):
    options = make_options(tmp_path)
    fill(options, make_rows("a"))
    said = pytest.raises(StorageError, match="Another process takes predictions")
    with hold_backlog(options.spool_path), said:
        Uploader(options).run_once()
    assert Uploader(options).run_once() == 1


def test_a_full_disk_does_not_keep_rows_from_leaving_it(tmp_path, monkeypatch):
    options = make_options(tmp_path)
    kept = fill(options, make_rows("a"))

    def full(*_):
        raise StorageError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(upload, "write_plan", full)
        patched.setattr(upload, "write_state", full)
        Uploader(options).run_once()
    assert found(options) == kept
    assert writer_folders(options.spool_path) == []


def test_a_torn_tail_is_cut_and_counted(tmp_path):
    options = make_options(tmp_path)
    kept = fill(options, make_rows("a"))
    with hold_backlog(options.spool_path) as backlog, backlog.segments[0].open("ab") as segment:
        segment.write(frame(b"a record that is cut")[:-3])
    Uploader(options).run_once()
    assert found(options) == kept
    assert read_state(options.spool_path).n_torn_bytes == len(frame(b"a record that is cut")) - 3


@pytest.mark.parametrize(
    "change",
    [
        lambda record: b"{}",
        lambda record: record.replace(b'"schema_version":1', b'"schema_version":9'),
        lambda record: record.replace(b'"received_at":1', b'"received_at":"x1"').replace(
            b',"duration', b'"",duration'
        ),
        lambda record: record.replace(b'"n_words":[2]', b'"n_words":["two"]'),
    ],
)
def test_a_record_that_cannot_be_read_is_set_aside(tmp_path, change):
    options = make_options(tmp_path)
    kept = fill(options, make_rows("a"))
    with hold_backlog(options.spool_path) as backlog:
        content = backlog.segments[0].read_bytes()
        with backlog.segments[0].open("ab") as segment:
            segment.write(frame(change(content[8:])))
    Uploader(options).run_once()
    assert found(options) == kept
    assert len(files_of(options.spool_path / UNREADABLE)) == 1
    assert read_state(options.spool_path).n_unreadable == 1
    assert Uploader(options).run_once() == 0


def test_a_spool_that_is_absent_is_told(tmp_path):
    with pytest.raises(StorageError, match=r"cannot be read.*LIBELLE_SPOOL_PATH"):
        Uploader(make_options(tmp_path)).run_once()


def test_what_is_not_libelles_stays_in_the_spool(tmp_path):
    options = make_options(tmp_path)
    fill(options, make_rows("a"))
    (options.spool_path / "lost+found").mkdir()
    (options.spool_path / "notes.txt").touch()
    assert Uploader(options).run_once() == 1
    assert {"lost+found", "notes.txt"} < {path.name for path in options.spool_path.iterdir()}


def test_what_a_killed_erasure_left_does_not_keep_the_folder_of_a_dead_writer(tmp_path):
    options = make_options(tmp_path)
    fill(options, make_rows("a"))
    [folder] = writer_folders(options.spool_path)
    (folder / ".00000001.sealed.0123456789ab.part").write_bytes(b"half of a segment")
    Uploader(options).run_once()
    assert writer_folders(options.spool_path) == []


def test_fault_29_clocks_that_step_lose_nothing(tmp_path):
    options, now = make_options(tmp_path), NOON.timestamp()
    kept = []
    for days in (0, -1, 1, -30):
        received_at = NOON + timedelta(days=days)
        kept += fill(options, make_rows("a", received_at=received_at))
        Uploader(options, clock=lambda days=days: now + 86400 * days).run_once()
    assert found(options) == sorted(kept)
    assert read_state(options.spool_path).backlog_seconds == 0


def test_the_age_of_what_waits_is_never_negative(tmp_path):
    options = make_options(tmp_path, uri="s3://bucket/log", storage=s3_options(free_port()))
    fill(options, make_rows("a"))
    for step, expected in ((-86400, 0), (100, 100)):
        with pytest.raises(StorageError):
            Uploader(options, clock=lambda step=step: time.time() + step).run_once()
        assert read_state(options.spool_path).backlog_seconds == pytest.approx(expected, abs=30)
    assert read_state(options.spool_path).n_failures == 2


def test_pauses_grow_after_failures_and_are_not_all_alike(tmp_path):
    uploader = Uploader(make_options(tmp_path, upload_seconds=10), random=Random(0))
    assert uploader._pause(0) == 5
    pauses = [[uploader._pause(n) for _ in range(100)] for n in (1, 3, 50)]
    assert all(5 <= one <= 10 for one in pauses[0])
    assert all(20 <= one <= 40 for one in pauses[1])
    assert all(30 <= one <= 60 for one in pauses[2])
    assert len(set(pauses[0])) == 100


def test_a_log_on_s3_is_read_like_a_local_one(on_s3):
    assert found(on_s3) == []
    kept = fill(on_s3, make_rows("a"), make_rows("b", received_at=NOON + timedelta(days=1)))
    Uploader(on_s3).run_once()
    assert found(on_s3) == kept
    content = read_log(on_s3.uri, since=NOON + timedelta(hours=1), options=on_s3.storage)
    assert content.table.num_rows == 1


def test_a_file_that_is_on_s3_already_is_not_written_again(on_s3):
    store = LogStore(on_s3.uri, on_s3.storage)
    for content in (b"first", b"second"):
        store.put_once("date=2026-03-14/a.parquet", content)
    with store.open("date=2026-03-14/a.parquet") as stream:
        assert stream.read() == b"first"


def test_fault_9_a_server_that_hangs_is_left_alone_then_caught_up(s3, on_s3):
    kept = fill(on_s3, make_rows("a"))
    hurried = replace(on_s3, storage=replace(on_s3.storage, deadline_seconds=1.0))
    s3[1].send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(StorageError, match="no answer within the deadline"):
            Uploader(hurried).run_once()
        assert time.monotonic() - begun < 8
        kept += fill(on_s3, make_rows("b"))  # Nobody who writes waits.
        assert time.monotonic() - begun < 10
    finally:
        s3[1].send_signal(signal.SIGCONT)
    state = read_state(on_s3.spool_path)
    assert (state.last_failure, state.n_failures) == ("no_answer", 1)
    assert state.backlog_bytes > 0
    Uploader(on_s3).run_once()
    assert found(on_s3) == sorted(kept)
    assert read_state(on_s3.spool_path).n_failures == 0


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "ExpiredToken", "refused"),
        (400, "ExpiredToken", "refused"),
        (400, "InvalidToken", "refused"),
        (403, "AccessDenied", "refused"),
        (403, "InvalidAccessKeyId", "refused"),
        (403, "SignatureDoesNotMatch", "refused"),
        (404, "NoSuchBucket", "not_found"),
        pytest.param(503, "SlowDown", "slow_down", marks=pytest.mark.long),  # Tried for a while.
        (500, "InternalError", "slow_down"),
        (None, "", "unreachable"),
    ],
)
def test_fault_10_each_failure_is_told_by_its_kind_and_tells_no_secret(
    tmp_path, caplog, status, code, kind
):
    with answering(status or 200, refusal(code)) as port:
        port = port if status else free_port()
        storage = s3_options(port, deadline_seconds=30)
        options = make_options(tmp_path, uri="s3://bucket/log", storage=storage)
        fill(options, make_rows("Zeltanguy"))
        uploader = Uploader(options)
        assert not uploader._try_once()
    state = read_state(options.spool_path)
    assert (state.last_failure, state.n_failures) == (kind, 1)
    assert state.last_success_at is None
    assert len(caplog.records) == 1
    for secret in ("geheim", "Zeltanguy", "key of"):
        assert secret not in caplog.text + json.dumps(str(state))


@contextmanager
def dropping_packets():
    """Listen where nobody accepts, until the system drops who wants to connect."""
    with socket.socket() as listening, ExitStack() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


def test_fault_11_packets_that_are_dropped_are_like_a_server_that_hangs(tmp_path):
    with dropping_packets() as port:
        options = make_options(tmp_path, uri="s3://bucket/log", storage=s3_options(port))
        fill(options, make_rows("a"))
        with pytest.raises(StorageError, match="no answer within the deadline"):
            Uploader(options).run_once()
