"""Folders: what a predictor folder says of itself, without loading it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from libelle.errors import ModelError

MANIFEST, DATA = "manifest.json", "predictor"


def read_manifest(folder: Path) -> tuple[Mapping[str, Any], str]:
    """Return the manifest of a predictor folder, and its digest.

    Raises
    ------
    ModelError
        If the folder holds none.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
        manifest: Mapping[str, Any] = json.loads(content)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{folder} holds no model: {MANIFEST} cannot be read. Give a model folder."
        ) from error
    return manifest, hashlib.sha256(content).hexdigest()


def is_intact(folder: Path, digest: str) -> bool:
    """Tell whether a downloaded folder is whole: a damaged one is downloaded again."""
    try:
        manifest, found = read_manifest(folder)
        return found == digest and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == file["sha256"]
            for name, file in manifest["files"].items()
        )
    except (ModelError, OSError, KeyError, TypeError):
        return False
