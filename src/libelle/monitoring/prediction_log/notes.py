"""Notes: small files of a spool, written whole or not at all."""

from pathlib import Path
from typing import Any

import orjson

from libelle.errors import StorageError
from libelle.storage import write_atomically


def read_note(path: Path) -> dict[str, Any]:
    """Return what a note says; nothing if there is none, or none that makes sense."""
    try:
        values = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def write_note(path: Path, values: dict[str, Any]) -> None:
    """Write a note.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    try:
        with write_atomically(path) as stream:
            stream.write(orjson.dumps(values))
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}. Check LIBELLE_SPOOL_PATH and its disk."
        ) from error
