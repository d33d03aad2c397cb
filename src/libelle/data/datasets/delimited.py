"""Delimited text: find the encoding and the delimiter of a CSV file, and read it by batches."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.csv

from libelle.data.headers import DELIMITERS, NO_DELIMITER, distinct_names
from libelle.errors import DataError

_CHUNK_BYTES = 1 << 20
_BATCH_BYTES = 4 << 20
_SAMPLE_BYTES = 1 << 18
_SAMPLE_RECORDS = 200
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes({*range(32), 127} - set(b"\t\n\v\f\r\x1b\x1f"))
_TELLING_BYTES = 512
_UNDEFINED_IN_CP1252 = re.compile(b"[\x81\x8d\x8f\x90\x9d]")
# With the error handler "surrogateescape", a byte that is not UTF-8's becomes one of these.
_WRONG = re.compile("[\udc80-\udcff]")
_ACCENT = re.compile("[^\x00-\x7f\udc80-\udcff]")


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written: encoding, delimiter, names in its first row, lines above it."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    n_blank_lines: int = 0


def open_maybe_gzip(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressed if its first bytes are gzip's."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")


def detect_csv(path: Path, *, delimiter: str | None = None) -> CsvFormat:
    """Look at a whole file for its encoding, and at its first rows for the rest.

    Parameters
    ----------
    path : Path
    delimiter : str, optional
        The delimiter, where it is known; otherwise the one of `DELIMITERS` that cuts most rows
        into as many fields as the first row, quotation marks being honoured.

    Raises
    ------
    DataError
        If the file is empty, is not a text, or mixes encodings.
    """
    encoding = detect_encoding(path)
    with open_maybe_gzip(path) as stream:
        sample = _decode_sample(stream.read(_SAMPLE_BYTES), encoding)
    if not sample.strip():
        raise DataError(f"{path.name} is empty. Give a file with a row of names, then coded texts.")
    delimiter = delimiter or _sniff_delimiter(sample)
    header = next(filter(None, _records(sample, delimiter)), [])
    above = sample[: len(sample) - len(sample.lstrip("\r\n"))]
    return CsvFormat(encoding, delimiter, distinct_names(header), len(above.splitlines()))


def detect_encoding(path: Path) -> str:
    """Return the encoding of a text file, having looked at all of it.

    UTF-8 if every byte agrees. Otherwise CP1252, or Latin-1 where CP1252 has a hole, unless most
    accents are UTF-8's: that file is damaged, and reading it in one byte would damage it more.

    Raises
    ------
    DataError
        If the file is not a text, or mixes encodings: the first wrong line is named.
    """
    with open_maybe_gzip(path) as stream:
        start = stream.read(_SAMPLE_BYTES)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    n_controls = len(start) - len(start.translate(None, _CONTROLS))
    binary = len(start) >= _TELLING_BYTES and n_controls * 20 > len(start)
    if binary or start.count(0) * 10 > len(start):
        raise DataError(f"{path.name} is not a text. Give CSV, Parquet, NDJSON or xlsx.")
    return "utf-8" if _is_utf8(path) else _single_byte_encoding(path)


def read_csv_batches(
    path: Path, csv_format: CsvFormat, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a CSV file by batches of a few megabytes; every column is text, nothing is null.

    Raises
    ------
    DataError
        If a row has not as many fields as the first, with its line; or if a quotation mark is not
        closed.
    """
    with open_maybe_gzip(path) as stream:
        try:
            reader = _open_csv(stream, csv_format, columns)
            yield from (batch for batch in reader if batch.num_rows)
        except pa.ArrowInvalid:  # Its message holds the row, which may be personal data.
            raise _csv_error(path, csv_format) from None


def _open_csv(stream: IO[bytes], csv_format: CsvFormat, columns: Sequence[str] | None) -> Any:
    names = list(csv_format.columns)
    return pa.csv.open_csv(
        stream,
        read_options=pa.csv.ReadOptions(
            use_threads=False,
            block_size=_BATCH_BYTES,
            skip_rows=csv_format.n_blank_lines,
            column_names=names,
            skip_rows_after_names=1,
            encoding=csv_format.encoding.removesuffix("-sig"),
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=csv_format.delimiter, newlines_in_values=True, ignore_empty_lines=True
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=list(columns) if columns else None,
            strings_can_be_null=False,
        ),
    )


def _csv_error(path: Path, csv_format: CsvFormat) -> DataError:
    """Find the line that Arrow could not read, and say what is wrong there."""
    n_expected, start = len(csv_format.columns), 1
    with open_maybe_gzip(path) as stream:
        lines = io.TextIOWrapper(stream, csv_format.encoding, newline="")
        reader = csv.reader(lines, delimiter=csv_format.delimiter, strict=True)
        try:
            for record in reader:
                if record and len(record) != n_expected:
                    return DataError(
                        f"{path.name}, line {start}: {len(record)} fields where the first row has "
                        f"{n_expected}. Put quotation marks around fields that contain "
                        f"{csv_format.delimiter!r}, or repair the line."
                    )
                start = reader.line_num + 1
        except csv.Error:
            pass
    return DataError(
        f"{path.name}, line {start}: a quotation mark is opened and not closed as CSV wants. "
        "Double those inside a field, or repair the line."
    )


def _sniff_delimiter(sample: str) -> str:
    best = max(DELIMITERS, key=lambda delimiter: _regularity(sample, delimiter))
    return best if _regularity(sample, best)[1] else NO_DELIMITER


def _regularity(sample: str, delimiter: str) -> tuple[float, int]:
    """Share of rows with as many fields as the first, which must have two; then that number."""
    records = list(islice(filter(None, _records(sample, delimiter)), _SAMPLE_RECORDS))
    n_fields = len(records[0]) if records else 0
    if n_fields < 2:
        return 0.0, 0
    n_regular = sum(len(record) == n_fields for record in records)
    return n_regular / len(records), n_fields


def _records(sample: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    except csv.Error:  # A field without end: the rows before it tell enough.
        return


def _decode_sample(start: bytes, encoding: str) -> str:
    """Decode the beginning of a file; what its end may have cut, byte or row, is dropped."""
    text = codecs.getincrementaldecoder(encoding)().decode(start)
    last_end = max(text.rfind("\n"), text.rfind("\r"))
    return text if len(start) < _SAMPLE_BYTES or last_end < 0 else text[: last_end + 1]


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _single_byte_encoding(path: Path) -> str:
    """Tell CP1252 from Latin-1, and both from a damaged UTF-8 file, which is refused."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    n_lines, n_wrong, n_accents, first_wrong_line, encoding = 0, 0, 0, 0, "cp1252"
    for chunk in _chunks(path):
        text = decoder.decode(chunk)
        wrong = _WRONG.findall(text)
        if wrong and not n_wrong:
            first_wrong_line = n_lines + text.count("\n", 0, text.index(wrong[0])) + 1
        n_wrong += len(wrong)
        n_accents += len(_ACCENT.findall(text))
        n_lines += text.count("\n")
        if _UNDEFINED_IN_CP1252.search(chunk):
            encoding = "latin-1"
    if n_accents > n_wrong:
        raise DataError(
            f"{path.name}, line {first_wrong_line}: a byte that is not UTF-8, in a file that is "
            f"UTF-8 elsewhere ({n_wrong} such bytes). Save it again as UTF-8."
        )
    return encoding


def _chunks(path: Path) -> Iterator[bytes]:
    with open_maybe_gzip(path) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
