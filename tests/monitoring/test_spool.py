"""Spool: what was synced is there, whatever happens to the process, the disk or the folder."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.errors import StorageError
from libelle.monitoring.prediction_log import open_segments, spool
from libelle.monitoring.prediction_log.backlog import hold_backlog, segments_of, writer_folders
from libelle.monitoring.prediction_log.segments import frame, read_segment
from libelle.monitoring.prediction_log.spool import SpoolWriter

RECORDS = st.lists(st.binary(min_size=1, max_size=50), max_size=8)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def make_writer(path, **changes):
    values = {"is_durable": True, "max_bytes": 1 << 30, "seal_seconds": 5.0, **changes}
    return SpoolWriter(path, **values)


def records_in(path):
    """Return all records that a spool holds, writer after writer."""
    segments = [segment for folder in writer_folders(path) for segment in segments_of(folder)]
    return [record for segment in segments for record in read_segment(segment).records]


def write(writer, *records):
    for record in records:
        writer.append(record, n_rows=1)
    writer.sync()


@given(records=RECORDS, cut=st.integers(0, 400), flip=st.integers(0, 400))
def test_a_segment_is_read_up_to_the_first_record_that_is_not_whole(
    tmp_path_factory, records, cut, flip
):
    path = tmp_path_factory.mktemp("segment") / "00000001.open"
    whole = b"".join(map(frame, records))
    torn = bytearray(whole[: max(0, len(whole) - cut)] + b"\0" * (cut % 30))
    if flip < len(torn):
        torn[flip] ^= 1
    path.write_bytes(torn)
    content = read_segment(path)
    assert content.records == records[: len(content.records)]
    n_whole = sum(len(frame(record)) for record in content.records)
    assert content.n_torn_bytes == len(torn) - n_whole
    if bytes(torn) == whole:
        assert content.records == records


def test_what_was_synced_is_there_under_any_number_of_writers(tmp_path):
    writers = [make_writer(tmp_path) for _ in range(3)]
    for number, writer in enumerate(writers):
        write(writer, b"first %d" % number, b"second %d" % number)
    assert len(writer_folders(tmp_path)) == 3
    assert sorted(records_in(tmp_path)) == sorted(
        b"%s %d" % (word, number) for word in (b"first", b"second") for number in range(3)
    )


def test_only_sealed_segments_are_taken_from_a_writer_that_lives(tmp_path):
    writer = make_writer(tmp_path, segment_bytes=100)
    write(writer, b"x" * 95)
    write(writer, b"y" * 10)
    with hold_backlog(tmp_path) as backlog:
        assert [read_segment(path).records for path in backlog.segments] == [[b"x" * 95]]
        assert backlog.dead_folders == []
    writer.close()
    with hold_backlog(tmp_path) as backlog:
        assert len(backlog.segments) == 2
        assert backlog.dead_folders == [writer.folder]


def test_a_segment_is_sealed_when_it_is_old(tmp_path):
    clock = Clock()
    writer = make_writer(tmp_path, clock=clock)
    write(writer, b"a")
    clock.now += 4.9
    writer.tend()
    assert [path.suffix for path in segments_of(writer.folder)] == [".open"]
    clock.now += 0.2
    writer.tend()
    assert [path.suffix for path in segments_of(writer.folder)] == [".sealed"]


def test_nothing_is_sealed_where_nothing_was_written(tmp_path):
    writer = make_writer(tmp_path)
    writer.tend(seal=True)
    assert segments_of(writer.folder) == []


def test_one_sync_serves_all_who_wait(tmp_path, monkeypatch):
    writer, begun, free, calls = make_writer(tmp_path), threading.Event(), threading.Event(), []

    def slow_sync(descriptor):
        calls.append(descriptor)
        begun.set()
        assert free.wait(10)

    monkeypatch.setattr(open_segments.os, "fdatasync", slow_sync)
    writer.append(b"first", n_rows=1)
    threads = [threading.Thread(target=writer.sync)]
    threads[0].start()
    assert begun.wait(10)
    for number in range(10):  # Appending does not wait for the disk.
        writer.append(b"%d" % number, n_rows=1)
        threads.append(threading.Thread(target=writer.sync))
        threads[-1].start()
    free.set()
    for thread in threads:
        thread.join(10)
    assert len(calls) == 2


def test_without_durability_nothing_waits_for_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(open_segments.os, "fdatasync", None)
    writer = make_writer(tmp_path, is_durable=False)
    write(writer, b"a")
    writer.close()
    assert records_in(tmp_path) == [b"a"]


def test_a_spool_that_cannot_be_written_is_told_at_start(tmp_path):
    (tmp_path / "spool").touch()
    with pytest.raises(StorageError, match=r"cannot take predictions.*LIBELLE_SPOOL_PATH"):
        make_writer(tmp_path / "spool")


def test_a_full_spool_takes_nothing_until_there_is_room(tmp_path):
    clock = Clock()
    writer = make_writer(tmp_path, max_bytes=300, segment_bytes=100, clock=clock)
    write(writer, b"x" * 120, b"x" * 120)
    with pytest.raises(StorageError, match="used up"):
        writer.append(b"y" * 120, n_rows=1)
    writer.tend()
    with hold_backlog(tmp_path) as backlog:
        backlog.segments[0].unlink()
    clock.now += 1.1
    write(writer, b"z" * 120)
    assert records_in(tmp_path) == [b"x" * 120, b"z" * 120]


def test_what_others_have_in_the_spool_counts(tmp_path):
    write(make_writer(tmp_path), b"x" * 200)
    with pytest.raises(StorageError, match="used up"):
        make_writer(tmp_path, max_bytes=300).append(b"y" * 120, n_rows=1)


@contextmanager
def no_more_than(n_bytes):
    """Limit the size of the files that this process writes: the system refuses the rest."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_record_that_does_not_fit_whole_is_taken_back(tmp_path):
    writer = make_writer(tmp_path)
    write(writer, b"x" * 100)
    with no_more_than(150), pytest.raises(StorageError, match="File too large"):
        writer.append(b"y" * 100, n_rows=1)
    [segment] = segments_of(writer.folder)
    assert segment.stat().st_size == len(frame(b"x" * 100))
    write(writer, b"z" * 100)
    assert records_in(tmp_path) == [b"x" * 100, b"z" * 100]


