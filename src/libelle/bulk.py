"""Bulk: many texts; read, predict and write by chunks, in bounded memory."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from libelle.data.datasets import as_text, open_table
from libelle.data.headers import names_beside
from libelle.decision import Decision
from libelle.errors import UsageError
from libelle.predictor import Answers, Prediction, Predictor, prediction_row
from libelle.storage import (
    DEFAULT_OPTIONS,
    StorageOptions,
    is_remote,
    local_path,
    write_atomically,
)

CHUNK_TEXTS = 2_000
CANDIDATES = pa.list_(
    pa.struct(
        [
            ("rank", pa.int32()),
            ("code", pa.string()),
            ("title", pa.string()),
            ("probability", pa.float64()),
        ]
    )
)
COLUMNS = {
    "code": pa.string(),
    "title": pa.string(),
    "confidence": pa.float64(),
    "decision": pa.string(),
    "reason": pa.string(),
    "top_code": pa.string(),
    "model_digest": pa.string(),
    "candidates": CANDIDATES,
}


class Recorder(Protocol):
    """What names predictions and keeps them."""

    def name(self, positions: Sequence[int], texts: Sequence[str]) -> list[str]:
        """Return the identifiers of texts, given with their positions in the file."""

    def note(
        self,
        positions: Sequence[int],
        texts: Sequence[str],
        ids: Sequence[str | None],
        answers: Answers,
        *,
        started: float | None = None,
    ) -> None:
        """Keep predictions; `started` is when the work on them began."""


@dataclass(frozen=True)
class BulkSummary:
    """What became of the texts of a file."""

    output: str
    n_texts: int
    n_automatic: int
    n_review: int
    n_refused: int

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the summary in words."""
        return [
            f"{self.n_texts:,} texts: {self.n_automatic:,} automatic, {self.n_review:,} to review, "
            f"{self.n_refused:,} refused. Written to {self.output}."
        ]


def predict_file(
    predictor: Predictor,
    source: str,
    output: str,
    *,
    text: str,
    identifier: str | None = None,
    top_k: int = 5,
    recorder: Recorder | None = None,
    options: StorageOptions = DEFAULT_OPTIONS,
    progress: Callable[[int], None] = lambda _: None,
) -> BulkSummary:
    """Code the texts of a file into another: all its columns, then those of the prediction.

    A column of the file that bears the name of a prediction's is written as `input_NAME`.

    Parameters
    ----------
    predictor : Predictor
    source, output : str
        Paths or fsspec addresses; `output` ends in `.csv` or `.parquet` and is written whole or
        not at all.
    text : str
        Column of the texts; a missing one counts as empty.
    identifier : str, optional
        Column of what the caller calls each text.
    top_k : int
        Most candidates of one text.
    recorder : Recorder, optional
        Names the predictions, which get a column `prediction_id`, and keeps them.
    progress : callable
        Receives the number of texts done so far.

    Raises
    ------
    DataError
        If the file is no table or has no such column.
    UsageError
        If `output` has another ending, or is the file of the texts.
    """
    write = _writer_of(output)
    _refuse_same_file(source, output)
    counts = dict.fromkeys(Decision, 0)
    with open_table(source, options=options) as table:
        table.require([text] if identifier is None else [text, identifier])
        columns = COLUMNS if recorder is None else {"prediction_id": pa.string(), **COLUMNS}
        names = names_beside(table.columns, columns)
        with write_atomically(output, options) as stream, write(stream) as append:
            for batch in _chunks(table.read(None)):
                start = sum(counts.values())
                texts = as_text(batch[text]).to_pylist()
                ids = [None] * len(texts) if identifier is None else _as_ids(batch[identifier])
                predictions = _answer(predictor, texts, ids, start, top_k, recorder)
                for prediction in predictions:
                    counts[prediction.decision] += 1
                append(_beside(batch.rename_columns(names), predictions, columns, predictor.digest))
                progress(sum(counts.values()))
            if not any(counts.values()):
                append(_beside(_no_rows(names), [], columns, predictor.digest))
    return BulkSummary(
        output,
        sum(counts.values()),
        counts[Decision.AUTOMATIC],
        counts[Decision.REVIEW],
        counts[Decision.REFUSED],
    )


def _chunks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, CHUNK_TEXTS):
            yield batch.slice(start, CHUNK_TEXTS)


def _answer(
    predictor: Predictor,
    texts: list[str],
    ids: Sequence[str | None],
    start: int,
    top_k: int,
    recorder: Recorder | None,
) -> list[Prediction]:
    if recorder is None:
        return predictor.predict(texts, top_k=top_k)
    began, positions = time.perf_counter(), range(start, start + len(texts))
    names = recorder.name(positions, texts)
    answers = predictor.answer(texts, top_k=top_k, prediction_ids=names)
    recorder.note(positions, texts, ids, answers, started=began)
    return answers.predictions


def _as_ids(column: Any) -> list[str | None]:
    return [text or None for text in as_text(column).to_pylist()]


def _beside(
    batch: pa.RecordBatch,
    predictions: Sequence[Prediction],
    columns: Mapping[str, pa.DataType],
    digest: str,
) -> pa.Table:
    """Return the batch's columns, then the predictions'."""
    schema = pa.schema([*batch.schema, *(pa.field(*column) for column in columns.items())])
    rows = [
        {"prediction_id": one.prediction_id, "model_digest": digest, **prediction_row(one)}
        for one in predictions
    ]
    predicted = [pa.array([row[name] for row in rows], kind) for name, kind in columns.items()]
    return pa.Table.from_arrays([*batch.columns, *predicted], schema=schema)


def _no_rows(columns: Sequence[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], pa.schema([(name, pa.string()) for name in columns]))


def _refuse_same_file(source: str, output: str) -> None:
    same = source == output
    if not is_remote(source) and not is_remote(output):
        same = local_path(source).resolve() == local_path(output).resolve()
    if same:
        raise UsageError(f"{output} is the file of the texts: name another one to write.")


def _writer_of(output: str) -> Any:
    writers = {".csv": _writing_csv, ".parquet": _writing_parquet}
    suffix = Path(output).suffix.lower()
    if suffix not in writers:
        raise UsageError(f"{output}: the file to write must end in .csv or .parquet.")
    return writers[suffix]


@contextmanager
def _writing_parquet(stream: IO[bytes]) -> Iterator[Callable[[pa.Table], None]]:
    writers: list[pa.parquet.ParquetWriter] = []

    def append(table: pa.Table) -> None:
        if not writers:
            writers.append(pa.parquet.ParquetWriter(stream, table.schema, compression="zstd"))
        writers[0].write_table(table)

    yield append
    for writer in writers:
        writer.close()


@contextmanager
def _writing_csv(stream: IO[bytes]) -> Iterator[Callable[[pa.Table], None]]:
    writers: list[pa.csv.CSVWriter] = []

    def append(table: pa.Table) -> None:
        position = table.schema.get_field_index("candidates")
        as_json = [json.dumps(row, ensure_ascii=False) for row in table["candidates"].to_pylist()]
        flat = table.set_column(position, "candidates", pa.array(as_json, pa.string()))
        if not writers:
            writers.append(pa.csv.CSVWriter(stream, flat.schema))
        writers[0].write_table(flat)

    yield append
    for writer in writers:
        writer.close()
