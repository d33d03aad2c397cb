"""Segments: files of records that show where a write was cut.

Each record comes after its length and its CRC-32. A segment being written ends in `.open`, a sealed
one in `.sealed`; its name is a number that only grows in a folder.
"""

import re
import zlib
from pathlib import Path
from struct import Struct
from typing import NamedTuple

OPEN, SEALED = ".open", ".sealed"
DROPPED = "dropped"
_FRAME = Struct("<II")
_NAME = re.compile(r"\d{8,}\.(open|sealed)")


class SegmentContent(NamedTuple):
    """The whole records of a segment, and how many bytes after them are not one."""

    records: list[bytes]
    n_torn_bytes: int


def segment_name(number: int, ending: str) -> str:
    """Return the name of a segment; names sort as numbers do."""
    return f"{number:08d}{ending}"


def is_segment(path: Path) -> bool:
    """Tell whether a file is a segment by its name."""
    return _NAME.fullmatch(path.name) is not None


def frame(record: bytes) -> bytes:
    """Return a record as it stands in a segment."""
    return _FRAME.pack(len(record), zlib.crc32(record)) + record


def read_segment(path: Path) -> SegmentContent:
    """Read a segment, up to the first record that is not whole."""
    content = path.read_bytes()
    records: list[bytes] = []
    start = 0
    while (record := _record_at(content, start)) is not None:
        records.append(record)
        start += _FRAME.size + len(record)
    return SegmentContent(records, len(content) - start)


def _record_at(content: bytes, start: int) -> bytes | None:
    """Return the record that begins there; None if it is torn, or if there is none."""
    body = start + _FRAME.size
    if body > len(content):
        return None
    n_bytes, checksum = _FRAME.unpack_from(content, start)
    # After a power cut the end of a file may be zeros, which would else be empty records.
    if n_bytes == 0 or body + n_bytes > len(content):
        return None
    record = content[body : body + n_bytes]
    return record if zlib.crc32(record) == checksum else None
