"""Beside: the dashboard, in a process of its own, that ends with the service."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from libelle.cli.console import refuse_busy_port, say
from libelle.errors import UsageError
from libelle.settings import Settings, environment_with

START_SECONDS = 30.0
STOP_SECONDS = 10.0
MESSAGES = "dashboard.log"


def refuse_busy_ports(settings: Settings) -> None:
    """Refuse ports that cannot be listened on, before any work is done.

    Raises
    ------
    UsageError
        If one is taken, or if both are the same.
    """
    if settings.port == settings.dashboard_port:
        raise UsageError(
            f"The API and the dashboard cannot both listen on port {settings.port}. Choose another "
            "one with LIBELLE_DASHBOARD_PORT."
        )
    refuse_busy_port(settings.host, settings.port, by="LIBELLE_PORT")
    refuse_busy_port(settings.host, settings.dashboard_port, by="LIBELLE_DASHBOARD_PORT")


@contextmanager
def dashboard_beside(settings: Settings) -> Iterator[None]:
    """Show the dashboard as long as something else is served; a dashboard that fails is told."""
    path = settings.home / MESSAGES
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "libelle.cli", "dashboard", "--until-input-closes"]
    with (
        path.open("wb") as messages,
        subprocess.Popen(
            command,
            env=environment_with(**_decided(settings)),
            stdin=subprocess.PIPE,  # Never written to: it closes when this process is gone.
            stdout=messages,
            stderr=messages,
        ) as process,
    ):
        try:
            if not _is_there(settings, process):
                say(f"The dashboard could not start: {path} says why")
            yield
        finally:
            _stop(process)


def stop_when_input_closes() -> None:
    """Stop this process once its standard input closes: who started it is gone, even killed."""

    def watch() -> None:
        # Not by `sys.stdin`, whose lock an exit would wait for.
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _decided(settings: Settings) -> dict[str, str]:
    """Return what was decided since the settings were read."""
    decided = {
        "auth": settings.auth,
        "host": settings.host,
        "dashboard_port": str(settings.dashboard_port),
        "log_uri": settings.log_uri,
        "model": settings.model,
        "text_policy": settings.text_policy.value,
        "spool_path": str(settings.spool_path or ""),
        "made_up": "true" if settings.made_up else "",
    }
    if "api_url" not in settings.model_fields_set:
        decided["api_url"] = f"http://{reachable(settings.host)}:{settings.port}"
    if settings.metrics_port and "metrics_url" not in settings.model_fields_set:
        host = reachable(settings.metrics_host or settings.host)
        decided["metrics_url"] = f"http://{host}:{settings.metrics_port}/metrics"
    return {name: value for name, value in decided.items() if value}


def _is_there(settings: Settings, process: "subprocess.Popen[bytes]") -> bool:
    """Wait until the dashboard listens; tell whether it does."""
    address = (reachable(settings.host).strip("[]"), settings.dashboard_port)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def reachable(host: str) -> str:
    """Return an address that a browser can open; one that listens everywhere is this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104


def free_port(host: str) -> int:
    """Return a port of this machine that nobody listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])
