"""Fingerprints: which texts a model has seen, as its run remembers."""

from pathlib import Path
from typing import TYPE_CHECKING

from libelle.cli.registering import tracking_uri
from libelle.settings import Settings

if TYPE_CHECKING:
    from libelle.data.fingerprints import Fingerprints


def find_fingerprints(
    model: str, folder: Path, settings: Settings
) -> "tuple[Fingerprints | None, str]":
    """Return what recognises the texts that a model has seen; None, and why, when nothing does.

    Raises
    ------
    DataError
        If they are damaged, or of another version of the split keys.
    """
    from libelle.data.fingerprints import Fingerprints
    from libelle.errors import TrackingError
    from libelle.tracking.registry import fetch_run_file
    from libelle.training.pipeline import FINGERPRINTS

    beside = folder.parent / "artifacts" / FINGERPRINTS
    content, why = None, "no run is known"
    if model.startswith("models:/"):
        try:
            content = fetch_run_file(model, FINGERPRINTS, tracking_uri=tracking_uri(settings))
            why = "its run has no such record"
        except TrackingError as error:
            why = str(error)
    elif beside.is_file():
        content = beside.read_bytes()
    return (None, why) if content is None else (Fingerprints.from_bytes(content), "")
