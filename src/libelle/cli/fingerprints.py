"""Fingerprints: which texts a model has seen, as its run remembers."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from libelle.cli.registering import tracking_uri
from libelle.settings import Settings

if TYPE_CHECKING:
    from libelle.data.fingerprints import Fingerprints


@dataclass(frozen=True)
class Seen:
    """What is known of the texts that a model has seen; a container of their split keys.

    Attributes
    ----------
    own : Fingerprints
        Of the version itself.
    relatives : tuple of Fingerprints
        Of the versions made from the same training.
    """

    own: "Fingerprints"
    relatives: "tuple[Fingerprints, ...]" = ()

    def __contains__(self, key: object) -> bool:
        return any(key in prints for prints in (self.own, *self.relatives))

    @property
    def complete(self) -> bool:
        """Tell whether no other text may have been seen."""
        return all(prints.complete for prints in (self.own, *self.relatives))


def find_seen(model: str, folder: Path, settings: Settings) -> tuple[Seen | None, str]:
    """Return what recognises the texts that a model has seen; None, and why, when nothing does.

    Raises
    ------
    DataError
        If it is damaged, or of another version of the split keys.
    """
    from libelle.data.fingerprints import Fingerprints
    from libelle.errors import TrackingError
    from libelle.tracking.registry import fetch_run_files
    from libelle.training.pipeline import FINGERPRINTS

    beside = folder.parent / "artifacts" / FINGERPRINTS
    contents: list[bytes | None] = []
    why = "no run is known"
    if model.startswith("models:/"):
        try:
            contents = fetch_run_files(model, FINGERPRINTS, tracking_uri=tracking_uri(settings))
            why = "its run has no such record"
        except TrackingError as error:
            why = str(error)
    elif beside.is_file():
        contents = [beside.read_bytes()]
    if not contents or contents[0] is None:
        return None, why
    own, *others = [Fingerprints.from_bytes(one) for one in contents if one is not None]
    return Seen(own, tuple(others)), ""
