"""Exposition: the text format of Prometheus, as far as the service writes it."""

import re
from collections.abc import Collection

from libelle.errors import DataError

# Name, then pairs of label and value, sorted.
Series = tuple[str, tuple[tuple[str, str], ...]]

_BIN = "_bucket"
_ENDINGS = (_BIN, "_sum", "_count")
_NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
_PAIR = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?'
_LABEL = re.compile(_PAIR)
_LABELS = re.compile(f"(?:{_PAIR})*")
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)")
_ESCAPED = {r"\\": "\\", r"\n": "\n", r"\"": '"'}


def read_exposition(text: str, *, families: Collection[str]) -> dict[Series, float]:
    """Return the number of each series of some families.

    Parameters
    ----------
    text : str
        What `GET /metrics` answers.
    families : collection of str
        The names that matter; those of a histogram come with its bins, sum and count.

    Raises
    ------
    DataError
        If a line is not one of that format.
    """
    found: dict[Series, float] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        matched = _SAMPLE.fullmatch(line)
        if matched is None:
            raise DataError(f"Line {number} of the metrics is not one: is this the API's address?")
        if _family_of(matched[1], families) is None:
            continue
        try:
            labels = _read_labels(matched[2] or "")
            if matched[1].endswith(_BIN):
                float(dict(labels)["le"])
            found[matched[1], labels] = float(matched[3])
        except (KeyError, ValueError) as error:
            raise DataError(f"Line {number} of the metrics has a wrong number or label.") from error
    return found


def _family_of(name: str, families: Collection[str]) -> str | None:
    if name in families:
        return name
    for ending in _ENDINGS:
        if name.endswith(ending) and (family := name.removesuffix(ending)) in families:
            return family
    return None


def _read_labels(text: str) -> tuple[tuple[str, str], ...]:
    if not _LABELS.fullmatch(text):
        raise ValueError(text)
    pairs = [(name, _unescape(value)) for name, value in _LABEL.findall(text)]
    return tuple(sorted(pairs))


def _unescape(value: str) -> str:
    return re.sub(r"\\.", lambda escaped: _ESCAPED.get(escaped[0], escaped[0]), value)
