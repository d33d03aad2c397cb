"""Prediction log: each answer leaves a row that is found once, whoever dies on the way."""

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest

from libelle.errors import StorageError, UsageError
from libelle.monitoring.prediction_log import PredictionLog, SyncMode, WhenFull
from libelle.monitoring.prediction_log.backlog import writer_folders
from libelle.monitoring.prediction_log.board import read_state
from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.upload import Uploader
from tests.monitoring.predictions import NOON, contents, make_options, make_rows


def ids_in(options, **limits):
    content = read_log(options.uri, **limits)
    assert content.problems == []
    return sorted(content.table["prediction_id"].to_pylist())


def keep(log, *requests):
    for rows in requests:
        log.append(rows)
    log.sync()
    return sorted(one for rows in requests for one in rows.prediction_ids)


def test_rows_are_read_in_the_spool_then_in_the_log(tmp_path):
    options = make_options(tmp_path)
    log = PredictionLog(options)
    kept = keep(log, make_rows("a", "b"), make_rows("c"))
    assert ids_in(options) == []
    assert ids_in(options, spool_path=options.spool_path) == kept
    log.close()
    assert Uploader(options).run_once() == 3
    assert ids_in(options) == ids_in(options, spool_path=options.spool_path) == kept
    assert writer_folders(options.spool_path) == []


def test_a_retried_request_is_one_row_and_the_first(tmp_path):
    options = make_options(tmp_path)
    retried = make_rows("a", request_id="r")
    for later in (1, 0, 2):
        log = PredictionLog(options)
        received_at = NOON + timedelta(days=later)
        keep(log, make_rows("a", request_id="r", received_at=received_at))
        log.close()
        Uploader(options).run_once()
    content = read_log(options.uri)
    assert content.table["prediction_id"].to_pylist() == retried.prediction_ids
    assert content.table["received_at"].to_pylist() == [NOON]


def test_the_order_of_rows_shows_which_were_lost(tmp_path, monkeypatch):
    options = make_options(tmp_path)
    log = PredictionLog(options)
    keep(log, make_rows("a", "b", failed=["x"]))
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", no_space)
        keep(log, make_rows("lost"))
    keep(log, make_rows("c"))
    table = read_log(options.uri, spool_path=options.spool_path).table
    assert sorted(table["order"].to_pylist()) == [0, 1, 2, 4]
    log.close()


def test_an_uploader_brings_rows_soon_and_what_is_left_at_the_end(tmp_path):
    options = make_options(tmp_path, upload_seconds=0.4)
    log, stop = PredictionLog(options), threading.Event()
    uploading = threading.Thread(target=Uploader(options).run, args=[stop])
    uploading.start()
    kept = keep(log, make_rows("a"))
    until = time.monotonic() + 10
    while not ids_in(options) and time.monotonic() < until:
        time.sleep(0.05)
    assert ids_in(options) == kept
    kept += keep(log, make_rows("b"))
    log.close()
    stop.set()
    uploading.join(10)
    assert ids_in(options) == sorted(kept)


@pytest.mark.parametrize("failing", ["pwrite", "fdatasync"])
def test_without_room_predictions_are_answered_and_counted(tmp_path, monkeypatch, caplog, failing):
    options = make_options(tmp_path)
    log = PredictionLog(options)
    kept = keep(log, make_rows("a"))
    with monkeypatch.context() as patched:
        patched.setattr(os, failing, no_space)
        keep(log, make_rows("b", "c", failed=["x"]))
        keep(log, make_rows("d"))
    assert log.n_dropped == 4
    kept += keep(log, make_rows("e"))
    log.close()
    Uploader(options).run_once()
    assert set(ids_in(options)) >= set(kept)
    assert read_state(options.spool_path).n_dropped == 4
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


