"""Columns: what each column of a table looks like, and which hold the text and the code."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from libelle.data.datasets.dataset import open_source, refuse_nothing
from libelle.data.datasets.dates import is_date
from libelle.data.datasets.examples import read_source
from libelle.data.datasets.tables import as_text, holds_numbers
from libelle.storage import DEFAULT_OPTIONS, StorageOptions, redact

_ROWS_LOOKED_AT = 20_000
_TEXT_NAME = re.compile(
    r"text|libell|descri|activit|intitul|produ[ic]t|label|objet|reponse|verbatim"
)
_CODE_NAME = re.compile(r"code|label|coicop|naf|ape$|cpv|pcs|sic|nace|isco|rome|poste|classe|categ")
_NUMBER = re.compile(r"[\d.,-]+")


@dataclass(frozen=True, kw_only=True)
class ColumnSketch:
    """A column seen from its first rows; no value of it is kept.

    Attributes
    ----------
    name : str
    n_rows : int
        Rows looked at.
    filled_share, distinct_share : float
        Share of the rows that hold something; different values per filled row.
    n_distinct : int
    median_length, median_words : float
        In characters and in words, over the filled rows.
    date_share, numeric_share : float
        Share of the filled rows that are dates; that are made of digits, points and dashes.
    holds_numbers : bool
        Whether the file stores numbers rather than text.
    """

    name: str
    n_rows: int
    filled_share: float
    distinct_share: float
    n_distinct: int
    median_length: float
    median_words: float
    date_share: float
    numeric_share: float
    holds_numbers: bool

    def line(self) -> str:
        """Return the sketch in plain English."""
        return (
            f"{self.name}: {self.n_distinct:,} different values, {self.filled_share:.0%} filled, "
            f"{self.median_words:g} words and {self.median_length:g} characters in the middle"
        )


@dataclass(frozen=True, kw_only=True)
class ColumnGuess:
    """The columns of a table, and those that are most likely the text and the code.

    Attributes
    ----------
    uri : str
    columns : tuple of ColumnSketch
    text, code : str or None
        None where no column looks like it.
    """

    uri: str
    columns: tuple[ColumnSketch, ...]
    text: str | None
    code: str | None

    @property
    def command(self) -> str | None:
        """The command to type next; None when a column was not found."""
        if self.text is None or self.code is None:
            return None
        return shlex.join(["libelle", "train", self.uri, "--text", self.text, "--code", self.code])

    def to_dict(self) -> dict[str, Any]:
        """Return the guess as JSON takes it."""
        return asdict(self) | {"command": self.command}

    def lines(self) -> list[str]:
        """Return the columns and the guess in plain English."""
        n_rows = max((column.n_rows for column in self.columns), default=0)
        sketches = [f"First {n_rows:,} rows:", *(column.line() for column in self.columns)]
        if self.command is None:
            return [*sketches, "No guess: name the columns with --text and --code."]
        return [*sketches, f"Our guess: {self.command}"]


def list_columns(
    uri: str | Path, *, options: StorageOptions = DEFAULT_OPTIONS
) -> tuple[ColumnSketch, ...]:
    """Sketch the columns of a table from its first rows.

    Raises
    ------
    StorageError, DataError
        If the table cannot be read.
    """
    source = read_source(uri, options)
    with open_source(source, options) as table:
        batches = list(islice(table.read(None), 1))
        refuse_nothing(table.name, source, n_rows=len(batches), n_coded=len(batches))
    rows = batches[0].slice(0, _ROWS_LOOKED_AT)
    return tuple(_sketch(field, rows[field.name]) for field in rows.schema)


def guess_columns(uri: str | Path, *, options: StorageOptions = DEFAULT_OPTIONS) -> ColumnGuess:
    """Guess the text (long, nearly never the same) and the code (short, few values, repeated).

    Raises
    ------
    StorageError, DataError
        If the table cannot be read.
    """
    columns = list_columns(uri, options=options)
    code = _best(columns, _code_likelihood)
    others = [column for column in columns if column.name != code]
    text = _best(others, _text_likelihood)
    return ColumnGuess(uri=redact(uri), columns=columns, text=text, code=code)


def _sketch(field: Any, column: Any) -> ColumnSketch:
    values = [value.strip() for value in as_text(column).to_pylist()]
    filled = [value for value in values if value] or [""]
    distinct = set(filled)
    some = filled[:500]
    return ColumnSketch(
        name=field.name,
        n_rows=len(values),
        filled_share=sum(map(bool, values)) / max(1, len(values)),
        distinct_share=len(distinct) / len(filled),
        n_distinct=len(distinct - {""}),
        median_length=median(map(len, filled)),
        median_words=median(len(value.split()) for value in filled),
        date_share=sum(map(_looks_like_a_date, some)) / len(some),
        numeric_share=sum(map(bool, map(_NUMBER.fullmatch, some))) / len(some),
        holds_numbers=holds_numbers(field),
    )


def _looks_like_a_date(value: str) -> bool:
    return len(value) >= 8 and not value.isdigit() and is_date(value)


def _best(
    sketches: Sequence[ColumnSketch], likelihood: Callable[[ColumnSketch], float]
) -> str | None:
    rated = [(likelihood(sketch), -place) for place, sketch in enumerate(sketches)]
    best, place = max(rated, default=(0.0, 0))
    return sketches[-place].name if best > 0 else None


def _code_likelihood(sketch: ColumnSketch) -> float:
    """Rate a column as the code; 0 when it cannot be: sentences, dates, one value, all apart."""
    repeated = sketch.n_distinct >= 2 and sketch.distinct_share <= 0.5
    if not repeated or sketch.median_words > 2 or sketch.median_length > 20 or _is_date(sketch):
        return 0.0
    named = 2.0 * bool(_CODE_NAME.search(sketch.name.casefold()))
    short = 1 / (1 + sketch.median_length / 10)
    coded = sketch.numeric_share + 0.5 * (sketch.n_distinct >= 5) - 0.5 * sketch.holds_numbers
    return 0.1 + named + short + max(0.0, coded) + 0.5 * sketch.filled_share


def _text_likelihood(sketch: ColumnSketch) -> float:
    """Rate a column as the text; 0 when it cannot be: numbers, dates, identifiers."""
    identifier = sketch.median_words <= 1 and sketch.distinct_share > 0.99
    if sketch.n_distinct < 2 or sketch.numeric_share > 0.5 or _is_date(sketch) or identifier:
        return 0.0
    named = 1.5 * bool(_TEXT_NAME.search(sketch.name.casefold()))
    long = min(sketch.median_words, 10.0) / 5
    return 0.1 + named + long + sketch.distinct_share + sketch.filled_share


def _is_date(sketch: ColumnSketch) -> bool:
    return sketch.date_share > 0.8
