"""Build the images and try them: `make image`, or `python -m image --target api --model FOLDER`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from image.bases import find_base
from image.building import TARGETS, added_bytes, build
from image.engines import Engine, ImageError, find_engine, fitted
from image.trying import train_in, try_api, try_dashboard


def main() -> None:
    """Build and try what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m image", description=__doc__)
    parser.add_argument("--target", action="append", choices=TARGETS, help="all by default")
    parser.add_argument("--model", type=Path, help="folder that the API serves; trained if absent")
    parser.add_argument("--base", action="store_true", help="find what images stand on, and stop")
    arguments = parser.parse_args()
    try:
        engine = find_engine()
        base = find_base(engine)
        say(f"The images stand on {base}")
        if not arguments.base:
            make(fitted(engine, base), base, arguments.target or TARGETS, arguments.model)
    except ImageError as error:
        sys.exit(f"Error: {error}")


def make(engine: Engine, base: str, targets: Sequence[str], model: Path | None) -> None:
    """Build images on a base, and try those that can be."""
    say(f"Building with {engine.program}")
    images = {target: build(engine, target, base=base) for target in targets}
    if not engine.runs:
        say("Built. buildah runs no image: install podman or docker to try them.")
    else:
        for image in images.values():
            say(f"{image}: {added_bytes(engine, image, base=base) / 1e6:.0f} MB on its base")
        try_all(engine, images, model)


def try_all(engine: Engine, images: dict[str, str], model: Path | None) -> None:
    """Try images; the model that the API serves is the one given, or one that the image trains."""
    with tempfile.TemporaryDirectory(prefix="libelle-") as folder:
        if "train" in images:
            trained = train_in(engine, images["train"], Path(folder))
            say("train: a model was trained on the demonstration corpus")
            model = model or trained
        if "dashboard" in images:
            try_dashboard(engine, images["dashboard"])
            say("dashboard: pages shown without rights, stopped, exit 0")
        if "api" in images and model:
            try_api(engine, images["api"], model)
            say("api: a text answered without network nor rights, drained, exit 0")
        elif "api" in images:
            say("api: not tried, for want of a model: name one with --model")


def say(sentence: str) -> None:
    """Say where things are."""
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
