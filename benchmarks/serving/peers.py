"""Peers: the services that are measured, each started as its own documentation says."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FASTAPI_APP = """
import os
import joblib
from fastapi import FastAPI
from pydantic import BaseModel

model = joblib.load(os.environ["PEER_MODEL"])
app = FastAPI()

class Request(BaseModel):
    texts: list[str]

@app.get("/ready")
def ready():
    return {}

@app.post("/predict")
def predict(request: Request):
    probabilities = model.predict_proba(request.texts)
    answers = []
    for row in probabilities:
        best = row.argsort()[::-1][:5]
        candidates = [{"code": str(model.classes_[c]), "probability": float(row[c])} for c in best]
        answers.append({"code": candidates[0]["code"], "candidates": candidates})
    return {"predictions": answers}
"""

BENTO_APP = """
import os
import bentoml
import joblib

@bentoml.service(workers=1, traffic={"timeout": 60})
class Coder:
    def __init__(self):
        self.model = joblib.load(os.environ["PEER_MODEL"])

    @bentoml.api
    def predict(self, texts: list[str]) -> list[dict]:
        probabilities = self.model.predict_proba(texts)
        answers = []
        for row in probabilities:
            best = row.argsort()[::-1][:5]
            codes = self.model.classes_
            candidates = [{"code": str(codes[c]), "probability": float(row[c])} for c in best]
            answers.append({"code": candidates[0]["code"], "candidates": candidates})
        return answers
"""


@dataclass(frozen=True)
class Peer:
    """A service: how it is started, and how it is asked.

    Attributes
    ----------
    name : str
    command : tuple of str
    single, many : str
        Path of a request with one text, with several.
    ready : str
        Path that answers 200 once the service can predict.
    environment : mapping
    """

    name: str
    command: tuple[str, ...]
    single: str
    many: str
    ready: str
    environment: dict[str, str]

    def body(self, texts: list[str]) -> object:
        """Return the JSON that asks for these texts."""
        if self.name.startswith("libelle"):
            if len(texts) == 1:
                return {"text": texts[0]}
            return {"items": [{"text": text} for text in texts]}
        if self.name.startswith("mlflow"):
            return {"dataframe_split": {"columns": ["text"], "data": [[text] for text in texts]}}
        return {"texts": texts}


def libelle_peer(
    folder: Path, port: int, *, python: str, workers: int = 1, log: Path | None = None
) -> Peer:
    """Return libelle's own service of a model folder, with its prediction log if one is given."""
    name = "libelle" if workers == 1 else f"libelle, {workers} workers"
    logged = {
        "LIBELLE_LOG_URI": str(log),
        "LIBELLE_SPOOL_PATH": f"{log}-spool",
        "LIBELLE_LOG_KEY": "k" * 40,
    }
    command = (python, "-m", "libelle.cli", "serve", "--model", str(folder), "--port", str(port))
    return Peer(
        name if log is None else f"{name}, log on",
        (*command, "--workers", str(workers)),
        "/v1/predict",
        "/v1/predict/batch",
        "/health/ready",
        {
            "LIBELLE_AUTH": "none",
            "LIBELLE_MAX_BATCH_TEXTS": "10000",
            "LIBELLE_DRAIN_SECONDS": "0",
            "PYTHONPATH": os.pathsep.join(["src", "."]),
            **({} if log is None else logged),
        },
    )


def mlflow_peer(model: Path, port: int) -> Peer:
    """Return `mlflow models serve` of the same model."""
    command = (sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model))
    return Peer(
        "mlflow models serve",
        (*command, "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)),
        "/invocations",
        "/invocations",
        "/ping",
        {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )


def fastapi_peer(pipeline: Path, port: int, folder: Path) -> Peer:
    """Return a plain FastAPI application around a scikit-learn pipeline."""
    (folder / "plain_app.py").write_text(FASTAPI_APP)
    command = (sys.executable, "-m", "uvicorn", "plain_app:app", "--app-dir", str(folder))
    return Peer(
        "FastAPI + joblib",
        (*command, "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
        "/predict",
        "/predict",
        "/ready",
        {"PEER_MODEL": str(pipeline)},
    )


def bento_peer(pipeline: Path, port: int, folder: Path, *, bentoml: str) -> Peer:
    """Return a BentoML service around the same pipeline."""
    (folder / "bento_app.py").write_text(BENTO_APP)
    return Peer(
        "BentoML",
        (bentoml, "serve", "bento_app:Coder", "--working-dir", str(folder), "--port", str(port)),
        "/predict",
        "/predict",
        "/readyz",
        {"PEER_MODEL": str(pipeline), "BENTOML_DO_NOT_TRACK": "True"},
    )


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(peer: Peer, port: int, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """Start a service; give its process, and the seconds that it took to be ready."""
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            peer.command,
            env=os.environ | peer.environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while not _is_ready(port, peer.ready):
            if process.poll() is not None or time.perf_counter() - began > 120:
                raise SystemExit(f"{peer.name} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.01)
        yield process, time.perf_counter() - began
    finally:
        for pid in reversed(process_tree(process.pid)):
            _terminate(pid)
        process.wait(60)


def process_tree(pid: int) -> list[int]:
    """Return a process and those that descend from it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in process_tree(int(child)))]


def shared_memory_mb(pid: int) -> float:
    """Return the memory of a process and its descendants, what they share counted once (PSS)."""
    total = 0
    for one in process_tree(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, 15)
    except ProcessLookupError:
        return


def _is_ready(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: a\r\n\r\n".encode())
            return b" 200 " in connection.recv(100)
    except OSError:
        return False
