"""Building: one of the images of the Dockerfile, the same each time."""

import tempfile
from pathlib import Path

from image.access import access_options
from image.bases import ROOT
from image.engines import Engine

TARGETS = ("api", "train", "dashboard")


def build(engine: Engine, target: str, *, base: str, cached: bool = True) -> str:
    """Build an image and return its name; what the engine says is shown.

    Parameters
    ----------
    engine : Engine
    target : str
        One of `TARGETS`.
    base : str
        Image to stand on.
    cached : bool
        Use what each line of the Dockerfile made the time before, where nothing changed.

    Raises
    ------
    ImageError
        If the engine fails.
    """
    image = f"libelle:{target}" if engine.program == "docker" else f"localhost/libelle:{target}"
    with tempfile.TemporaryDirectory(prefix="libelle-") as folder:
        options = [f"--build-arg=BASE={base}", f"--target={target}", f"--tag={image}"]
        options += access_options(engine, Path(folder))
        if engine.program != "docker":
            options += ["--format=docker", "--pull=never", "--timestamp=0", "--layers"]
        if not cached:
            options.append("--no-cache")
        engine.tell("build", *engine.build_options, *options, str(ROOT), capture_output=False)
    return image


def added_bytes(engine: Engine, image: str, *, base: str) -> int:
    """Return how much larger an image is than its base."""
    sizes = [int(engine.inspect(name)["Size"]) for name in (image, base)]
    return sizes[0] - sizes[1]
