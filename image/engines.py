"""Engines: docker, podman or buildah, whichever is there, with the options that it needs here."""

import json
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PROGRAMS = ("docker", "podman", "buildah")
MAX_LIMIT = 4096


class ImageError(Exception):
    """An image that cannot be built or tried, and what to do about it."""


@dataclass(frozen=True)
class Engine:
    """A program that builds images, and runs them unless it is buildah.

    Attributes
    ----------
    program : str
    build_options, global_options, run_options : tuple of str
        What this machine needs: on most, nothing.
    """

    program: str
    build_options: tuple[str, ...] = ()
    global_options: tuple[str, ...] = ()
    run_options: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        """Tell whether it runs what it builds."""
        return self.program != "buildah"

    def call(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the engine, its output kept unless said otherwise."""
        command = [self.program, *self.global_options, *arguments]
        return subprocess.run(command, text=True, **({"capture_output": True} | options))

    def tell(self, *arguments: str, **options: Any) -> str:
        """Run the engine and return what it prints.

        Raises
        ------
        ImageError
            If it fails.
        """
        finished = self.call(*arguments, **options)
        if finished.returncode != 0:
            why = (finished.stderr or "see above").strip().splitlines()[-1:]
            said = " ".join(why) or f"exit code {finished.returncode}"
            raise ImageError(f"{self.program} {arguments[0]}: {said}")
        return (finished.stdout or "").strip()

    def has(self, image: str) -> bool:
        """Tell whether an image is here."""
        return self.call("inspect", "--type=image", image).returncode == 0

    def inspect(self, image: str) -> dict[str, Any]:
        """Return what an image says of itself."""
        told = json.loads(self.tell("inspect", "--type=image", image))
        return dict(told[0] if isinstance(told, list) else told)


def find_engine() -> Engine:
    """Return the first engine that works here.

    Raises
    ------
    ImageError
        If there is none.
    """
    for program in PROGRAMS:
        if shutil.which(program) and Engine(program).call("info").returncode == 0:
            return Engine(program)
    raise ImageError("No docker, podman or buildah works here: install one of them.")


def fitted(engine: Engine, base: str) -> Engine:
    """Return the engine with the options that it needs here, tried on an image.

    Raises
    ------
    ImageError
        If none of the ways to build, or to run, works.
    """
    for ready in _ways_to_build(engine):
        if _builds(ready, base):
            break
    else:
        raise ImageError(f"{engine.program} builds nothing here: see `{engine.program} info`.")
    if not engine.runs:
        return ready
    for way in _ways_to_run(ready):
        if way.call("run", *ISOLATED, *way.run_options, "--rm", base, "true").returncode == 0:
            return way
    raise ImageError(f"{engine.program} builds but runs nothing here.")


# As a cluster runs it: nothing to write but a temporary folder, no right, no network.
ISOLATED = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--network=none",
)


def _ways_to_build(engine: Engine) -> Iterator[Engine]:
    yield engine
    if engine.program != "docker":  # Inside another container, where none can be nested.
        yield replace(engine, build_options=("--isolation=chroot", "--network=host"))


def _builds(engine: Engine, base: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="libelle-") as folder:
        (Path(folder) / "Dockerfile").write_text(f"FROM {base}\nRUN true\n", encoding="utf-8")
        built = engine.call("build", *engine.build_options, "--no-cache", "--quiet", folder)
    if built.returncode == 0:
        engine.call("rmi", *built.stdout.split()[-1:])
    return built.returncode == 0


def _ways_to_run(engine: Engine) -> Iterator[Engine]:
    yield engine
    yield replace(engine, run_options=_limits())
    if engine.program == "podman" and shutil.which("runc"):
        yield replace(engine, global_options=("--runtime=runc",))
        yield replace(engine, global_options=("--runtime=runc",), run_options=_limits())


def _limits() -> tuple[str, ...]:
    """Ask for no more files and processes than we may have ourselves."""
    numbers = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    asked = []
    for name, number in numbers.items():
        _, most = resource.getrlimit(number)
        limit = MAX_LIMIT if most == resource.RLIM_INFINITY else min(most, MAX_LIMIT)
        asked.append(f"--ulimit={name}={limit}:{limit}")
    return tuple(asked)
