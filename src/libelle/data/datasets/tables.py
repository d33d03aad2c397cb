"""Tables: CSV, Parquet, NDJSON or xlsx, from anywhere, as batches of named columns."""

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from libelle.data.datasets import delimited, ndjson, workbook
from libelle.errors import DataError, StorageError
from libelle.storage import DEFAULT_OPTIONS, StorageOptions, local_copy, redact

_BATCH_ROWS = 16_384
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_BUFFER_BYTES = 1 << 20
# What reading a compressed file raises when some of it is wrong or missing.
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, ParseError)
_JSON_SUFFIXES = (".ndjson", ".jsonl", ".json")


@dataclass(frozen=True)
class Table:
    """A file of rows and named columns, read by batches.

    Attributes
    ----------
    name : str
        What messages call it.
    columns : tuple of str
        Names of the columns, in order.
    read : callable
        From names of columns (None for all) to an iterator of `pyarrow.RecordBatch`. CSV, NDJSON
        and xlsx give texts without nulls; Parquet gives its own types, which `as_text` turns.
    """

    name: str
    columns: tuple[str, ...]
    read: Callable[[Sequence[str] | None], Iterator[pa.RecordBatch]]

    def require(self, columns: Sequence[str]) -> None:
        """Raise `DataError` unless every column exists, with those that do."""
        for column in columns:
            if column not in self.columns:
                close = get_close_matches(column, self.columns, n=1, cutoff=0.5)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise DataError(
                    f"{self.name} has no column {column!r}. "
                    f"Its columns: {', '.join(self.columns)}.{hint}"
                )


@contextmanager
def open_table(
    uri: str | Path,
    *,
    options: StorageOptions = DEFAULT_OPTIONS,
    delimiter: str | None = None,
    sheet: str | None = None,
    sha256: str | None = None,
) -> Iterator[Table]:
    """Open a table for the time of a `with`; its format is told by its first bytes.

    Parameters
    ----------
    uri : str or Path
    options : StorageOptions
    delimiter : str, optional
        Of a CSV file; found if None.
    sheet : str, optional
        Of an xlsx file; the first if None.
    sha256 : str, optional
        Digest that the file must have, checked before anything is parsed.

    Raises
    ------
    StorageError
        If the address cannot be read, or if the digest differs.
    DataError
        If the file is empty or is not a table.
    """
    with local_copy(uri, options) as path:
        if sha256 is not None:
            _verify(path, sha256, uri)
        with _told_when_damaged(path.name):
            table = _table(path, delimiter=delimiter, sheet=sheet)
        yield replace(table, read=partial(_read_whole, table))


def read_table_batches(
    uri: str | Path,
    *,
    options: StorageOptions = DEFAULT_OPTIONS,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Read a table by batches, in bounded memory; see `Table.read` for the types of the columns.

    Raises
    ------
    DataError
        As `open_table`, or if a column is missing.
    """
    with open_table(uri, options=options) as table:
        table.require(columns or ())
        yield from table.read(columns)


def as_text(column: Any) -> Any:
    """Turn an Arrow array into texts: nulls become empty, whole numbers lose their `.0`."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        texts = [workbook.cell_as_text(value) for value in column.to_pylist()]
        column = pa.array(texts, pa.string())
    return pc.fill_null(column, "")


def holds_numbers(column: pa.Field) -> bool:
    """Tell whether the file stores a column, wholly or in part, as numbers rather than as text."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return numeric or bool(column.metadata and workbook.NUMBERS_FOUND in column.metadata)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_whole(table: Table, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    with _told_when_damaged(table.name):
        yield from table.read(columns)


@contextmanager
def _told_when_damaged(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise DataError(
            f"{name} is damaged: what it compresses cannot be read to its end. "
            "Copy or download it again."
        ) from error


def _verify(path: Path, sha256: str, uri: str | Path) -> None:
    found = digest_of(path)
    if found != sha256.lower():
        raise StorageError(
            f"{redact(uri)} is not the file expected: its SHA-256 is {found}, "
            f"not {sha256.lower()}. It was changed or damaged: look at it, then correct the digest."
        )


def _table(path: Path, *, delimiter: str | None, sheet: str | None) -> Table:
    with delimited.open_maybe_gzip(path) as stream:
        start = stream.read(4096)
    if start.startswith(b"PAR1"):
        return _parquet_table(path)
    if start.startswith(b"PK\x03\x04"):
        return _workbook_table(path, sheet)
    if start.startswith(_OLD_EXCEL):
        raise DataError(f"{path.name} is an old Excel file. Save it as .xlsx or CSV.")
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix.lower() in _JSON_SUFFIXES or start.lstrip(b"\xef\xbb\xbf \r\n").startswith(b'{"'):
        return Table(path.name, ndjson.list_keys(path), partial(ndjson.read_batches, path))
    csv_format = delimited.detect_csv(path, delimiter=delimiter)
    read = partial(delimited.read_csv_batches, path, csv_format)
    return Table(path.name, csv_format.columns, read)


def _parquet_table(path: Path) -> Table:
    try:
        names = pq.read_schema(path).names
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path.name} is a damaged Parquet file. Write it again.") from error
    return Table(path.name, tuple(names), partial(_read_parquet, path))


def _read_parquet(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    # A row group is otherwise held in memory as a whole, and may be the whole file.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as parquet:
        try:
            yield from parquet.iter_batches(_BATCH_ROWS, columns=columns)
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path.name} is a damaged Parquet file. Write it again.") from error


def _workbook_table(path: Path, sheet: str | None) -> Table:
    with zipfile.ZipFile(path) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            raise DataError(
                f"{path.name} is an archive, not a table. Extract it, give a file of it."
            )
    names = workbook.list_columns(path, sheet)
    return Table(path.name, names, partial(workbook.read_batches, path, sheet))
