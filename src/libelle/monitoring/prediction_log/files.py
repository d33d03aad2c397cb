"""Files: the Parquet files of the log, of this version or an older one."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from libelle.errors import DataError
from libelle.monitoring.prediction_log.schema import NAMES, SCHEMA_VERSION, arrow_schema
from libelle.monitoring.prediction_log.store import (
    SUFFIX,
    FailureKind,
    LogStore,
    LogStoreError,
    kind_of,
)

_VERSION_KEY = b"libelle_schema_version"
_MARK_DIGITS = 8
_MARK = re.compile(f"-[0-9a-f]{{{_MARK_DIGITS}}}$")


@contextmanager
def _opened(store: LogStore, name: str) -> Iterator[pq.ParquetFile]:
    """Open a file; what goes wrong with it is told as `read_file` does."""
    if not name.endswith(SUFFIX):
        raise DataError("it is no Parquet file")
    with store.open(name) as stream:
        try:
            file = pq.ParquetFile(stream, page_checksum_verification=True)
            _check_version(file.schema_arrow.metadata or {})
            yield file
        except (DataError, FileNotFoundError):
            raise
        except Exception as error:  # Damage and filesystems raise all kinds of errors.
            if kind_of(error) is FailureKind.OTHER:
                raise DataError("it is damaged, or it is no file of libelle") from error
            raise LogStoreError(store.uri, kind_of(error), error) from error


def read_file(store: LogStore, name: str, columns: Sequence[str] = NAMES) -> pa.Table:
    """Read a file of the log; columns that its version had not are null.

    Raises
    ------
    DataError
        If it is not one of libelle's, or of a later version.
    FileNotFoundError
        If it is not there any more.
    StorageError
        If the log is out of reach.
    """
    with _opened(store, name) as file:
        there = set(file.schema_arrow.names)
        return complete(file.read([one for one in columns if one in there]), columns)


def iter_file(
    store: LogStore, name: str, columns: Sequence[str] = NAMES, *, n_rows: int = 16_384
) -> Iterator[pa.Table]:
    """Read a file of the log by pieces of at most `n_rows`; as `read_file`, and it raises the same.

    A file that is damaged further on raises after its first pieces were given.
    """
    with _opened(store, name) as file:
        there = set(file.schema_arrow.names)
        wanted = [column for column in columns if column in there]
        for batch in file.iter_batches(n_rows, columns=wanted):
            yield complete(pa.Table.from_batches([batch]), columns)


@dataclass(frozen=True)
class Footer:
    """What the end of a file says of it.

    Attributes
    ----------
    n_rows : int
    metadata : dict of bytes to bytes
    """

    n_rows: int
    metadata: dict[bytes, bytes]


def read_footer(store: LogStore, name: str) -> Footer:
    """Read the end of a file of the log, none of its rows; raises as `read_file`."""
    with _opened(store, name) as file:
        return Footer(file.metadata.num_rows, file.schema_arrow.metadata or {})


def complete(table: pa.Table, columns: Iterable[str]) -> pa.Table:
    """Return the columns asked, null where the table had none of that name."""
    schema = schema_of(columns)
    arrays = [
        (
            table[field.name].cast(field.type)
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
        )
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def schema_of(columns: Iterable[str]) -> pa.Schema:
    """Return the schema of some columns, all of which may be null: older versions lack some."""
    whole = arrow_schema()
    return pa.schema([whole.field(name).with_nullable(True) for name in columns])


def write_file(store: LogStore, stem: str, table: pa.Table) -> str:
    """Write a file whose name tells its content; the same rows give the same name and bytes.

    Parameters
    ----------
    store : LogStore
    stem : str
        What the name begins with, the folder of the day first.
    table : pyarrow.Table

    Returns
    -------
    str
        Name of the file.
    """
    content = _to_parquet(table)
    name = f"{stem}-{sha256(content).hexdigest()[:_MARK_DIGITS]}{SUFFIX}"
    store.put_once(name, content)
    return name


def replace_file(store: LogStore, name: str, table: pa.Table) -> None:
    """Put rows in the place of those of a file; cut in between, both are there."""
    if table.num_rows:
        stem = _MARK.sub("", name.removesuffix(SUFFIX))  # Without one, somebody renamed it.
        if write_file(store, stem, table) == name:
            return
    store.delete([name])


def _to_parquet(table: pa.Table) -> bytes:
    metadata = {_VERSION_KEY: str(SCHEMA_VERSION), **(table.schema.metadata or {})}
    stream = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(metadata),
        stream,
        compression="zstd",
        write_page_checksum=True,
    )
    return stream.getvalue()


def _check_version(metadata: dict[bytes, bytes]) -> None:
    if _VERSION_KEY not in metadata:
        raise DataError("it is no file of libelle")
    version = int(metadata[_VERSION_KEY])
    if version > SCHEMA_VERSION:
        raise DataError(f"it has version {version}, this libelle reads {SCHEMA_VERSION}")
