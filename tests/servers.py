"""Real servers that tests start on loopback and stop."""

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from api.serving import UPLOAD_SECONDS
from libelle.settings import Settings


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(port, process, *, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


class ServiceProcess(subprocess.Popen):
    """A service, which ends in the time that its settings allow, or never does."""

    def __init__(self, command, *, env, **options):
        super().__init__(command, env=env, **options)
        self._stop_seconds = longest_stop_seconds(env)

    def wait_for_end(self) -> int:
        """Return the exit code of a service that was asked to stop."""
        return self.wait(self._stop_seconds)


def longest_stop_seconds(variables) -> float:
    """Return the longest time from SIGTERM to the end of a service that has such variables."""

    def setting(name):
        return float(variables.get(f"LIBELLE_{name}", Settings.model_fields[name.lower()].default))

    upload_seconds = UPLOAD_SECONDS if variables.get("LIBELLE_LOG_URI") else 0
    return setting("DRAIN_SECONDS") + setting("SHUTDOWN_SECONDS") + upload_seconds


@contextmanager
def moto(**variables):
    """Start a real S3 server of our own, on a free port."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=os.environ | variables, **quiet) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


@contextmanager
def mlflow(store_uri):
    """Start a real MLflow server before a store, on a free port."""
    port = free_port()
    server = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store_uri]
    listening = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # It looks for its own programs by their names.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}
    with subprocess.Popen(
        [*server, *listening], env=variables, start_new_session=True, **quiet
    ) as process:
        try:
            wait_for(port, process, seconds=90)  # It imports a lot.
            yield f"http://127.0.0.1:{port}", process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def serving_files(folder):
    """Serve the files of a folder; addresses under /refused are forbidden."""
    handler = partial(_Files, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/refused"):
            self.send_error(403)
        else:
            super().do_GET()


@contextmanager
def answering(status, body=b""):
    """Serve an S3 that answers the same to everything."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # Knows "Expect: 100-continue".

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = answer  # noqa: N815 - http.server's names.

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def refusal(code):
    return f"<Error><Code>{code}</Code><Message>geheim</Message></Error>".encode()
