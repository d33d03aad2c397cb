"""The first process of a container: no signal ends it but those that it handles."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

APART = ["unshare", "--pid", "--fork", "--kill-child"]


def can_be_first() -> bool:
    if not shutil.which(APART[0]):
        return False
    return subprocess.run([*APART, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_be_first(), reason="no process can be the first of its kind here")
def test_the_first_process_hears_sigterm_before_anything_is_imported(tmp_path):
    command = [*APART, sys.executable, "-m", "libelle.cli", "serve", "--model", "none"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "LIBELLE_AUTH": "none"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
        first = child_of(process.pid)
        wait_until_it_handles(signal.SIGTERM, first)
        os.kill(first, signal.SIGTERM)
        assert process.wait(5) == 128 + signal.SIGTERM


def child_of(pid) -> int:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    until = time.monotonic() + 10
    while not (children := path.read_text().split()):
        assert time.monotonic() < until
        time.sleep(0.002)
    return int(children[0])


def wait_until_it_handles(number, pid):
    until = time.monotonic() + 10
    while not handled(pid) >> (number - 1) & 1:
        assert time.monotonic() < until, "SIGTERM is not handled"
        time.sleep(0.002)


def handled(pid) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("SigCgt:")[2].split()[0], 16)
