"""Delimited: rows of a CSV file, cut as its header says."""

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from api.errors import invalid_request
from api.files.rows import FIELDS, NOT_UTF8, TOO_LONG, Row, as_json
from libelle.data.headers import DELIMITERS, NO_DELIMITER, distinct_names, names_beside

MAX_COLUMNS = 1_000
END, CUT = "#end", "#cut"
# Of a cell; records are bounded before they are parsed. The default of Python is lower.
csv.field_size_limit(1 << 30)

_NOT_CSV = (
    "The record is not CSV: put a cell that holds a quotation mark or a line end between two "
    "quotation marks, and double those inside."
)
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


class CsvRows:
    r"""Rows of a CSV file in UTF-8, written again with the same delimiter.

    Cells are written as they are, quoted where they must be; records end by `\r\n` (RFC 4180).

    Parameters
    ----------
    header : bytes or None
        First record; None if it is too long or absent.
    text : str
        Column of the texts.
    identifier : str or None
        Column of the identifiers.
    has_mark : bool
        Whether a byte order mark stands before it; it is then written again.

    Raises
    ------
    ProblemError
        If it is no header, or has no such column.
    """

    media_type = "text/csv"

    def __init__(
        self, header: bytes | None, *, text: str, identifier: str | None, has_mark: bool
    ) -> None:
        self._mark = codecs.BOM_UTF8 if has_mark else b""
        record = _decode_header(header or b"")
        wanted = {text} if identifier is None else {text, identifier}
        self._delimiter, names = _cut_header(record, wanted)
        self._refuse_absent("text", text, names)
        self._text_column, self._id_column = names.index(text), None
        if identifier is not None:
            self._refuse_absent("id", identifier, names)
            self._id_column = names.index(identifier)
        self._names = names_beside(names, FIELDS)

    def read(self, records: Sequence[bytes | None]) -> list[Row]:
        """Return what the records ask, in order; None stands for one that is too long."""
        try:
            lines = [record.decode() for record in records if record is not None]
        except UnicodeDecodeError:
            return list(map(self._read_one, records))
        if len(lines) == len(records) and (cells := self._parse(lines)) is not None:
            return list(map(self._row, cells))
        return list(map(self._read_one, records))

    def write(self, rows: Sequence[Row], answers: Sequence[Mapping[str, Any]]) -> bytes:
        """Return the rows, each with its answer."""
        return self._write(
            [*row.kept, *(_cell(answer[name]) for name in FIELDS)]
            for row, answer in zip(rows, answers, strict=True)
        )

    def head(self) -> bytes:
        """Return the header, with the columns of the answers."""
        return self._mark + self._write([[*self._names, *FIELDS]])

    def end(self, n_rows: int, n_errors: int) -> bytes:
        """Return the last record: as wide as the others, its last cell says how many they are."""
        return self._last(END, {"rows": n_rows, "errors": n_errors})

    def cut(self, problem: Mapping[str, Any]) -> bytes:
        """Return the last record of an answer that stops before the end: its last cell says why."""
        return self._last(CUT, problem)

    def _last(self, mark: str, said: Mapping[str, Any]) -> bytes:
        n_empty = len(self._names) + len(FIELDS) - 2
        return self._write([[mark, *[""] * n_empty, as_json(said)]])

    def _write(self, rows: Any) -> bytes:
        written = io.StringIO(newline="")
        delimiter = "," if self._delimiter == NO_DELIMITER else self._delimiter
        csv.writer(written, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
        return written.getvalue().encode()

    def _parse(self, lines: Sequence[str]) -> list[list[str]] | None:
        """Return the cells of the records, None if one of them is not a record."""
        try:
            cells = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None
        # With a mark that stands alone, a record would swallow the next one.
        return cells if len(cells) == len(lines) else None

    def _read_one(self, record: bytes | None) -> Row:
        if record is None:
            return self._refuse([], TOO_LONG)
        line = record.decode(errors="replace")
        cells = self._parse([line])
        if cells is None:
            return self._refuse([], _NOT_CSV)
        try:
            record.decode()
        except UnicodeDecodeError:
            return self._refuse(cells[0], NOT_UTF8)
        return self._row(cells[0])

    def _row(self, cells: list[str]) -> Row:
        if len(cells) != len(self._names):
            complaint = f"The row has {len(cells)} cells where the header has {len(self._names)}."
            return self._refuse(cells, complaint)
        item = {"text": cells[self._text_column]}
        if self._id_column is not None:
            item["id"] = cells[self._id_column]
        return Row(cells, item)

    def _refuse(self, cells: list[str], complaint: str) -> Row:
        """Return a row that has as many cells as the header, whatever was read."""
        n_columns = len(self._names)
        return Row([*cells, *[""] * (n_columns - len(cells))][:n_columns], complaint=complaint)

    def _refuse_absent(self, parameter: str, column: str, names: Sequence[str]) -> None:
        if column not in names:
            cut = _DELIMITER_NAMES.get(self._delimiter)
            how = f"cut at each {cut}" if cut else "without delimiter"
            detail = f"No column has this name, among the {len(names)} of the header ({how})."
            raise invalid_request([{"parameter": parameter, "detail": detail}])


def _decode_header(header: bytes) -> str:
    try:
        record = header.decode()
    except UnicodeDecodeError:
        raise _bad_header("The header is not UTF-8.") from None
    if not record.strip():
        raise _bad_header("The file begins with no header, or with one that is too long.")
    return record


def _cut_header(record: str, wanted: set[str]) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter that finds the wanted columns, then the most columns; and their names.

    Raises
    ------
    ProblemError
        If the header cannot be read.
    """
    found = []
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader([record], delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        names = distinct_names(cells)
        found.append((len(wanted.intersection(names)), len(names), delimiter, names))
    if not found:
        raise _bad_header(_NOT_CSV)
    _, n_columns, delimiter, names = max(found, key=lambda one: one[:2])
    if n_columns > MAX_COLUMNS:
        raise _bad_header(f"The header has more than {MAX_COLUMNS} columns.")
    return (delimiter if n_columns > 1 else NO_DELIMITER), names


def _bad_header(detail: str) -> Exception:
    return invalid_request([{"pointer": "#", "detail": detail}])


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str | float):
        return value
    return as_json(value)