@contextmanager
def small_disk(path, n_bytes):
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(path)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be made here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_fault_6_a_full_disk_keeps_whole_records_and_takes_more_once_there_is_room(tmp_path):
    path = tmp_path / "disk"
    with small_disk(path, 256 << 10):
        (path / "ballast").write_bytes(b"\0" * (64 << 10))
        writer, kept = make_writer(path), []

        def write_until_full():
            for number in range(1000):
                record = b"%d " % number * 1000
                write(writer, record)
                kept.append(record)

        with pytest.raises(StorageError, match="No space left"):
            write_until_full()
        assert records_in(path) == kept
        (path / "ballast").unlink()
        write(writer, b"after")
        assert records_in(path) == [*kept, b"after"]


def test_fault_7_a_disk_that_becomes_read_only_is_told_and_taken_again_later(tmp_path):
    path = tmp_path / "disk"
    with small_disk(path, 256 << 10):
        writer = make_writer(path)
        write(writer, b"a")
        writer.tend(seal=True)
        mount = ["mount", "-o", "remount,ro", str(path)]
        subprocess.run(mount, check=True)
        with pytest.raises(StorageError, match="Read-only file system"):
            writer.append(b"b", n_rows=1)
        with pytest.raises(StorageError, match="Read-only file system"):
            make_writer(path)
        subprocess.run([*mount[:2], "remount,rw", str(path)], check=True)
        write(writer, b"c")
        assert records_in(path) == [b"a", b"c"]


@pytest.mark.parametrize("unsynced", [[], [b"between"]])
@pytest.mark.parametrize("deleted", ["spool", "folder", "segment"])
def test_fault_7_a_spool_that_is_deleted_is_made_again(tmp_path, deleted, unsynced):
    path = tmp_path / "spool"
    writer = make_writer(path)
    write(writer, b"before")
    for record in unsynced:
        writer.append(record, n_rows=1)
    if deleted == "segment":
        [segment] = segments_of(writer.folder)
        segment.unlink()
    else:
        shutil.rmtree(path if deleted == "spool" else writer.folder)
    writer.sync()
    write(writer, b"after")
    assert set(records_in(path)) == {*unsynced, b"after"}
    writer.close()
    with hold_backlog(path) as backlog:
        assert {path.suffix for path in backlog.segments} == {".sealed"}


