"""Published: small JSON documents that one process writes, and that others look up."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from libelle.errors import DataError
from libelle.storage import (
    DEFAULT_OPTIONS,
    StorageOptions,
    open_binary,
    redact,
    write_atomically,
)

MOST_BYTES = 2**20
SHORT_CHARACTERS = 100

Content = TypeVar("Content")


@dataclass(frozen=True)
class DocumentKind:
    """How a kind of document is spoken of when it is refused.

    Attributes
    ----------
    noun : str
        `verdict`, for instance.
    command : str
        What writes one.
    """

    noun: str
    command: str

    def refusal(self, why: str) -> DataError:
        """Return the error that says why a document is not one."""
        return DataError(f"{why}: write it again with `{self.command}`.")

    def check_fields(
        self,
        document: Mapping[str, Any],
        *,
        names: set[str],
        is_valid: Callable[[str, Any], bool],
    ) -> None:
        """Refuse a document that has not these fields, or has wrong values of them.

        Raises
        ------
        DataError
            Which names them.
        """
        if wrong := sorted(names ^ set(document)):
            raise self.refusal(f"The {self.noun} lacks, or has beside its own, the fields {wrong}")
        for name in sorted(names):
            if not is_valid(name, document[name]):
                raise self.refusal(f"The {self.noun} has a wrong value of {name!r}")


def is_short(value: Any) -> bool:
    """Tell whether a value is a short line: a service keeps many of them in little memory."""
    return isinstance(value, str) and len(value) <= SHORT_CHARACTERS and value.isprintable()


def write_document(
    content: Mapping[str, Any], uri: str | Path, *, options: StorageOptions = DEFAULT_OPTIONS
) -> None:
    """Write a document, whole or not at all.

    Raises
    ------
    StorageError
        If the place cannot be written: what stood there still stands.
    """
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    with write_atomically(uri, options) as stream:
        stream.write(f"{text}\n".encode())


def read_document(
    uri: str | Path,
    read: Callable[[Any], Content],
    *,
    kind: DocumentKind,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> Content:
    """Read what `write_document` wrote.

    Parameters
    ----------
    uri : str or Path
    read : callable
        Takes the JSON values; raises a `DataError` when they are not those of a document.
    kind : DocumentKind
    options : StorageOptions

    Raises
    ------
    DataError
        If it is not such a document.
    StorageError
        If it cannot be read.
    """
    with open_binary(uri, options) as stream:
        content = stream.read(MOST_BYTES + 1)
    try:
        if len(content) > MOST_BYTES:
            raise kind.refusal(f"It is larger than any {kind.noun}")
        return read(json.loads(content))
    except DataError as error:
        raise DataError(f"{redact(uri)}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{redact(uri)}: {kind.refusal('this is not JSON')}") from error
