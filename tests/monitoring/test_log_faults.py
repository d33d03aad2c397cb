"""Faults: each call to the system fails once, or is the last one; promises hold all the same."""

import errno
import os
from contextlib import suppress

import pytest

from libelle.errors import StorageError
from libelle.monitoring.prediction_log import PredictionLog, WhenFull
from libelle.monitoring.prediction_log.backlog import hold_backlog
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.upload import Uploader
from tests.monitoring.predictions import make_options, make_rows

CALLS = ("pwrite", "ftruncate", "fdatasync", "fsync", "rename", "replace", "unlink", "remove")
MOST_CALLS = 1000


class Killed(BaseException):
    """The process is no more: nothing that it would do after this is done."""


class FaultySystem:
    """Fail the n-th call, in the manner of a disk that errs, of one that is full, or of a kill."""

    def __init__(self, n_before, manner):
        self.n_before, self.manner, self.n_calls = n_before, manner, 0
        self.real = {name: getattr(os, name) for name in CALLS}

    def install(self, monkeypatch):
        for name in CALLS:
            monkeypatch.setattr(os, name, self.standing_for(name))

    def standing_for(self, name):
        def call(*args, **kwargs):
            self.n_calls += 1
            over = self.n_calls - self.n_before
            if self.manner == "kill" and over == 1 and name == "pwrite":
                self.write_a_part(*args)
            if self.manner == "kill" and over >= 1:
                raise Killed
            if self.manner == "full" and over == 1 and name == "pwrite":
                return self.write_a_part(*args)
            if self.manner == "full" and over == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            if self.manner == "error" and over == 1:
                raise OSError(errno.EIO, "Input/output error")
            if self.manner == "broken" and 1 <= over <= 8:
                raise OSError(errno.EIO, "Input/output error")
            return self.real[name](*args, **kwargs)

        return call

    def write_a_part(self, descriptor, content, offset):
        return self.real["pwrite"](descriptor, content[: len(content) // 2], offset)


class Run:
    """A life of a log: requests, uploads, an end in order; what was promised is noted."""

    def __init__(self, folder):
        self.options = make_options(folder, when_full=WhenFull.REFUSE)
        self.promised, self.asked, self.log = set(), set(), None

    def live(self):
        self.log = PredictionLog(self.options)
        uploader = Uploader(self.options)
        for number in range(3):
            self.ask(make_rows("a", "b", request_id=f"request-{number}"))
            if number % 2:
                self.attempt(lambda: self.log._spool.tend(seal=True))
                self.attempt(uploader.run_once)
        self.log.close()
        self.attempt(uploader.run_once)

    def ask(self, rows):
        self.asked |= set(rows.prediction_ids)
        if self.attempt(lambda: (self.log.append(rows), self.log.sync())):
            self.promised |= set(rows.prediction_ids)

    def attempt(self, what):
        try:
            what()
        except StorageError:
            return False
        return True

    def recover(self):
        """What a restart does."""
        if self.log is not None:
            self.close_descriptors(self.log._spool)
        self.options.spool_path.mkdir(exist_ok=True)
        Uploader(self.options).run_once()

    def close_descriptors(self, spool):
        with suppress(OSError):  # Closed already.
            spool._folder.close()


def live_with(fault, folder, monkeypatch):
    run = Run(folder)
    with monkeypatch.context() as patched:
        patched.setattr(PredictionLog, "_tend", lambda self: None)
        fault.install(patched)
        with suppress(Killed, StorageError):
            run.live()
    run.recover()
    return run


@pytest.mark.parametrize("manner", ["error", "broken", "full", "kill"])
def test_whatever_fails_each_promised_row_is_found_once(tmp_path, monkeypatch, manner):
    for n_before in range(MOST_CALLS):
        fault = FaultySystem(n_before, manner)
        run = live_with(fault, tmp_path / str(n_before), monkeypatch)
        content = read_log(run.options.uri)
        found = content.table["prediction_id"].to_pylist()
        assert len(found) == len(set(found)), n_before
        assert run.promised <= set(found) <= run.asked, n_before
        assert content.problems == [], n_before
        with hold_backlog(run.options.spool_path) as backlog:
            assert (backlog.segments, backlog.dead_folders) == ([], []), n_before
        if fault.n_calls <= n_before:
            break
    assert 30 < n_before < MOST_CALLS - 1
    assert len(run.promised) == 6
