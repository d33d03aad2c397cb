"""Scalars: the values of a YAML text, replaced one by one; no other character changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from libelle.errors import DataError, MissingPackageError

Key = str | int
Keys = tuple[Key, ...]


@dataclass(frozen=True)
class Scalar:
    """A text value and where it stands.

    Attributes
    ----------
    keys : tuple of str or int
        The way to it: names in mappings, places in lists.
    value : str
    start, end : int
        Its characters, quotes included.
    quote : str
        `"`, `'` or nothing.
    """

    keys: Keys
    value: str
    start: int
    end: int
    quote: str


class YamlText:
    """A YAML document as it is written.

    Parameters
    ----------
    text : str
    name : str
        Of the file, for messages.

    Raises
    ------
    DataError
        If it is not one YAML document.
    """

    def __init__(self, text: str, *, name: str) -> None:
        self.text, self.name = text, name
        self.scalars = {scalar.keys: scalar for scalar in _read_scalars(text, name)}

    def replace(self, values: Mapping[Keys, str]) -> "YamlText":
        """Return the same text with other values.

        Raises
        ------
        DataError
            If one of them has no place here; if what is written would not be read back as these
            values, and all others as before.
        """
        text = self.text
        if absent := [keys for keys in values if keys not in self.scalars]:
            way = ".".join(map(str, absent[0]))
            raise DataError(f"{self.name} has no {way}: restore it with git.")
        for keys in sorted(values, key=lambda keys: self.scalars[keys].start, reverse=True):
            scalar = self.scalars[keys]
            written = f"{scalar.quote}{values[keys]}{scalar.quote}"
            text = text[: scalar.start] + written + text[scalar.end :]
        replaced = YamlText(text, name=self.name)
        if replaced.values() != self.values() | dict(values):
            raise DataError(
                f"{self.name} cannot be edited safely: a value would not be read back as it was "
                "written. Write it by hand."
            )
        return replaced

    def values(self) -> dict[Keys, str]:
        """Return the value of each scalar."""
        return {keys: scalar.value for keys, scalar in self.scalars.items()}


def _read_scalars(text: str, name: str) -> list[Scalar]:
    try:
        import yaml
    except ImportError as error:
        raise MissingPackageError("pyyaml", extra="deploy", purpose="Editing manifests") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise DataError(
            f"{name}{where} is not YAML: correct it, or restore it with git."
        ) from error
    return list(_walk(root, (), text)) if root else []


def _walk(node: Any, keys: Keys, text: str) -> Iterator[Scalar]:
    if node.id == "mapping":
        for key, value in node.value:
            yield from _walk(value, (*keys, key.value), text)
    elif node.id == "sequence":
        for place, value in enumerate(node.value):
            yield from _walk(value, (*keys, place), text)
    elif node.tag == "tag:yaml.org,2002:str" and node.style in (None, '"', "'"):
        start, end = node.start_mark.index, node.end_mark.index
        yield Scalar(keys, node.value, start, end, node.style or "")
