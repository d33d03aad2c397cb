"""Dataset: many coded texts, read from a table."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike

from libelle.data.datasets.dates import iso_dates
from libelle.data.datasets.examples import Source, read_source
from libelle.data.datasets.tables import Table, as_text, holds_numbers, open_table
from libelle.data.text import split_key
from libelle.errors import DataError, UsageError
from libelle.storage import DEFAULT_OPTIONS, StorageOptions, redact

PART_SEPARATOR = " : "


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Coded texts, row by row.

    Attributes
    ----------
    texts, codes : list of str
        One of each a row; no code is empty.
    dates : list of str or None
        ISO 8601, in UTC where a time zone was given; empty where there is none.
    groups : list of str or None
        What must stay together: a diary, a declarant. A row without group follows its split key.
    name, uri : str
        The file's name; where it stands, without secrets.
    n_rows_read, n_missing_codes : int
        Rows of the file; those left out because they have no code.
    warnings : tuple of str
        What looked wrong while reading.
    """

    texts: list[str]
    codes: list[str]
    dates: list[str] | None = None
    groups: list[str] | None = None
    name: str = "data"
    uri: str = ""
    n_rows_read: int = 0
    n_missing_codes: int = 0
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def keys(self) -> list[str]:
        """Split key of each text: texts that share it say the same thing."""
        return list(map(split_key, self.texts))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the rows (texts, codes, dates, groups), whatever file they came from."""
        digest = hashlib.sha256()
        for column in (self.texts, self.codes, self.dates, self.groups):
            digest.update(b"absent" if column is None else b"%d;" % len(column))
            for value in column or ():
                encoded = value.encode("utf-8", "surrogatepass")
                digest.update(b"%d:%b" % (len(encoded), encoded))
        return digest.hexdigest()

    def take(self, rows: ArrayLike) -> "Dataset":
        """Return the dataset of some rows, in the order given."""
        places = np.asarray(rows, dtype=np.int64).tolist()
        taken = replace(
            self,
            texts=_pick(self.texts, places),
            codes=_pick(self.codes, places),
            dates=None if self.dates is None else _pick(self.dates, places),
            groups=None if self.groups is None else _pick(self.groups, places),
        )
        if "keys" in self.__dict__:  # Already paid for.
            taken.__dict__["keys"] = _pick(self.keys, places)
        return taken


def read_dataset(
    uri: str | Path,
    *,
    text: str | Sequence[str] | None = None,
    code: str | None = None,
    date: str | None = None,
    group: str | None = None,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> Dataset:
    """Read coded texts; rows without a code are left out and counted.

    Parameters
    ----------
    uri : str or Path
        CSV, Parquet, NDJSON or xlsx, gzip or not, here or remote; or a `.toml` as `Source` wants.
    text : str or sequence of str, optional
        Column of the text; several are joined by " : ". What is given wins over the `.toml`.
    code, date, group : str, optional
        Columns of the code, of the date, and of what must stay on one side of a split.
    options : StorageOptions

    Raises
    ------
    UsageError
        If no column is named for the text or for the code.
    DataError
        If a column is missing, if nothing is coded, if all texts are empty, if a date is not one.
    StorageError
        If the file cannot be read, or has not the digest that the `.toml` gives.
    """
    source = source_with_columns(uri, text=text, code=code, date=date, group=group, options=options)
    with open_source(source, options) as table:
        refuse_unnamed(table, source)
        return _read_rows(table, source)


def source_with_columns(
    uri: str | Path,
    *,
    text: str | Sequence[str] | None = None,
    code: str | None = None,
    date: str | None = None,
    group: str | None = None,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> Source:
    """Return the source of an address; columns given here win over those of a `.toml`."""
    source = read_source(uri, options)
    texts = (text,) if isinstance(text, str) else tuple(text or source.text)
    return replace(
        source,
        text=texts,
        code=code or source.code,
        date=date or source.date,
        group=group or source.group,
    )


def open_source(source: Source, options: StorageOptions) -> AbstractContextManager[Table]:
    """Open the table of a source, its digest checked."""
    return open_table(
        source.address,
        options=options,
        delimiter=source.delimiter,
        sheet=source.sheet,
        sha256=source.sha256,
    )


def join_parts(columns: Sequence[Any]) -> Any:
    """Return one text a row out of Arrow columns of texts: parts that are not empty, joined."""
    if len(columns) == 1:
        return columns[0]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return pa.array([PART_SEPARATOR.join(filter(None, parts)) for parts in rows], pa.string())


def coded_rows(batch: pa.RecordBatch, source: Source) -> Any:
    """Return the rows of a batch that have a code, as an Arrow table of texts.

    Its columns are `text`, `code`, and `date` and `group` where the source names them. Codes and
    groups lose the blanks around them.
    """
    columns = {
        "text": join_parts([as_text(batch[name]) for name in source.text]),
        "code": pc.utf8_trim_whitespace(as_text(batch[source.code])),
    }
    if source.date is not None:
        columns["date"] = as_text(batch[source.date])
    if source.group is not None:
        columns["group"] = pc.utf8_trim_whitespace(as_text(batch[source.group]))
    rows = pa.table(columns)
    return rows.filter(pc.not_equal(rows["code"], ""))


def number_warnings(batch: pa.RecordBatch, source: Source) -> tuple[str, ...]:
    """Warn when codes are stored as numbers; refuse those that have decimals.

    Raises
    ------
    DataError
        If a code is 1.5: nobody can tell whether "1.5" or "1.50" was meant.
    """
    code = source.code
    if code is None or not holds_numbers(batch.schema.field(code)):
        return ()
    if pc.any(pc.match_substring_regex(as_text(batch[code]), r"^-?\d+\.\d+$")).as_py():
        raise DataError(
            f"Column {code!r} holds numbers with decimals: codes such as '01.10' were damaged when "
            "the file was made. Write the column as text."
        )
    return (
        f"Column {code!r} holds numbers: leading zeros may already be lost ('0111' read as 111). "
        "Compare with the nomenclature, and write codes as text.",
    )


def _read_rows(table: Table, source: Source) -> Dataset:
    names = column_names(source)
    n_read, warnings, parts = 0, dict[str, None](), list[Any]()
    for batch in table.read(names):
        warnings.update(dict.fromkeys(number_warnings(batch, source)))
        parts.append(coded_rows(batch, source))
        n_read += batch.num_rows
    rows = pa.concat_tables(parts, promote_options="permissive") if parts else None
    refuse_nothing(table.name, source, n_rows=n_read, n_coded=rows.num_rows if rows else 0)
    return _dataset(rows, source, n_read=n_read, warnings=tuple(warnings))


def _dataset(rows: Any, source: Source, *, n_read: int, warnings: tuple[str, ...]) -> Dataset:
    texts = rows["text"].to_pylist()
    refuse_nul(source, rows["code"])
    refuse_empty_texts(source, n_filled=sum(map(bool, map(str.strip, texts))))
    return Dataset(
        texts=texts,
        codes=rows["code"].to_pylist(),
        dates=iso_dates(rows["date"].to_pylist(), column=source.date) if source.date else None,
        groups=rows["group"].to_pylist() if source.group else None,
        name=source.name,
        uri=redact(source.address),
        n_rows_read=n_read,
        n_missing_codes=n_read - len(texts),
        warnings=warnings,
    )


def column_names(source: Source) -> list[str]:
    """Return the columns that a source names, each once."""
    named = (*source.text, source.code, source.date, source.group)
    return list(dict.fromkeys(name for name in named if name is not None))


def refuse_unnamed(table: Table, source: Source) -> None:
    """Raise an error unless a text and a code are named, and all that is named exists."""
    if not source.text or source.code is None:
        raise UsageError(
            f"{table.name}: name the columns of the text and of the code. "
            f"Columns: {', '.join(table.columns)}. `libelle check` guesses them."
        )
    table.require(column_names(source))


def refuse_one_code(name: str, *, n_codes: int) -> None:
    """Raise `DataError` when there is nothing to tell apart."""
    if n_codes < 2:
        raise DataError(
            f"{name} has one code only: there is nothing to learn. "
            "Give texts of two codes or more, or name another column."
        )


def refuse_nothing(name: str, source: Source, *, n_rows: int, n_coded: int) -> None:
    """Raise `DataError` when there is no row, or no code."""
    if n_rows == 0:
        raise DataError(f"{name} has a row of names and nothing below. Give coded texts.")
    if n_coded == 0:
        raise DataError(
            f"{name}: column {source.code!r} is empty on all of the {n_rows} rows. "
            "Name the column that holds the codes."
        )


def refuse_nul(source: Source, codes: Any) -> None:
    """Raise `DataError` when a code holds a NUL, which NumPy drops at the end of a text."""
    if pc.any(pc.match_substring(codes, "\0")).as_py():
        raise DataError(
            f"{source.name}: codes of {source.code!r} hold a NUL character: the file is damaged. "
            "Write it again."
        )


def refuse_empty_texts(source: Source, *, n_filled: int) -> None:
    """Raise `DataError` when no text says anything."""
    if n_filled == 0:
        raise DataError(
            f"{source.name}: the texts of {', '.join(map(repr, source.text))} are all empty. "
            "Name the column that holds the texts."
        )


def _pick(values: Sequence[str], places: Iterable[int]) -> list[str]:
    return [values[place] for place in places]
