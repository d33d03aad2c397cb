"""The dashboard beside the service: ports are looked at first, and what fails is told."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from libelle.cli.beside import dashboard_beside, refuse_busy_ports
from libelle.cli.demo import logged
from libelle.errors import UsageError
from libelle.settings import Settings
from tests.servers import free_port


def settings_of(folder, **changes):
    return Settings(_env_file=None, home=folder, port=free_port(), **changes)


def test_a_taken_port_is_told_before_any_work(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = settings_of(tmp_path, dashboard_port=taken.getsockname()[1])
        with pytest.raises(UsageError, match="LIBELLE_DASHBOARD_PORT"):
            refuse_busy_ports(settings)


def test_one_port_for_both_is_refused(tmp_path):
    settings = settings_of(tmp_path)
    same = settings.model_copy(update={"dashboard_port": settings.port})
    with pytest.raises(UsageError, match="cannot both listen"):
        refuse_busy_ports(same)


def test_a_dashboard_that_cannot_start_is_told_and_holds_nothing_back(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIBELLE_NO_SUCH_THING", "1")
    with dashboard_beside(settings_of(tmp_path, dashboard_port=free_port())):
        pass
    assert "could not start" in capsys.readouterr().err
    assert "LIBELLE_NO_SUCH_THING" in (tmp_path / "dashboard.log").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is killed so there")
def test_a_dashboard_ends_with_a_service_that_is_killed(tmp_path):
    port = free_port()
    environment = {**os.environ, "LIBELLE_AUTH": "none", "LIBELLE_DASHBOARD_PORT": str(port)}
    command = [sys.executable, "-c", SERVICE, str(tmp_path), str(port)]
    pipes = {"stdout": subprocess.PIPE, "env": environment, "cwd": tmp_path}
    with subprocess.Popen(command, **pipes) as service:
        assert service.stdout.readline() == b"shown\n"
        assert listens(port)
        service.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while listens(port) and time.monotonic() < until:
        time.sleep(0.05)
    assert not listens(port)


SERVICE = """
import sys, time
from pathlib import Path
from libelle.cli.beside import dashboard_beside
from libelle.settings import Settings
settings = Settings(_env_file=None, home=Path(sys.argv[1]), dashboard_port=int(sys.argv[2]))
with dashboard_beside(settings):
    print("shown", flush=True)
    time.sleep(600)
"""


def listens(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_what_a_model_of_ones_own_answers_never_goes_where_made_up_requests_are(tmp_path):
    settings = Settings(_env_file=None, home=tmp_path, log_key="k" * 40, model="models:/demo/1")
    demo, own = (logged(settings, is_demo=is_demo) for is_demo in (True, False))
    assert (demo.made_up, own.made_up) == (True, False)
    assert own.log_uri == str(tmp_path / "logs" / "demo")
    assert demo.log_uri == str(tmp_path / "log")
    assert demo.spool_path != own.spool_path
    said = settings.model_copy(update={"log_uri": "s3://bucket/log"})
    assert logged(said, is_demo=True) == said
