"""Write the locks from pyproject.toml, the only list of dependencies: `make locks`."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "locks"
ALL, BUILD = LOCKS / "all.txt", LOCKS / "build.txt"
# What each image installs, and nothing else: the extras of its lock.
IMAGES = {
    "api": ("api",),
    "dashboard": ("dashboard",),
    "train": ("train", "report"),
}
HEADER = "# Written by `make locks` from pyproject.toml. Do not edit.\n"


def compile_lock(target: Path, *options: str, requirements: str = "") -> None:
    """Resolve the dependencies for every supported Python, with hashes and without addresses."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--universal", "--python-version=3.11"]
    command += [
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-header",
        "--no-annotate",
        "--quiet",
    ]
    command += [*options, "-", "--output-file", str(target)]
    subprocess.run(command, check=True, cwd=ROOT, input=requirements, text=True)
    target.write_text(HEADER + target.read_text(encoding="utf-8"), encoding="utf-8")


def build_backend() -> str:
    """Return what builds the wheel, one requirement a line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return "\n".join(project["build-system"]["requires"])


if __name__ == "__main__":
    upgrade = ["--upgrade"] if "--upgrade" in sys.argv else []
    same = [f"--constraint={ALL}", *upgrade]
    compile_lock(ALL, "pyproject.toml", "--all-extras", *upgrade, requirements=build_backend())
    compile_lock(BUILD, *same, requirements=build_backend())
    for image, extras in IMAGES.items():
        chosen = [f"--extra={extra}" for extra in extras]
        compile_lock(LOCKS / f"{image}.txt", "pyproject.toml", *chosen, *same)
