"""Fetching: a registered predictor is copied to this machine, and checked."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from libelle.errors import StorageError, TrackingError
from libelle.storage import write_atomically
from libelle.tracking.client import Beat, Watched, connect, within
from libelle.tracking.registry.folders import DATA, MANIFEST, is_intact
from libelle.tracking.registry.versions import (
    DIGEST_TAG,
    aliases_of,
    get_model,
    main_alias,
    parse_uri,
    refuse_missing,
    version_asked,
)

FETCHED = "fetched.json"
GROWTH_SECONDS = 0.1


@dataclass(frozen=True)
class FetchedModel:
    """A predictor folder on this machine, and the version that it is.

    Attributes
    ----------
    path : Path
        The folder that holds `manifest.json`.
    name, version : str
    alias : str or None
        The alias asked for; of a version asked for by number, one that it has.
    digest : str
        SHA-256 of its manifest.
    """

    path: Path
    name: str
    version: str
    alias: str | None
    digest: str


def fetch_model(
    uri: str, *, tracking_uri: str, destination: Path, deadline_seconds: float = 60.0
) -> FetchedModel:
    """Download a registered predictor, unless the same one is there already.

    No code of the artifact runs and nothing of it is unpickled: files are copied, and checked
    against the digest that was registered.

    Parameters
    ----------
    uri : str
        `models:/NAME@ALIAS` or `models:/NAME/3`.
    tracking_uri : str
    destination : Path
        Folder that keeps downloaded models, one folder for each version.
    deadline_seconds : float
        Longest silence of the registry.

    Raises
    ------
    TrackingError
        If the address is wrong; if the model, version or alias does not exist; if the registry
        cannot be reached, is silent for too long, or gives another model than was registered.
    StorageError
        If the destination cannot be written.
    """
    asked = parse_uri(uri)
    refuse_missing(asked, tracking_uri)

    def work(beat: Beat) -> FetchedModel:
        client = connect(tracking_uri)
        registered = get_model(client, asked.name)
        beat()
        version = version_asked(client, registered, asked)
        beat()
        aliases = aliases_of(registered, str(version.version))
        folder, digest = _download(client, version, destination, tracking_uri, beat)
        alias = asked.alias or main_alias(aliases)
        fetched = FetchedModel(folder, asked.name, str(version.version), alias, digest)
        _remember(uri, fetched, destination)
        return fetched

    return within(
        deadline_seconds, work, tracking_uri=tracking_uri, purpose=f"give the model {uri}"
    )


def cached_model(uri: str, *, destination: Path) -> FetchedModel | None:
    """Return what `fetch_model` last gave for an address, without asking the registry.

    For a server that starts while its registry is down: an alias may have moved since.
    """
    asked = parse_uri(uri)
    try:
        facts = json.loads((destination / asked.name / FETCHED).read_bytes())[uri]
        fetched = FetchedModel(**{**facts, "path": destination.absolute() / facts["path"]})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return fetched if is_intact(fetched.path, fetched.digest) else None


def _remember(uri: str, fetched: FetchedModel, destination: Path) -> None:
    path = destination / fetched.name / FETCHED
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError):
        known = {}
    relative = fetched.path.relative_to(destination.absolute()).as_posix()
    facts = {**asdict(fetched), "path": relative}
    if known.get(uri) == facts:
        return
    with write_atomically(path) as stream:
        stream.write(json.dumps({**known, uri: facts}, indent=1, sort_keys=True).encode())


def _download(
    client: Any, version: Any, destination: Path, tracking_uri: str, beat: Beat
) -> tuple[Path, str]:
    """Return the folder of a version and its digest; copy it unless it is there, intact."""
    expected = version.tags.get(DIGEST_TAG)
    folder = destination.absolute() / version.name / f"{version.version}-{(expected or 'any')[:12]}"
    if expected and is_intact(folder, expected):
        return folder, expected
    source = client.get_model_version_download_uri(version.name, version.version)
    beat()
    _refuse_foreign(version, source, tracking_uri)
    beat()
    with _replaced_folder(folder) as temporary:
        _copy_artifacts(source, temporary, tracking_uri, beat)
        digest = _digest_of_download(temporary, version, expected)
    return folder, digest


def _copy_artifacts(source: str, folder: Path, tracking_uri: str, beat: Beat) -> None:
    """Download a folder; as long as it grows, the registry is not silent."""
    with tempfile.TemporaryDirectory(prefix=".download-", dir=folder.parent) as temporary:

        def work(_: Beat) -> str:
            from mlflow.artifacts import download_artifacts

            address = f"{source}/{DATA}"
            path = download_artifacts(address, dst_path=temporary, tracking_uri=tracking_uri)
            return str(path)

        download = Watched(work, tracking_uri=tracking_uri, purpose="give the files of the model")
        download.start()
        n_bytes = 0
        while download.is_alive():
            download.join(GROWTH_SECONDS)
            if (grown := _size_of(Path(temporary))) != n_bytes:
                n_bytes = grown
                beat()
        for path in Path(download.wait(0)).iterdir():
            path.rename(folder / path.name)


def _size_of(folder: Path) -> int:
    n_bytes = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # What is downloaded is renamed when it is whole.
            n_bytes += path.stat().st_size
    return n_bytes


def _refuse_foreign(version: Any, source: str, tracking_uri: str) -> None:
    from mlflow.artifacts import list_artifacts

    files = list_artifacts(artifact_uri=f"{source}/{DATA}", tracking_uri=tracking_uri)
    if MANIFEST not in {Path(file.path).name for file in files}:
        raise TrackingError(
            f"models:/{version.name}/{version.version} holds no {DATA}/{MANIFEST}: it was not made "
            "by libelle. Choose another."
        )


def _digest_of_download(folder: Path, version: Any, expected: str | None) -> str:
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    if expected not in (None, digest):
        raise TrackingError(
            f"models:/{version.name}/{version.version} is not the model that was registered: its "
            f"digest is {digest[:12]}, {str(expected)[:12]} was registered. Its files were "
            "changed: do not use it."
        )
    return digest


@contextmanager
def _replaced_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder that takes the place of `path` when all went well."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise StorageError(f"{path.parent} cannot be written: {error.strerror}.") from error
    try:
        yield temporary
        temporary.chmod(0o755)
        shutil.rmtree(path, ignore_errors=True)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
