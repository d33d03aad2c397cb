"""An ingress that tests start: haproxy, which sends requests to the replicas that are ready."""

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.servers import free_port, wait_for

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")

CHECK_SECONDS = 0.1
# As an ingress does: connections are kept on both sides and shared by clients, each request goes
# to the next replica. Unlike it, nothing is tried again: what fails shows.
CONFIGURATION = """
global
    stats socket {socket} level admin
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    timeout check 2s
    retries 0
frontend ingress
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /health/ready
    http-check expect status 200
    http-reuse always
"""


class Ingress:
    """The running haproxy, and the replicas that it knows.

    Attributes
    ----------
    port : int
    """

    def __init__(self, port, socket_path):
        self.port, self._socket_path = port, str(socket_path)

    def add(self, name, port):
        """Send requests to one more replica, as long as it says that it is ready."""
        checks = f"check inter {CHECK_SECONDS * 1000:.0f}ms fall 1 rise 1"
        self._tell(f"add server replicas/{name} 127.0.0.1:{port} {checks}")
        self._tell(f"enable health replicas/{name}")
        self._tell(f"enable server replicas/{name}")
        self._wait_for(name, "UP")

    def wait_until_left(self, name):
        """Wait until requests go to a replica no more, since it says that it is not ready."""
        self._wait_for(name, "DOWN")

    def _wait_for(self, name, state):
        until = time.monotonic() + 20
        while self._states().get(name) != state:
            assert time.monotonic() < until, self._states()
            time.sleep(0.02)

    def _states(self):
        rows = [line.split(",") for line in self._tell("show stat replicas 4 -1").splitlines()]
        return {row[1]: row[17] for row in rows if len(row) > 17}

    def _tell(self, command):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._socket_path)
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()


@contextmanager
def running_ingress(folder):
    """Start haproxy on a free port, with no replica yet."""
    port, socket_path, path = free_port(), folder / "haproxy.socket", folder / "haproxy.cfg"
    path.write_text(CONFIGURATION.format(port=port, socket=socket_path))
    with (
        (folder / "haproxy.log").open("wb") as log,
        subprocess.Popen([HAPROXY, "-db", "-f", path], stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(port, process)
            yield Ingress(port, socket_path)
        finally:
            process.kill()
