"""Uploads: a form with a file (RFC 7578), written to a disk as it comes."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import IO, Final

MAX_FILE_BYTES: Final = 20_000_000
_MAX_HEADER_BYTES: Final = 4_000
_MAX_FIELD_BYTES: Final = 4_000
_MAX_PARTS: Final = 8
_BOUNDARY = re.compile(r'multipart/form-data;.*\bboundary="?([^\s";,]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(r'\bname="([^"]*)"')
_FILE_NAME = re.compile(r'\bfilename="([^"]*)"')


class UploadError(Exception):
    """A form that is none, or too large; `kind` is `large` or `form`."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass
class Upload:
    """A form that was read.

    Attributes
    ----------
    fields : dict of str to str
    file_name : str
        Empty when no file came.
    n_bytes : int
        Of the file.
    """

    fields: dict[str, str] = field(default_factory=dict)
    file_name: str = ""
    n_bytes: int = 0


async def read_upload(content_type: str, stream: AsyncIterator[bytes], into: IO[bytes]) -> Upload:
    """Read a form, and write its file as it comes.

    Raises
    ------
    UploadError
        If it is no form, or larger than the page takes.
    """
    found = _BOUNDARY.match(content_type)
    if not found:
        raise UploadError("form")
    reader = _Reader(b"\r\n--" + found[1].encode(), into)
    n_bytes = 0
    async for piece in stream:
        n_bytes += len(piece)
        if n_bytes > MAX_FILE_BYTES + _MAX_PARTS * (_MAX_FIELD_BYTES + _MAX_HEADER_BYTES):
            raise UploadError("large")
        reader.feed(piece)
    if not reader.is_over:
        raise UploadError("form")
    if reader.upload.n_bytes > MAX_FILE_BYTES:
        raise UploadError("large")
    return reader.upload


class _Reader:
    """Cuts a form into its parts; what may begin a delimiter waits for what follows."""

    def __init__(self, delimiter: bytes, into: IO[bytes]) -> None:
        self.upload, self.is_over = Upload(), False
        self._delimiter, self._into = delimiter, into
        self._waiting = b"\r\n"  # The first delimiter has no line before it.
        self._name: str | None = None
        self._is_file = self._in_part = False
        self._field, self._n_parts = b"", 0

    def feed(self, piece: bytes) -> None:
        self._waiting += piece
        while not self.is_over and self._step():
            pass

    def _step(self) -> bool:
        """Go on as far as one delimiter; tell whether there may be another."""
        before, found, after = self._waiting.partition(self._delimiter)
        if not found:
            self._write_all_but_a_delimiter()
            return False
        if len(after) < 2 or (after[:2] != b"--" and b"\r\n\r\n" not in after):
            if len(after) > _MAX_HEADER_BYTES:
                raise UploadError("form")
            return False
        self._write(before)
        self._end_part()
        if after[:2] == b"--":
            self.is_over = True
            return False
        head, _, self._waiting = after.partition(b"\r\n\r\n")
        self._begin_part(head.decode("utf-8", "replace"))
        return True

    def _write_all_but_a_delimiter(self) -> None:
        n_sure = max(0, len(self._waiting) - len(self._delimiter))
        self._write(self._waiting[:n_sure])
        self._waiting = self._waiting[n_sure:]

    def _write(self, content: bytes) -> None:
        if self._is_file:
            self._into.write(content)
            self.upload.n_bytes += len(content)
        elif self._in_part:
            self._field += content
            if len(self._field) > _MAX_FIELD_BYTES:
                raise UploadError("form")

    def _begin_part(self, head: str) -> None:
        name, file_name = _NAME.search(head), _FILE_NAME.search(head)
        self._n_parts += 1
        if self._n_parts > _MAX_PARTS or name is None or len(head) > _MAX_HEADER_BYTES:
            raise UploadError("form")
        # A second file is no part of the page.
        self._is_file = file_name is not None and not self.upload.file_name
        self._name, self._in_part, self._field = name[1], True, b""
        if file_name is not None and self._is_file:
            self.upload.file_name = re.split(r"[/\\]", file_name[1])[-1][:200]

    def _end_part(self) -> None:
        if self._in_part and not self._is_file and self._name is not None:
            self.upload.fields[self._name] = self._field.decode("utf-8", "replace")
        self._is_file = self._in_part = False
