"""Run files: what the run of a registered version keeps beside the model."""

import tempfile
from pathlib import Path

from libelle.tracking.client import Beat, connect, within
from libelle.tracking.registry.versions import (
    get_model,
    parse_uri,
    refuse_missing,
    version_asked,
)


def fetch_run_file(
    uri: str, name: str, *, tracking_uri: str, deadline_seconds: float = 60.0
) -> bytes | None:
    """Return a file of the run that a version comes from; None if the run has no such file.

    Parameters
    ----------
    uri : str
        `models:/NAME@ALIAS` or `models:/NAME/3`.
    name : str
        Of the artifact.
    tracking_uri : str
    deadline_seconds : float
        Longest silence of the server.

    Raises
    ------
    TrackingError
        If there is no such version, or the server cannot be reached.
    """
    asked = parse_uri(uri)
    refuse_missing(asked, tracking_uri)

    def work(beat: Beat) -> bytes | None:
        client = connect(tracking_uri)
        version = version_asked(client, get_model(client, asked.name), asked)
        beat()
        if not version.run_id or name not in {
            file.path for file in client.list_artifacts(version.run_id)
        }:
            return None
        beat()
        with tempfile.TemporaryDirectory(prefix="libelle-") as folder:
            return Path(client.download_artifacts(version.run_id, name, folder)).read_bytes()

    purpose = f"give {name} of the run of {uri}"
    return within(deadline_seconds, work, tracking_uri=tracking_uri, purpose=purpose)
