"""Lean: what an environment leaves behind before it goes into an image.

`python lean.py ENVIRONMENT`, where the environment is that of the image. Standard library only: it
runs where the image is built.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# What compilers, test runners and curious people read, and nobody else.
UNREAD_FOLDERS = ("tests", "test", "boto3/examples", "pyarrow/include", "pyarrow/src")
UNREAD_FILES = ("*.h", "*.hpp", "*.pxd", "*.pxi", "*.pyi", "*.pyx")
# Arrow's server and client over gRPC: nothing imports them, and no library is linked to them; and
# the second and third copies of libraries, under names that only a linker looks for.
UNUSED_FILES = (
    "pyarrow/*flight*",
    "pyarrow/libarrow_python*.so",
    "pyarrow/libarrow_python*.so.*.*",
)
# The descriptions of Amazon's services, but those that S3 and its logins need.
SERVICES = "botocore/data"
USED_SERVICES = {"s3", "signin", "sso", "sso-oidc", "sts"}
USED_PROGRAMS = ("libelle", "python*")
# Compiled in advance: every module of ours, what they import, and what they import when needed.
PACKAGES = ("libelle", "api")
LATER = ("boto3", "fasttext", "mlflow", "mlflow.artifacts", "nltk.stem.snowball", "s3fs")
SERVER = ("uvicorn", "uvicorn.protocols.http.httptools_impl", "uvloop")

_LIST_IMPORTED = """
import importlib, importlib.util, pkgutil, sys

packages, later = (names.split(",") for names in sys.argv[1:])
found = [importlib.import_module(name) for name in packages]
ours = [
    module.name
    for package in found
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", lambda _: None)
    if not module.name.endswith("__main__")
]
for name in [*ours, *later]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:  # Of an extra that this image has not.
        pass
for module in list(sys.modules.values()):
    path = getattr(module, "__file__", None) or ""
    if path.endswith(".py") and path.startswith(sys.prefix):
        print(path)
"""


def make_lean(environment: Path) -> None:
    """Remove what is not read, then compile what is imported.

    Raises
    ------
    CalledProcessError
        If a module of ours can no longer be imported, for another reason than a missing package.
    """
    (packages,) = environment.glob("lib/python3.*/site-packages")
    for path in [*unread(packages), *unused_programs(environment / "bin")]:
        remove(path)
    strip_symbols(compiled(packages))
    compile_imported(environment)


def unread(packages: Path) -> Iterator[Path]:
    """Find the files and folders that nothing reads once installed."""
    for pattern in (*UNREAD_FOLDERS, *UNREAD_FILES, *UNUSED_FILES):
        yield from packages.rglob(pattern)
    for service in (packages / SERVICES).glob("*/"):
        if service.name not in USED_SERVICES:
            yield service


def unused_programs(folder: Path) -> Iterator[Path]:
    """Find the programs that came with packages."""
    for path in folder.iterdir():
        if not any(path.match(pattern) for pattern in USED_PROGRAMS):
            yield path


def remove(path: Path) -> None:
    """Remove a file, or a folder with what it holds; it may have gone with another one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def compiled(packages: Path) -> list[Path]:
    """Find the compiled modules and libraries, but those that were rewritten to be shipped.

    Tools that gather the libraries of a wheel in a folder `*.libs` move what `strip` relies on.
    """
    found = packages.rglob("*.so*")
    return sorted(path for path in found if not path.parent.name.endswith(".libs"))


def strip_symbols(paths: list[Path]) -> None:
    """Take out of compiled files what only a debugger or a linker reads."""
    subprocess.run(["strip", "--strip-unneeded", *paths], check=True)


def compile_imported(environment: Path) -> None:
    """Compile what is imported, so that no file's date has to be right."""
    python = environment / "bin" / "python"
    names = [",".join(PACKAGES), ",".join([*LATER, *SERVER])]
    listed = subprocess.run(
        [python, "-IB", "-c", _LIST_IMPORTED, *names], check=True, stdout=subprocess.PIPE
    )
    options = ["-qf", "--invalidation-mode", "unchecked-hash", "-i", "-"]
    subprocess.run([python, "-m", "compileall", *options], input=listed.stdout, check=True)


if __name__ == "__main__":
    make_lean(Path(sys.argv[1]))