def test_after_a_sync_that_failed_nothing_is_believed(tmp_path, monkeypatch):
    """The kernel drops what it could not write, and says that the next sync is all right."""
    writer = make_writer(tmp_path)
    write(writer, b"a")
    writer.append(b"b", n_rows=1)
    [segment] = segments_of(writer.folder)
    real_sync, n_calls = os.fdatasync, []

    def fail_once(descriptor):
        n_calls.append(1)
        if len(n_calls) == 1:
            os.truncate(segment, len(frame(b"a")))
            raise OSError(errno.EIO, "Input/output error")
        real_sync(descriptor)

    monkeypatch.setattr(open_segments.os, "fdatasync", fail_once)
    writer.sync()
    assert records_in(tmp_path) == [b"a", b"b"]


def test_what_no_sync_covered_is_told_to_each_and_tried_again(tmp_path, monkeypatch):
    writer = make_writer(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(open_segments.os, "fdatasync", refuse)
        writer.append(b"a", n_rows=2)
        for _ in range(3):
            with pytest.raises(StorageError, match="Input/output error"):
                writer.sync()
        assert len(segments_of(writer.folder)) < 5
    writer.sync()
    assert set(records_in(tmp_path)) == {b"a"}
    assert writer.forget_unsynced() == 0


def test_what_waits_for_a_disk_that_refuses_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(open_segments.os, "fdatasync", refuse)
    monkeypatch.setattr(spool, "MAX_WAITING_BYTES", 1000)
    writer = make_writer(tmp_path)
    for _ in range(10):
        writer.append(b"x" * 100, n_rows=1)
    with pytest.raises(StorageError, match="Input/output error"):
        writer.append(b"x" * 100, n_rows=1)
    assert writer.forget_unsynced() == 10
    writer.append(b"y", n_rows=1)


def test_who_never_syncs_is_synced(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "MAX_WAITING_BYTES", 1000)
    writer = make_writer(tmp_path)
    for _ in range(100):
        writer.append(b"x" * 100, n_rows=1)
    assert writer.forget_unsynced() <= 10


def refuse(descriptor):
    raise OSError(errno.EIO, "Input/output error")


class ForgetfulDisk:
    """A disk whose syncs fail now and then: what they should have covered is gone, unsaid."""

    def __init__(self, seed):
        self.random, self.real, self.n_safe = Random(seed), os.fdatasync, {}

    def sync(self, descriptor):
        file = os.fstat(descriptor)
        if self.random.random() < 0.2:
            os.ftruncate(descriptor, self.n_safe.get(file.st_ino, 0))
            raise OSError(errno.EIO, "Input/output error")
        self.real(descriptor)
        self.n_safe[file.st_ino] = file.st_size


@pytest.mark.parametrize("seed", range(3))
def test_who_syncs_together_is_told_the_truth(tmp_path, monkeypatch, seed):
    writer = make_writer(tmp_path, segment_bytes=300)
    promised, appending, over = [], threading.Lock(), threading.Event()

    def ask(client):
        for number in range(60):
            record = b"%d-%d" % (client, number)
            with appending:
                writer.append(record, n_rows=1)
            with suppress(StorageError):
                writer.sync()
                promised.append(record)

    def tend():
        while not over.wait(0.001):
            with suppress(StorageError):
                writer.tend(seal=True)

    monkeypatch.setattr(open_segments.os, "fdatasync", ForgetfulDisk(seed).sync)
    clients = [threading.Thread(target=ask, args=[client]) for client in range(6)]
    tending = threading.Thread(target=tend)
    for thread in (*clients, tending):
        thread.start()
    for thread in clients:
        thread.join()
    over.set()
    tending.join()
    assert len(promised) > 100
    assert set(promised) <= set(records_in(tmp_path))


KILLED = """
import sys, os, pathlib
from libelle.monitoring.prediction_log.spool import SpoolWriter
writer = SpoolWriter(
    pathlib.Path(sys.argv[1]), is_durable=True, max_bytes=1 << 30, seal_seconds=1,
    segment_bytes=2000,
)
for number in range(10 ** 9):
    writer.append(b"record %d;" % number, n_rows=1)
    writer.sync()
    os.write(1, b"%d\\n" % number)
"""


def test_killed_at_any_time_a_writer_loses_nothing_that_it_synced(tmp_path, request):
    for attempt in range(50 if request.config.getoption("--long") else 4):
        path = tmp_path / str(attempt)
        command = [sys.executable, "-c", KILLED, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            for _ in range(1 + attempt * 37 % 400):
                last = process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            last = (process.stdout.read().splitlines() or [last])[-1]
        with hold_backlog(path) as backlog:
            assert len(backlog.dead_folders) == 1
            records = [one for file in backlog.segments for one in read_segment(file).records]
        assert len(records) in (int(last) + 1, int(last) + 2)
        assert records == [b"record %d;" % number for number in range(len(records))]