@pytest.mark.parametrize("failing", ["pwrite", "fdatasync"])
def test_without_room_predictions_are_refused_where_none_may_be_lost(
    tmp_path, monkeypatch, failing
):
    log = PredictionLog(make_options(tmp_path, when_full=WhenFull.REFUSE))
    with monkeypatch.context() as patched:
        patched.setattr(os, failing, no_space)
        with pytest.raises(StorageError, match="No space left"):
            keep(log, make_rows("a"))
    keep(log, make_rows("b"))
    assert log.n_dropped == 0
    log.close()


def no_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_cannot_be_closed_in_order_loses_nothing_that_was_synced(tmp_path, monkeypatch):
    options = make_options(tmp_path)
    log = PredictionLog(options)
    kept = keep(log, make_rows("a"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", no_space)
        log.close()
    Uploader(options).run_once()
    assert ids_in(options) == kept


@pytest.mark.parametrize(
    "changes",
    [{"key": b""}, {"review_share": 1.1}, {"max_spool_bytes": 10}, {"upload_seconds": 0}],
)
def test_options_that_make_no_sense_are_refused(tmp_path, changes):
    with pytest.raises(UsageError):
        make_options(tmp_path, **changes)


def test_a_key_is_not_shown(tmp_path):
    assert "secret" not in repr(make_options(tmp_path, key=b"secret"))


def test_s12_a_planted_datum_is_in_no_file_and_no_message(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    options = make_options(tmp_path)
    log = PredictionLog(options)
    keep(log, make_rows("Zeltanguy 06 12 34 56 78", client="Zeltanguy", failed=["7"]))
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", no_space)
        keep(log, make_rows("Zeltanguy"))
    in_spool = contents(tmp_path)
    log.close()
    Uploader(options).run_once()
    assert b"request_id" in in_spool
    assert b"Zeltanguy" not in in_spool + contents(tmp_path)
    assert "Zeltanguy" not in caplog.text + str(read_log(options.uri).table.to_pylist())


WORKER = """
import itertools, sys
from pathlib import Path
from libelle.monitoring.prediction_log import PredictionLog
from tests.monitoring.predictions import make_options, make_rows
log = PredictionLog(make_options(Path(sys.argv[1]), upload_seconds=0.2))
for number in itertools.count():
    rows = make_rows(*"abc", request_id=f"{sys.argv[2]}-{number}")
    log.append(rows)
    log.sync()
    print(*rows.prediction_ids, flush=True)
"""
UPLOADER = """
import sys, threading
from pathlib import Path
from libelle.monitoring.prediction_log.upload import Uploader
from tests.monitoring.predictions import make_options
Uploader(make_options(Path(sys.argv[1]), upload_seconds=0.02)).run(threading.Event())
"""


def start(program, *arguments):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill(process):
    process.send_signal(signal.SIGKILL)
    said = process.stdout.read().splitlines()
    process.wait()
    process.stdout.close()
    return [one for line in said[:-1] for one in line.split()]


def test_fault_2_killed_workers_and_uploaders_lose_nothing_and_double_nothing(tmp_path, request):
    options, promised = make_options(tmp_path), []
    for attempt in range(12 if request.config.getoption("--long") else 2):
        workers = [start(WORKER, tmp_path, f"{attempt}-{worker}") for worker in range(2)]
        uploader = start(UPLOADER, tmp_path)
        time.sleep(2 + 0.037 * attempt)
        kill(uploader)
        promised += [one for worker in workers for one in kill(worker)]
    Uploader(options).run_once()
    found = Counter(ids_in(options))
    assert len(promised) > 10
    assert set(promised) <= set(found)
    assert set(found.values()) == {1}
    assert writer_folders(options.spool_path) == []


def test_without_sync_a_killed_process_still_loses_nothing(tmp_path):
    """What was written is the system's: only the machine's end can lose it."""
    options = make_options(tmp_path, sync=SyncMode.OFF)
    log = PredictionLog(options)
    kept = keep(log, make_rows("a"))
    assert ids_in(options, spool_path=options.spool_path) == kept
    log.close()
