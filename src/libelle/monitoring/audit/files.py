"""Files: a draw as it stands on a disk, the sheet to fill in and the sample to estimate from."""

import codecs
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from libelle.errors import DataError, UsageError
from libelle.storage import (
    DEFAULT_OPTIONS,
    StorageOptions,
    open_binary,
    open_filesystem,
    redact,
    write_atomically,
)

_KEY = b"libelle_audit"
_SHEET, _SAMPLE = ".csv", ".sample.parquet"


@dataclass(frozen=True)
class DrawRecord:
    """What a draw was made of.

    Attributes
    ----------
    model_name : str
    since, until : str
        First and last request of the rows, ISO 8601.
    seed : int
    """

    model_name: str
    since: str
    until: str
    seed: int

    @classmethod
    def of(cls, rows: pa.Table, *, seed: int) -> Self:
        """Note the rows of one model, before texts are drawn from them."""
        days = pc.min_max(rows["received_at"]).as_py()
        first, last = (days[name].isoformat(timespec="seconds") for name in ("min", "max"))
        return cls(rows["model_name"][0].as_py(), first, last, seed)


def sample_uri_of(sheet_uri: str) -> str:
    """Return where the sample of a sheet stands, beside it.

    Raises
    ------
    UsageError
        If the sheet is no CSV file.
    """
    if PurePosixPath(sheet_uri).suffix.lower() != _SHEET:
        raise UsageError(f"{redact(sheet_uri)}: the sheet to write must end in .csv.")
    return sheet_uri[: -len(_SHEET)] + _SAMPLE


def refuse_drawn(sheet_uri: str, *, options: StorageOptions = DEFAULT_OPTIONS) -> None:
    """Refuse the name of a sheet that cannot be written, or must not be.

    Raises
    ------
    UsageError
        If the sheet is no CSV file, or if it or its sample is there already.
    """
    for uri in (sheet_uri, sample_uri_of(sheet_uri)):
        _refuse_existing(uri, options)


def write_draw(
    sheet_uri: str,
    sheet: pa.Table,
    sample: pa.Table,
    record: DrawRecord,
    *,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> str:
    """Write a sheet and its sample, both or none, and return where the sample stands.

    The sample holds no text: those to judge stand in the sheet only.

    Raises
    ------
    UsageError
        If either is there already: codes may have been written in it, and another draw after a
        look would void the audit.
    StorageError
        If either cannot be written.
    """
    refuse_drawn(sheet_uri, options=options)
    sample_uri = sample_uri_of(sheet_uri)
    noted = sample.drop_columns(["text", "text_kind"]).replace_schema_metadata(
        {_KEY: json.dumps(asdict(record))}
    )
    _write(sample_uri, lambda stream: pq.write_table(noted, stream, compression="zstd"), options)
    try:
        _write(sheet_uri, lambda stream: _write_csv(sheet, stream), options)
    except BaseException:
        filesystem, path = open_filesystem(sample_uri, options)
        filesystem.rm(path)
        raise
    return sample_uri


def read_sample(
    uri: str, *, options: StorageOptions = DEFAULT_OPTIONS
) -> tuple[pa.Table, DrawRecord]:
    """Read the sample that `write_draw` wrote.

    Raises
    ------
    DataError
        If it is none.
    StorageError
        If it cannot be read.
    """
    try:
        with open_binary(uri, options) as stream:
            table = pq.read_table(stream)
        return table, DrawRecord(**json.loads((table.schema.metadata or {})[_KEY]))
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{redact(uri)} is not the sample of an audit. Give the file that ends in {_SAMPLE}, "
            "as `libelle audit draw` wrote it."
        ) from error


def _refuse_existing(uri: str, options: StorageOptions) -> None:
    filesystem, path = open_filesystem(uri, options)
    if filesystem.exists(path):
        raise UsageError(
            f"{redact(uri)} is there already, and codes may have been written for it. Another draw "
            "after a look voids an audit: name another file, for another period."
        )


def _write_csv(sheet: pa.Table, stream: IO[bytes]) -> None:
    stream.write(codecs.BOM_UTF8)  # Without it, Excel misreads accents.
    pa.csv.write_csv(sheet, stream)


def _write(uri: str, write: Callable[[IO[bytes]], Any], options: StorageOptions) -> None:
    with write_atomically(uri, options) as stream:
        write(stream)
