"""Trying: an image run as a cluster runs it, asked, then stopped."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image.engines import ISOLATED, Engine, ImageError

USER = 10001
START_SECONDS, STOP_SECONDS = 60, 45
_ASK = """
import json, sys, urllib.error, urllib.request

address, body = sys.argv[1], sys.argv[2].encode() or None
request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=10).read().decode())
"""


@dataclass(frozen=True)
class Container:
    """A container that runs, seen from outside."""

    engine: Engine
    name: str

    def execute(self, *command: str) -> str:
        """Run a command inside and return what it prints."""
        return self.engine.tell("exec", self.name, *command)

    def fails(self, *command: str) -> bool:
        """Tell whether a command fails inside."""
        return self.engine.call("exec", self.name, *command).returncode != 0

    def ask(self, port: int, path: str, body: Any = None) -> str:
        """Ask the service, from inside: there is no network."""
        content = "" if body is None else json.dumps(body)
        return self.execute("python", "-c", _ASK, f"http://127.0.0.1:{port}{path}", content)

    def wait_for(self, port: int, path: str) -> str:
        """Ask until there is an answer."""
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.ask(port, path)
            except ImageError:
                if time.monotonic() > until or not self.running:
                    raise ImageError(f"No answer at {path}. {self.log()}") from None
                time.sleep(0.5)

    @property
    def running(self) -> bool:
        """Tell whether it still runs."""
        state = self.engine.tell("inspect", "--format={{.State.Running}}", self.name)
        return state == "true"

    def log(self) -> str:
        """Return what it said."""
        logged = self.engine.call("logs", self.name)
        return logged.stdout + logged.stderr

    def stop(self) -> int:
        """Ask it to stop, by the signal that the image names, and return its exit code."""
        self.engine.tell("stop", f"--time={STOP_SECONDS}", self.name)
        return int(self.engine.tell("inspect", "--format={{.State.ExitCode}}", self.name))


@contextmanager
def running(
    engine: Engine, image: str, options: Sequence[str] = (), command: Sequence[str] = ()
) -> Iterator[Container]:
    """Run an image as a cluster does, then remove what is left of it."""
    started = engine.tell(
        *("run", "--detach", "--no-healthcheck", *ISOLATED, *engine.run_options),
        *(*options, image, *command),
    )
    container = Container(engine, started.splitlines()[-1])
    try:
        yield container
    finally:
        engine.call("rm", "--force", container.name)


def check(condition: bool, complaint: str) -> None:
    """Refuse an image."""
    if not condition:
        raise ImageError(complaint)


def try_api(engine: Engine, image: str, model: Path) -> None:
    """See that the service answers from a folder, without network, as nobody, then drains.

    Raises
    ------
    ImageError
        If one thing is not as it should be.
    """
    options = [f"--volume={model}:/model:ro", "--env=LIBELLE_AUTH=none"]
    with running(engine, image, options) as container:
        ready = json.loads(container.wait_for(8000, "/health/ready"))
        check(ready["status"] == "ready", f"The service is not ready: {ready}")
        answer = json.loads(container.ask(8000, "/v1/predict", {"text": "nid de poule"}))
        check(bool(answer["candidates"]), f"No candidate: {answer}")
        check("libelle_" in container.ask(9100, "/metrics"), "No metrics on port 9100.")
        _try_confinement(container)
        _try_health(container, image)
        check(container.stop() == 0, f"The service did not stop well. {container.log()}")


def try_dashboard(engine: Engine, image: str) -> None:
    """See that the pages come, from a read-only image, and that it stops.

    Raises
    ------
    ImageError
        If one thing is not as it should be.
    """
    with running(engine, image, ["--env=LIBELLE_AUTH=none"]) as container:
        check("<html" in container.wait_for(8001, "/"), "The dashboard shows no page.")
        _try_confinement(container)
        _try_health(container, image)
        check(container.stop() == 0, f"The dashboard did not stop well. {container.log()}")


def train_in(engine: Engine, image: str, home: Path) -> Path:
    """Train on the demonstration corpus inside the image, and return the folder of the model.

    Raises
    ------
    ImageError
        If it fails.
    """
    home.chmod(0o777)  # Whoever the user of the image is on this machine.
    options = [*ISOLATED, *engine.run_options, "--no-healthcheck", "--rm"]
    options.append(f"--volume={home}:/var/lib/libelle")
    engine.tell("run", *options, image, "demo", "data", "demo.csv", "--texts", "3000")
    columns = ["demo.csv", "--text", "text", "--code", "code"]
    engine.tell("run", *options, image, "train", *columns, "--trials", "2", "--folds", "2")
    (model,) = home.glob("results/*/model")
    return model


def _try_confinement(container: Container) -> None:
    check(container.execute("id", "-u") == str(USER), "The service is not user 10001.")
    check(container.fails("touch", "/written"), "The image can be written.")
    check(container.fails("pip", "--version"), "pip is in the image.")


def _try_health(container: Container, image: str) -> None:
    """Run the health check of the image, which the engine is told not to run by itself."""
    told = container.engine.inspect(image)
    checked = told["Config"].get("Healthcheck") or told["Healthcheck"]  # Of docker, of podman.
    kind, *command = checked["Test"]
    check(kind == "CMD", "The health check goes through a shell.")
    container.execute(*command)
