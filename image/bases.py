"""Bases: the image that ours stand on, or a stand-in where it is out of reach."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from image.engines import Engine, ImageError

ROOT = Path(__file__).resolve().parent.parent
SUITE = "bookworm"
STAND_IN = f"localhost/libelle-base:{SUITE}"
PULL_SECONDS = 300
STAND_IN_BYTES = 1_000_000_000


def named_base() -> str:
    """Return the base that the Dockerfile names."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (name,) = re.findall(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    return f"docker.io/library/{name}"


def find_base(engine: Engine) -> str:
    """Return a base that is here: the one that the Dockerfile names, or else a stand-in.

    Raises
    ------
    ImageError
        If there is neither.
    """
    name = named_base()
    if engine.has(name) or _pull(engine, name):
        return name
    if not engine.has(STAND_IN):
        _make_stand_in(engine, instead_of=name)
    return STAND_IN


def _pull(engine: Engine, name: str) -> bool:
    try:
        return engine.call("pull", name, timeout=PULL_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _make_stand_in(engine: Engine, *, instead_of: str) -> None:
    """Make an image of Debian's own packages: the same system, with Debian's Python."""
    if not shutil.which("mmdebstrap") or os.geteuid() != 0:
        raise ImageError(
            f"{instead_of} is neither here nor to be pulled. As root with Debian's package "
            "mmdebstrap, an image that stands in for it would be made."
        )
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > STAND_IN_BYTES
    with tempfile.TemporaryDirectory(prefix="libelle-", dir=memory if roomy else None) as folder:
        archive = Path(folder) / "base.tar"
        command = ["mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io"]
        command += ["--include=ca-certificates,python3,python3-venv"]
        command += ['--customize-hook=ln -s /usr/bin/python3 "$1/usr/local/bin/python"']
        finished = subprocess.run(
            [*command, SUITE, str(archive), *_package_sources()],
            env=os.environ | {"TMPDIR": folder},
            capture_output=True,
            text=True,
        )
        if finished.returncode != 0:
            raise ImageError(f"mmdebstrap: {finished.stderr.strip().splitlines()[-1]}")
        if engine.runs:
            engine.tell("import", str(archive), STAND_IN)
        else:
            container = engine.tell("from", "scratch")
            engine.tell("add", container, str(archive), "/")
            engine.tell("commit", "--rm", container, STAND_IN)


def _package_sources() -> list[str]:
    """Return where this machine takes the packages of the suite from; by default, Debian's own."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]
    targets = subprocess.run([*asked, "Created-By: Packages"], capture_output=True, text=True)
    uses = (line.split() for line in targets.stdout.splitlines())
    return [uri for uri, release, component in uses if (release, component) == (SUITE, "main")][:1]
