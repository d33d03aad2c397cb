"""Access: how pip and apt, while an image is built, reach what they reach on this machine.

It goes along as options of the build and stays in no layer.
"""

import ast
import subprocess
import sys
from pathlib import Path

from image.engines import Engine

AUTHORITIES = Path("/etc/ssl/certs")
USED = {"index-url", "extra-index-url", "trusted-host", "proxy", "cert", "default-timeout"}


def access_options(engine: Engine, folder: Path) -> list[str]:
    """Return options of the build, with the file that they name written in a folder.

    docker has no such option: it builds with the network that its daemon has.
    """
    if engine.program == "docker" or not (settings := pip_settings()):
        return []
    written = folder / "pip.conf"
    lines = [f"{name} = {value}" for name, value in settings.items()]
    written.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
    options = [f"--volume={written}:/etc/pip.conf:ro"]
    if AUTHORITIES in Path(settings.get("cert", "")).parents:
        options.append(f"--volume={AUTHORITIES}:{AUTHORITIES}:ro")
    return options


def pip_settings() -> dict[str, str]:
    """Return what pip is told here of the package index, files of this machine left out."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True
    )
    settings = {}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        name, value = name.rpartition(".")[2], ast.literal_eval(value)
        if name in USED and "file:" not in value:
            settings[name] = " ".join(value.split())
    return settings
