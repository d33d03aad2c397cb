"""Write the two locks from pyproject.toml, the only list of dependencies: `make locks`."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALL, API = ROOT / "locks" / "all.txt", ROOT / "locks" / "api.txt"
HEADER = "# Written by `make locks` from pyproject.toml. Do not edit.\n"


def compile_lock(target: Path, *options: str) -> None:
    """Resolve the dependencies for every supported Python, with hashes and without addresses."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build_backend = "\n".join(project["build-system"]["requires"])
    command = [sys.executable, "-m", "uv", "pip", "compile", "--universal", "--python-version=3.11"]
    command += [
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-header",
        "--no-annotate",
        "--quiet",
    ]
    command += [*options, "pyproject.toml", "-", "--output-file", str(target)]
    subprocess.run(command, check=True, cwd=ROOT, input=build_backend, text=True)
    target.write_text(HEADER + target.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    upgrade = ["--upgrade"] if "--upgrade" in sys.argv else []
    compile_lock(ALL, "--all-extras", *upgrade)
    compile_lock(API, "--extra=api", f"--constraint={ALL}", *upgrade)
