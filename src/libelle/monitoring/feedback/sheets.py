"""Sheets: predictions as CSV that coders fill in, and their answers read back."""

import csv
import io
from collections.abc import Mapping

import pyarrow as pa

from libelle.errors import DataError
from libelle.monitoring.feedback.exporting import Export
from libelle.monitoring.feedback.importing import (
    VERDICTS,
    Answer,
    Complaint,
    ReadAnswers,
)
from libelle.monitoring.feedback.rows import FeedbackVerdict

TO_FILL_IN = ("verdict", "code", "coder")
NEEDED = ("prediction_id", *TO_FILL_IN)
_SHOWN = ("prediction_id", "id", "text", "decision", "confidence", "candidates")
_DELIMITERS = ",;\t|"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def export_sheet(items: pa.Table) -> Export:
    """Write predictions as CSV, with the columns that coders fill in: verdict, code, coder.

    It is in UTF-8 with a byte order mark, as spreadsheets like it. A text that the log does not
    keep is an empty cell. Cells that a spreadsheet would run as formulas begin with an apostrophe.

    Parameters
    ----------
    items : pyarrow.Table
        As `read_items` gives it.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow([*_SHOWN, *TO_FILL_IN])
    for item in items.to_pylist():
        shown = {**item, "candidates": " ".join(one["code"] for one in item["candidates"])}
        writer.writerow([*(_cell(shown[name]) for name in _SHOWN), *("" for _ in TO_FILL_IN)])
    content = stream.getvalue().encode("utf-8-sig")
    n_without_text = items["text"].null_count
    return Export({"": content}, items.num_rows, n_without_text, "their cells are empty")


def import_sheet(content: bytes, *, coder: str | None = None) -> ReadAnswers:
    """Read the answers of a CSV with the columns prediction_id, verdict, code and coder.

    Rows whose verdict and code are empty were not answered. Other columns are left alone.

    Parameters
    ----------
    content : bytes
        UTF-8; the delimiter, among `,` `;` tab `|`, is found in the header.
    coder : str or None
        Who answered where the sheet does not say.

    Raises
    ------
    DataError
        If it is no such CSV.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("It is not in UTF-8: save it as CSV UTF-8.") from None
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        missing = set(NEEDED) - {"coder"} - set(reader.fieldnames or ())
        if missing:
            raise DataError(f"Columns are missing: {', '.join(sorted(missing))}. Add them.")
        rows = list(reader)
    except csv.Error as error:
        raise DataError(f"It is not CSV: {error}.") from error
    return _read_rows(rows, coder)


def _read_rows(rows: list[dict[str, str]], coder: str | None) -> ReadAnswers:
    answers: list[Answer] = []
    complaints: list[Complaint] = []
    n_unanswered = 0
    for number, row in enumerate(rows, 2):  # As a spreadsheet counts: the header is the first.
        cells = {name: (row.get(name) or "").strip() for name in NEEDED}
        if not (cells["verdict"] or cells["code"]):
            n_unanswered += 1
            continue
        one = _read_row(f"Row {number}", cells, coder)
        if isinstance(one, Complaint):
            complaints.append(one)
        else:
            answers.append(one)
    return ReadAnswers(answers, complaints, n_unanswered)


def _read_row(where: str, cells: Mapping[str, str], coder: str | None) -> Answer | Complaint:
    try:
        verdict = FeedbackVerdict(cells["verdict"])
    except ValueError:
        return Complaint(where, f"the verdict is none of {VERDICTS}.")
    named = cells["coder"] or coder or ""
    return Answer(where, cells["prediction_id"], verdict, cells["code"] or None, named)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
