"""Store: no call lasts longer than its deadline, and what is absent is told from what is empty."""

import errno
import threading
import time
from dataclasses import replace

import pytest

from libelle.errors import StorageError
from libelle.monitoring.prediction_log import store as store_module
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.store import FailureKind, LogStore, LogStoreError, kind_of
from tests.monitoring.predictions import s3_options


class Silent:
    """A filesystem that never answers, whatever deadline it was given."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: threading.Event().wait(30)


class OldServer:
    """A filesystem that knows no conditional write."""

    def __init__(self, refusal):
        self.refusal, self.files = refusal, {}

    def pipe_file(self, path, content, mode="overwrite"):
        if mode == "create":
            raise self.refusal
        self.files[path] = content

    def exists(self, path):
        return path in self.files


@pytest.fixture
def remote():
    return LogStore("s3://bucket/log", replace(s3_options(1), deadline_seconds=0.2))


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.days(),
        lambda store: store.open("a"),
        lambda store: store.put_once("a", b""),
        lambda store: store.delete(["a"]),
    ],
)
def test_a_filesystem_without_deadline_is_not_waited_for(remote, monkeypatch, call):
    monkeypatch.setattr(store_module, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(remote, "_filesystem", Silent())
    begun = time.monotonic()
    with pytest.raises(LogStoreError, match="no answer within the deadline"):
        call(remote)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "refusal",
    [
        NotImplementedError(),
        OSError(errno.ENOSYS, "NotImplemented"),
        OSError(errno.EINVAL, "InvalidArgument"),
    ],
)
def test_where_no_condition_is_known_a_file_is_written_all_the_same(remote, monkeypatch, refusal):
    server = OldServer(refusal)
    monkeypatch.setattr(remote, "_filesystem", server)
    for content in (b"same", b"same"):
        remote.put_once("a", content)
    assert server.files == {"bucket/log/a": b"same"}


def test_an_empty_place_is_told_from_one_that_does_not_exist(s3):
    assert read_log("s3://bucket/nothing/here", options=s3[0]).table.num_rows == 0
    for uri in ("s3://absent/log", "s3://absent"):
        with pytest.raises(StorageError, match="Check the bucket"):
            read_log(uri, options=s3[0])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), "no_answer"),
        (PermissionError(), "refused"),
        (OSError(errno.EROFS, ""), "refused"),
        (FileNotFoundError(), "not_found"),
        (ConnectionRefusedError(), "unreachable"),
        (OSError(errno.EBUSY, ""), "slow_down"),
        (OSError(errno.ENOSPC, ""), "no_space"),
        (ValueError(), "other"),
    ],
)
def test_a_failure_has_a_kind(error, kind):
    assert kind_of(error) == FailureKind(kind)


def test_a_local_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "log").touch()
    with pytest.raises(LogStoreError, match="is out of reach"):
        LogStore(str(tmp_path / "log")).put_once("date=2026-03-14/a.parquet", b"")
