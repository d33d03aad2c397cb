"""Coding: the rows of a file, answered by the API a batch at a time."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any, Final

from libelle.dashboard.calling import ApiClient
from libelle.dashboard.trying.tables import Shape, iter_rows, write_rows

ADDED: Final = ("code", "title", "confidence", "decision", "reason", "top_code", "error")
BATCH_ROWS: Final = 500
FAILED: Final = "failed"
_NAMES_OF_TEXTS: Final = ("libel", "text", "descri", "intitul", "activit", "objet", "profession")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"[+-]?\d[\d\s.,]*%?")


def guess_column(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Return which column holds the texts: by its name, otherwise the one with most letters."""
    for name in _NAMES_OF_TEXTS:
        for place, column in enumerate(columns):
            if name in column.casefold():
                return place
    letters: Counter[int] = Counter()
    for row in rows:
        for place, cell in enumerate(row):
            letters[place] += sum(one.isalpha() for one in str(cell or ""))
    return max(range(len(columns)), key=lambda place: letters[place])


def code_file(
    file: IO[bytes], into: IO[bytes], shape: Shape, *, column: int, api: ApiClient, name: str
) -> Counter[str]:
    """Write a file again with the answers of the API beside each row.

    Parameters
    ----------
    file, into : binary files
    shape : Shape
    column : int
        Place of the texts.
    api : ApiClient
    name : str
        Of the work: the same again makes the same rows in the log.

    Returns
    -------
    Counter of str
        Rows by decision; `failed` for those that the API could not answer.

    Raises
    ------
    ApiGoneError, ApiRefusalError
        If the API does not answer, or refuses.
    """
    counts: Counter[str] = Counter()
    rows = iter_rows(file, shape)
    header = [f"input_{one}" if one in ADDED else one for one in map(str, next(rows))]
    coded = _code_rows(rows, counts, column=column, api=api, name=name)
    write_rows(_with_header([*header, *ADDED], coded), into, shape)
    return counts


def neutralize(cell: Any) -> Any:
    """Return a cell that no spreadsheet runs: an apostrophe stands before what looks a formula.

    Numbers with a sign stay as they are.
    """
    if isinstance(cell, str) and cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _with_header(header: list[str], rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    yield [neutralize(cell) for cell in header]
    for row in rows:
        yield [neutralize(cell) for cell in row]


def _code_rows(
    rows: Iterator[Sequence[Any]], counts: Counter[str], *, column: int, api: ApiClient, name: str
) -> Iterator[list[Any]]:
    number = 0
    while chunk := list(islice(rows, BATCH_ROWS)):
        texts = ["" if row[column] is None else str(row[column]) for row in chunk]
        body = {"items": [{"text": text} for text in texts], "top_k": 1}
        results = api.post("/v1/predict/batch", body, request_id=f"{name}-{number}")
        for row, result in zip(chunk, results.content["results"], strict=True):
            answer = _cells_of(result)
            counts[answer["decision"] or FAILED] += 1
            yield [*row, *(answer[one] for one in ADDED)]
        number += 1


def _cells_of(result: Mapping[str, Any]) -> dict[str, Any]:
    prediction = result["prediction"]
    if prediction is None:
        errors = [one["detail"] for one in result["error"].get("errors", ())]
        told = "; ".join(errors) or result["error"]["detail"]
        return dict.fromkeys(ADDED, "") | {"error": told}
    candidates = prediction["candidates"]
    cells = {one: prediction[one] for one in ("code", "title", "confidence", "decision", "reason")}
    top_code = candidates[0]["code"] if candidates else ""
    return {name: "" if cell is None else cell for name, cell in cells.items()} | {
        "top_code": top_code,
        "error": "",
    }
