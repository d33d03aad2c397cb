"""Tables: a CSV or XLSX that comes as people make them, and goes back the way it came."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, Literal

from libelle.errors import DataError, MissingPackageError

MOST_ROWS: Final = 100_000
MOST_COLUMNS: Final = 200
MOST_UNZIPPED_BYTES: Final = 300_000_000
DELIMITERS: Final = (";", ",", "\t", "|")
_BLOCK_BYTES = 1 << 16
_ZIP_START = b"PK\x03\x04"

Cells = list[Any]


class UnreadableFileError(DataError):
    """A file that is no table; `kind` names the sentence that says why.

    Attributes
    ----------
    kind : str
    line : int or None
    """

    def __init__(self, kind: str, *, line: int | None = None) -> None:
        super().__init__(f"This file cannot be read: {kind}.")
        self.kind, self.line = kind, line


@dataclass(frozen=True)
class Shape:
    """How a table is written.

    Attributes
    ----------
    kind : {'csv', 'xlsx'}
    columns : tuple of str
    n_rows : int
    encoding : str
    has_bom : bool
    delimiter : str
    line_end : str
    """

    kind: Literal["csv", "xlsx"]
    columns: tuple[str, ...]
    n_rows: int
    encoding: str = "utf-8"
    has_bom: bool = False
    delimiter: str = ","
    line_end: str = "\r\n"


def read_shape(file: IO[bytes]) -> Shape:
    """Look at a whole file, and say how it is written.

    Raises
    ------
    UnreadableFileError
        If it is no table, or a larger one than the page takes.
    """
    file.seek(0)
    if file.read(len(_ZIP_START)) == _ZIP_START:
        return _shape_of_sheet(file)
    encoding, has_bom, line_end = _encoding_of(file)
    shape = Shape("csv", (), 0, encoding, has_bom, _delimiter_of(file, encoding), line_end)
    rows = iter_rows(file, shape)
    columns = _read_header(rows)
    return Shape("csv", columns, _count(rows), encoding, has_bom, shape.delimiter, line_end)


def iter_rows(file: IO[bytes], shape: Shape) -> Iterator[Cells]:
    """Give the rows of a file, the header first; those without any cell are left out.

    Raises
    ------
    UnreadableFileError
        If a row is not as wide as the header.
    """
    file.seek(0)
    rows = _csv_rows(file, shape) if shape.kind == "csv" else _sheet_rows(file)
    width = 0
    for line, cells in enumerate(rows, 1):
        if not any(cell not in (None, "") for cell in cells):
            continue
        width = width or len(cells)
        if len(cells) > width:
            raise UnreadableFileError("ragged", line=line)
        yield [*cells, *[None if shape.kind == "xlsx" else ""] * (width - len(cells))]


def write_rows(rows: Iterable[Sequence[Any]], into: IO[bytes], shape: Shape) -> None:
    """Write rows as a shape says; numbers of a sheet stay numbers."""
    if shape.kind == "xlsx":
        _write_sheet(rows, into)
        return
    if shape.has_bom:
        into.write(codecs.BOM_UTF8)
    # Only a title may hold a character that an old encoding has not.
    text = io.TextIOWrapper(into, shape.encoding, errors="replace", newline="")
    csv.writer(text, delimiter=shape.delimiter, lineterminator=shape.line_end).writerows(rows)
    text.flush()
    text.detach()


def _encoding_of(file: IO[bytes]) -> tuple[str, bool, str]:
    """Return the encoding, whether a byte order mark says so, and how lines end."""
    file.seek(0)
    start = file.read(_BLOCK_BYTES)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableFileError("utf16")
    if b"\0" in start:
        raise UnreadableFileError("binary")
    line_end = "\r\n" if b"\r\n" in start else "\n"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8", True, line_end
    return (
        next(one for one in ("utf-8", "cp1252", "latin-1") if _decodes(file, one)),
        False,
        line_end,
    )


def _decodes(file: IO[bytes], encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := file.read(_BLOCK_BYTES):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter_of(file: IO[bytes], encoding: str) -> str:
    """Return the delimiter that cuts the header into most cells."""
    file.seek(0)
    start = file.read(_BLOCK_BYTES).decode(encoding, "replace").lstrip("\ufeff\r\n")
    header = start.partition("\n")[0]
    return max(DELIMITERS, key=lambda one: len(next(csv.reader([header], delimiter=one), [])))


def _csv_rows(file: IO[bytes], shape: Shape) -> Iterator[Cells]:
    if shape.has_bom:
        file.seek(len(codecs.BOM_UTF8))
    # No wrapper: one that is left half read would close the file.
    lines = (line.decode(shape.encoding) for line in file)
    try:
        yield from csv.reader(lines, delimiter=shape.delimiter)
    except csv.Error as error:
        raise UnreadableFileError("csv") from error


def _shape_of_sheet(file: IO[bytes]) -> Shape:
    try:
        with zipfile.ZipFile(file) as archive:
            n_bytes = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise UnreadableFileError("xlsx") from error
    if n_bytes > MOST_UNZIPPED_BYTES:
        raise UnreadableFileError("large")
    shape = Shape("xlsx", (), 0)
    rows = iter_rows(file, shape)
    columns = _read_header(rows)
    return Shape("xlsx", columns, _count(rows))


def _sheet_rows(file: IO[bytes]) -> Iterator[Cells]:
    """Give the rows of the first sheet: what formulas were worth, not the formulas."""
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise MissingPackageError(
            "openpyxl", extra="dashboard", purpose="Reading an XLSX file"
        ) from error
    try:
        book = load_workbook(file, read_only=True, data_only=True)
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield _without_empty_end(list(row))
    except Exception as error:  # A door: openpyxl raises whatever a broken file leads it to.
        raise UnreadableFileError("xlsx") from error


def _without_empty_end(cells: Cells) -> Cells:
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def _write_sheet(rows: Iterable[Sequence[Any]], into: IO[bytes]) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(list(row))
    book.save(into)


def _read_header(rows: Iterator[Cells]) -> tuple[str, ...]:
    header = next(rows, None)
    if not header:
        raise UnreadableFileError("empty")
    if len(header) > MOST_COLUMNS:
        raise UnreadableFileError("wide")
    return tuple("" if name is None else str(name) for name in header)


def _count(rows: Iterator[Cells]) -> int:
    n_rows = 0
    for _ in rows:
        n_rows += 1
        if n_rows > MOST_ROWS:
            raise UnreadableFileError("long")
    if n_rows == 0:
        raise UnreadableFileError("empty")
    return n_rows
