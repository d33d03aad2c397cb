"""Workbook: the rows of one sheet of an .xlsx file, as texts."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from libelle.data.headers import distinct_names
from libelle.errors import DataError, MissingPackageError

NUMBERS_FOUND = b"libelle:numbers"

_BATCH_ROWS = 16_384


def list_columns(path: Path, sheet: str | None = None) -> tuple[str, ...]:
    """Return the names in the first row that is not empty.

    Raises
    ------
    DataError
        If the workbook is damaged or empty, or if the sheet does not exist.
    MissingPackageError
        Without openpyxl.
    """
    with _open_sheet(path, sheet) as rows:
        return _header(rows, path.name)


def read_batches(
    path: Path, sheet: str | None = None, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a sheet by batches of texts; a column whose cells hold numbers is marked as such."""
    with _open_sheet(path, sheet) as rows:
        names = _header(rows, path.name)
        wanted = [(names.index(name), name) for name in columns or names]
        filled = (row for row in rows if any(cell.value is not None for cell in row))
        while batch := list(islice(filled, _BATCH_ROWS)):
            yield _batch(batch, wanted)


def cell_as_text(value: Any, number_format: str = "") -> str:
    """Return a value as a person reads it: no `.0` after whole numbers, dates as ISO 8601.

    A number shown with a format of zeros, such as `00000`, has as many digits.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, int) and set(number_format) == {"0"}:
        return str(value).zfill(len(number_format))
    if isinstance(value, datetime) and value.time() == datetime.min.time() and not value.tzinfo:
        value = value.date()
    return value.isoformat() if isinstance(value, date) else str(value)


def _batch(rows: list[Any], wanted: Sequence[tuple[int, str]]) -> pa.RecordBatch:
    columns = [(name, [_cell(row, place) for row in rows]) for place, name in wanted]
    texts = [pa.array([cell_as_text(*cell) for cell in cells], pa.string()) for _, cells in columns]
    fields = [pa.field(name, pa.string(), metadata=_marks(cells)) for name, cells in columns]
    return pa.RecordBatch.from_arrays(texts, schema=pa.schema(fields))


def _cell(row: Sequence[Any], place: int) -> tuple[Any, str]:
    """Return the value and the number format of a cell; a short row ends with empty ones."""
    if place >= len(row) or row[place].value is None:
        return None, ""
    return row[place].value, row[place].number_format


def _marks(cells: Sequence[tuple[Any, str]]) -> dict[bytes, bytes] | None:
    numbers = any(
        isinstance(value, int | float) and not isinstance(value, bool) and set(shown) != {"0"}
        for value, shown in cells
    )
    return {NUMBERS_FOUND: b""} if numbers else None


def _header(rows: Iterator[Any], name: str) -> tuple[str, ...]:
    for row in rows:
        values = [cell_as_text(cell.value) for cell in row]
        if any(values):
            return distinct_names(values)
    raise DataError(f"{name}: the sheet is empty. Give one with a row of names, then coded texts.")


@contextmanager
def _open_sheet(path: Path, sheet: str | None) -> Iterator[Iterator[Any]]:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingPackageError("openpyxl", extra="train", purpose="Reading .xlsx") from error
    with path.open("rb") as stream:  # By its name, openpyxl would refuse other endings than .xlsx.
        try:
            workbook = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, OSError) as error:
            raise DataError(f"{path.name} is a damaged workbook. Save it again.") from error
        with closing(workbook):
            yield _sheet(workbook, sheet, path.name).iter_rows()


def _sheet(workbook: Any, sheet: str | None, name: str) -> Any:
    names = workbook.sheetnames
    if sheet is not None and sheet not in names:
        raise DataError(f"{name} has no sheet {sheet!r}. Its sheets: {', '.join(names)}.")
    worksheet = workbook[sheet or names[0]]
    worksheet.reset_dimensions()  # Those that the file declares may be wrong.
    return worksheet
