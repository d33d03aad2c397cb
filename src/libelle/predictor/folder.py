"""Folder: the files of a model, whole or not at all, each one checked before it is parsed."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libelle.data.strings import pack_strings, unpack_strings
from libelle.errors import ModelError, StorageError

FORMAT_VERSION = 2
READABLE_FORMATS = (1, 2)
MANIFEST, PROVENANCE, GOLDEN = "manifest.json", "provenance.json", "golden.json"
# Tells a manifest that was damaged; only a pinned digest tells one that was changed on purpose.
MANIFEST_DIGEST = "manifest.sha256"
MAX_MANIFEST_BYTES = 64 * 2**20


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes `path` when all went well, and vanishes otherwise."""
    if path.exists():
        raise StorageError(f"{path} exists already: a model is never written over. Choose another.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield folder
            folder.chmod(0o755)
            folder.replace(path)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        # NumPy says how many bytes were written, and not that no more could be.
        why = error.strerror or "no space is left on the disk"
        raise StorageError(
            f"The model could not be written to {path}: {why}. "
            "Nothing was left there; free some space or choose another folder."
        ) from error


def write_json(path: Path, value: Any) -> str:
    """Write JSON, the same bytes for the same value, and return their SHA-256."""
    content = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(content + "\n", encoding="utf-8", newline="\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Write the manifest of a folder, note its SHA-256 beside it, and return it."""
    digest = write_json(folder / MANIFEST, manifest)
    (folder / MANIFEST_DIGEST).write_text(f"{digest}\n", encoding="ascii")
    return digest


def write_blob(path: Path, content: Path | bytes) -> None:
    """Write the bytes given, or those of another file."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        shutil.copyfile(content, path)


def fingerprint_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what a manifest says of each file: its SHA-256 and its size."""
    return {
        path.name: {"sha256": _sha256(path), "n_bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_folder(path: Path) -> Path:
    """Return the folder of a model: the one given, or `predictor/` in an MLflow model."""
    for folder in (path, path / "predictor"):
        if (folder / MANIFEST).is_file():
            return folder
    raise ModelError(
        f"{path} holds no model: {MANIFEST} is not there. "
        "Give a model folder, or an MLflow model made by libelle."
    )


def read_digest(folder: Path) -> str:
    """Return the identity of the model of a folder; nothing is parsed, nor trusted."""
    return _sha256(folder / MANIFEST)


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """Return the manifest of a folder and its SHA-256, which is the identity of the model."""
    path = folder / MANIFEST
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise ModelError(f"{path} is larger than any manifest: this is not a model of libelle.")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    noted = folder / MANIFEST_DIGEST
    if noted.is_file() and noted.read_bytes().strip() != digest.encode():
        raise ModelError(
            f"{path} is not the manifest that was written (SHA-256 differs). "
            "It was damaged or changed: download the model again."
        )
    try:
        manifest = json.loads(content)
        version, files = manifest["format_version"], manifest["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is not a manifest: the file is damaged.") from error
    if version not in READABLE_FORMATS:
        raise ModelError(
            f"{path} has format {version}; this version of libelle reads "
            f"{', '.join(map(str, READABLE_FORMATS))}. Install the version that made it: "
            f"{manifest.get('package_version', 'unknown')}."
        )
    if not isinstance(files, dict):
        raise ModelError(f"{path} is not a manifest: the file is damaged.")
    return manifest, digest


def check_files(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a folder that is not, byte for byte, what its manifest says."""
    present = {path.name for path in folder.iterdir()} - {MANIFEST, MANIFEST_DIGEST, PROVENANCE}
    if strangers := sorted(present - set(files)):
        raise ModelError(f"{folder} holds files that its manifest does not name: {strangers}.")
    if missing := sorted(set(files) - present):
        raise ModelError(f"{folder} lacks files of its manifest: {missing}. Download it again.")
    for name, expected in files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file() or _sha256(path) != expected["sha256"]:
            raise ModelError(
                f"{path} is not the file that the manifest names (SHA-256 differs). "
                "It was damaged or changed: download the model again."
            )


def check_named(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse parts whose files were not checked: a name may not lead out of the folder."""
    parts = [f"{name}.npy" for name in manifest["arrays"]] + list(manifest["blobs"]) + [GOLDEN]
    for name in manifest["strings"]:
        parts += [f"{name}.utf8.npy", f"{name}.offsets.npy"]
    if strangers := sorted(set(parts) - set(manifest["files"])):
        raise ModelError(f"{folder}: the manifest uses files that it does not list: {strangers}.")


def read_provenance(folder: Path) -> dict[str, Any]:
    """Return what varies between two identical trainings; nothing where it cannot be read."""
    path = folder / PROVENANCE
    try:
        provenance: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return provenance


def write_array(folder: Path, name: str, array: NDArray[Any]) -> None:
    """Write an array as it lies in memory."""
    np.save(folder / f"{name}.npy", array, allow_pickle=False)


def read_array(folder: Path, name: str) -> NDArray[Any]:
    """Map an array into memory, so that several processes share it."""
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))


def write_strings(folder: Path, name: str, strings: Sequence[str]) -> None:
    """Write strings as one UTF-8 blob, and where each one begins."""
    blob, offsets = pack_strings(strings)
    np.save(folder / f"{name}.utf8.npy", blob, allow_pickle=False)
    np.save(folder / f"{name}.offsets.npy", offsets, allow_pickle=False)


def read_strings(folder: Path, name: str) -> tuple[str, ...]:
    """Return what `write_strings` wrote."""
    blob = np.load(folder / f"{name}.utf8.npy", allow_pickle=False)
    return unpack_strings(blob, np.load(folder / f"{name}.offsets.npy", allow_pickle=False))
