"""Run files: what the run of a registered version keeps beside the model."""

import tempfile
from pathlib import Path
from typing import Any

from libelle.tracking.client import Beat, connect, within
from libelle.tracking.registry.versions import (
    DIGEST_TAG,
    ROOT_TAG,
    get_model,
    parse_uri,
    refuse_missing,
    search_versions,
    version_asked,
)


def fetch_run_files(
    uri: str, name: str, *, tracking_uri: str, deadline_seconds: float = 60.0
) -> list[bytes | None]:
    """Return a file of the run of a version, then of those made from the same training.

    Versions that were certified again on other texts share their classifier: what one has seen,
    none of them may be certified on.

    Parameters
    ----------
    uri : str
        `models:/NAME@ALIAS` or `models:/NAME/3`.
    name : str
        Of the artifact.
    tracking_uri : str
    deadline_seconds : float
        Longest silence of the server.

    Returns
    -------
    list of bytes or None
        None for a run that has no such file; the one of the version itself comes first.

    Raises
    ------
    TrackingError
        If there is no such version, or the server cannot be reached.
    """
    asked = parse_uri(uri)
    refuse_missing(asked, tracking_uri)

    def work(beat: Beat) -> list[bytes | None]:
        client = connect(tracking_uri)
        version = version_asked(client, get_model(client, asked.name), asked)
        beat()
        relatives = [
            one
            for one in search_versions(client, asked.name)
            if one.version != version.version and _root(one) == _root(version)
        ]
        beat()
        return [_read(client, one, name, beat) for one in [version, *relatives]]

    purpose = f"give {name} of the run of {uri}"
    return within(deadline_seconds, work, tracking_uri=tracking_uri, purpose=purpose)


def _root(version: Any) -> str | None:
    root: str | None = version.tags.get(ROOT_TAG) or version.tags.get(DIGEST_TAG)
    return root


def _read(client: Any, version: Any, name: str, beat: Beat) -> bytes | None:
    if not version.run_id:
        return None
    names = {file.path for file in client.list_artifacts(version.run_id)}
    beat()
    if name not in names:
        return None
    with tempfile.TemporaryDirectory(prefix="libelle-") as folder:
        content = Path(client.download_artifacts(version.run_id, name, folder)).read_bytes()
    beat()
    return content
