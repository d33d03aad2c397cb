"""Environment: with what code, on what machine, a run was made."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import libelle

PACKAGES = (
    "fasttext-community",
    "mlflow",
    "nltk",
    "numba",
    "numpy",
    "optuna",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "unidecode",
)


def describe_environment() -> dict[str, Any]:
    """Return Python, platform, package versions, and the commit when the code is a git clone."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libelle": libelle.__version__,
        "git_commit": git_commit(Path(libelle.__file__).parent),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def git_commit(folder: Path) -> str | None:
    """Return the commit of a clone, with `-dirty` when it was changed since; None elsewhere.

    A package installed in the environment of another project is not that project's code: only a
    folder that git tracks has a commit.
    """
    if not _git(folder, "ls-files", "--", "."):
        return None
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if commit and changed else commit


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
