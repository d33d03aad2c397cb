"""NDJSON: one JSON object a line, read by batches; numbers stay as they are written."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from libelle.data.datasets.delimited import open_maybe_gzip
from libelle.errors import DataError

_BATCH_ROWS = 16_384


def list_keys(path: Path) -> tuple[str, ...]:
    """Return every key of a file, in the order in which they appear.

    Raises
    ------
    DataError
        If the file is empty, or if a line is not a JSON object in UTF-8.
    """
    keys: dict[str, None] = {}
    for row in _rows(path):
        keys.update(dict.fromkeys(row))
    if not keys:
        raise DataError(f"{path.name} is empty. Give one JSON object a line.")
    return tuple(keys)


def read_batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read a file by batches of texts; an absent or null value is the empty text."""
    names = columns or list_keys(path)
    rows = _rows(path)
    while batch := list(islice(rows, _BATCH_ROWS)):
        arrays = [pa.array([_text(row.get(name)) for row in batch], pa.string()) for name in names]
        yield pa.RecordBatch.from_arrays(arrays, names=list(names))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    # Numbers stay the digits that are written: 0.10 is not 0.1, nor 1e3 a thousand.
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
    with open_maybe_gzip(path) as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip(b" \t\r\n\xef\xbb\xbf"):
                yield _row(line, number, decoder=decoder, name=path.name)


def _row(line: bytes, number: int, *, decoder: json.JSONDecoder, name: str) -> dict[str, Any]:
    try:
        row = decoder.decode(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # Their messages may hold the line.
        row = None
    if not isinstance(row, dict):
        raise DataError(f"{name}, line {number}: not a JSON object in UTF-8. Write one a line.")
    return row


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
