"""Examples: a small TOML file that says where a public set stands, and what its columns are."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from libelle.errors import DataError
from libelle.storage import (
    DEFAULT_OPTIONS,
    StorageOptions,
    is_remote,
    local_path,
    open_binary,
    redact,
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where coded texts stand, and the columns to read.

    Attributes
    ----------
    address : str
        Path or URI of the table.
    text : tuple of str
        Columns of the text, joined by " : " when there are several.
    code, date, group : str or None
        Columns of the code, of the date, and of what must stay together.
    sha256 : str or None
        Digest that the file must have.
    delimiter, sheet : str or None
        Of a CSV file; of a workbook.
    name, licence, publisher, description : str
        For the reader.
    """

    address: str
    text: tuple[str, ...] = ()
    code: str | None = None
    date: str | None = None
    group: str | None = None
    sha256: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    name: str = ""
    licence: str = ""
    publisher: str = ""
    description: str = ""

    @classmethod
    def from_toml(cls, content: str, *, origin: str | Path) -> Self:
        """Read a source from the text of a TOML file; `origin` is where that file stands.

        Raises
        ------
        DataError
            If it is not TOML, or if a key is unknown, missing, or of a wrong type.
        """
        shown = redact(origin)
        try:
            values: dict[str, Any] = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            raise DataError(f"{shown} is not TOML: {error}.") from error
        known = {field.name for field in fields(cls)}
        for key, value in values.items():
            if key not in known:
                raise DataError(f"{shown}: unknown key {key!r}. Keys: {', '.join(sorted(known))}.")
            _refuse_wrong_type(key, value, shown)
        if not values.get("address"):
            raise DataError(f"{shown} has no address. Add: address = 'https://…'.")
        text = values.pop("text", [])
        columns = (text,) if isinstance(text, str) else tuple(text)
        values["address"] = _beside(values["address"], origin)
        return cls(**{"name": local_path(origin).stem} | values | {"text": columns})


def is_example(uri: str | Path) -> bool:
    """Tell whether an address is that of a `.toml` rather than of a table."""
    return str(uri).endswith(".toml")


def read_source(uri: str | Path, options: StorageOptions = DEFAULT_OPTIONS) -> Source:
    """Return the source that a `.toml` describes; any other address is a source of its own.

    Raises
    ------
    StorageError
        If the `.toml` cannot be read.
    DataError
        If it is not as `Source.from_toml` wants.
    """
    if not is_example(uri):
        return Source(address=str(uri), name=_stem(uri))
    with open_binary(uri, options) as stream:
        return Source.from_toml(stream.read().decode("utf-8", "replace"), origin=uri)


def _refuse_wrong_type(key: str, value: Any, shown: str) -> None:
    texts = value if key == "text" and isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise DataError(f"{shown}: {key} must be a text, between quotation marks.")


def _beside(address: str, origin: str | Path) -> str:
    """Return an address; a relative one starts from the folder of the file that names it."""
    if is_remote(address) or is_remote(origin):
        return address
    return str(local_path(origin).parent / local_path(address))


def _stem(uri: str | Path) -> str:
    """Return the name of a file without its folder nor its suffixes."""
    return redact(uri).rstrip("/").rpartition("/")[2].partition(".")[0] or "data"
