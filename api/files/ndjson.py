"""NDJSON: rows that are JSON objects, one a line, written again as they came."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson

from api.bodies import parse_json
from api.errors import ProblemError
from api.files.rows import FIELDS, TOO_LONG, Row
from libelle.data.headers import names_beside

BLANK = b" \t\r"
_NO_OBJECT = "The line is not a JSON object in UTF-8."
_FIELDS = frozenset(FIELDS)
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
# A whole pair, half of one, or any other escape.
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)
_SPACES = re.compile(r"[ \t\r\n]*")


class NdjsonRows:
    """Rows of an NDJSON file: bytes of the client's fields are kept, so numbers stay as written.

    Parameters
    ----------
    text : str
        Field of the texts.
    identifier : str or None
        Field of the identifiers.
    """

    media_type = "application/x-ndjson"

    def __init__(self, *, text: str, identifier: str | None) -> None:
        self._text, self._identifier = text, identifier

    def read(self, records: Sequence[bytes | None]) -> list[Row]:
        """Return what the records ask, in order; None stands for one that is too long."""
        return list(map(self._read_one, records))

    def write(self, rows: Sequence[Row], answers: Sequence[Mapping[str, Any]]) -> bytes:
        """Return the rows, each with its answer."""
        return b"".join(map(_write_one, rows, answers))

    def head(self) -> bytes:
        """Return nothing: each line has its names."""
        return b""

    def end(self, n_rows: int, n_errors: int) -> bytes:
        """Return the last line, which says how many they are."""
        return orjson.dumps({"rows": n_rows, "errors": n_errors}) + b"\n"

    def cut(self, problem: Mapping[str, Any]) -> bytes:
        """Return the last line of an answer that stops before the end, which says why."""
        return orjson.dumps({"cut": problem}) + b"\n"

    def _read_one(self, record: bytes | None) -> Row:
        if record is None:
            return Row(b"{}", complaint=TOO_LONG)
        line = record.strip(BLANK)
        try:
            fields = parse_json(line)
        except ProblemError:
            return Row(b"{}", complaint=_NO_OBJECT)
        if not isinstance(fields, dict):
            return Row(b"{}", complaint=_NO_OBJECT)
        if b"\\u" in line:
            line = _ESCAPE.sub(_mend, line)
        if not _FIELDS.isdisjoint(fields):
            try:
                line = _rename_hidden(line)
            except RecursionError:
                return Row(b"{}", complaint=_NO_OBJECT)
        return Row(line, self._item(fields))

    def _item(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        item = {}
        if self._text in fields:
            item["text"] = fields[self._text]
        if self._identifier is not None and self._identifier in fields:
            item["id"] = fields[self._identifier]
        return item


def _write_one(row: Row, answer: Mapping[str, Any]) -> bytes:
    added = msgspec.json.encode(answer)
    kept: bytes = row.kept[:-1].rstrip(BLANK)
    return kept + (b"" if kept == b"{" else b",") + added[1:] + b"\n"


def _mend(escape: re.Match[bytes]) -> bytes:
    r"""Return an escape as it is, half of a surrogate pair as `\ufffd`: no reader would take it."""
    return rb"\ufffd" if escape[1] else escape[0]


def _rename_hidden(line: bytes) -> bytes:
    """Give another name to the fields that the answer's would hide; their values stay."""
    text, position, pairs = line.decode(), 1, []
    while text[position - 1] != "}":
        name, after = _DECODER.raw_decode(text, _skip_spaces(text, position))
        begin = _skip_spaces(text, _skip_spaces(text, after) + 1)
        _, end = _DECODER.raw_decode(text, begin)
        pairs.append((name, text[begin:end]))
        position = _skip_spaces(text, end) + 1
    names = names_beside([name for name, _ in pairs], FIELDS)
    values = [value for _, value in pairs]
    renamed = (f"{json.dumps(name)}:{value}" for name, value in zip(names, values, strict=True))
    return f"{{{','.join(renamed)}}}".encode()


def _skip_spaces(text: str, position: int) -> int:
    return _SPACES.match(text, position).end()  # type: ignore[union-attr]
