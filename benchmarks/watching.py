"""Watching: what a drift study, the review queue and merging cost on a log of millions of rows.

python -m benchmarks.watching --rows 10000000
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from libelle.data.demo import make_demo
from libelle.decision import Decision
from libelle.monitoring.prediction_log import LogOptions
from libelle.monitoring.prediction_log.files import write_file
from libelle.monitoring.prediction_log.schema import arrow_schema
from libelle.monitoring.prediction_log.store import LogStore, folder_of
from libelle.predictor import Predictor

KEY = "k" * 40
N_DAYS = 84
N_FIRST = 20
N_SMALL_FILES, SMALL_FILE_ROWS = 60, 5_000
SEED = 0
TRAINING = ("--trials=1", "--folds=2", "--target-error=0.1")
_MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
seconds = time.perf_counter() - started
print(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def main() -> None:
    """Write a log, measure each reader in a process of its own, print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the log")
    parser.add_argument("--folder", type=Path, help="where the log is written, and left")
    parser.add_argument("--queue", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.queue:
        read_queue(options.queue)
    elif options.folder:
        measure(options.folder, options.rows)
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), options.rows)


def measure(folder: Path, n_rows: int) -> None:
    """Write a log in a folder, unless it is there, and print what reading it costs."""
    if not (folder / "log").exists():
        write_log(folder, n_rows)
    small = folder / "small"
    write_small_files(folder, small)
    size = sum(path.stat().st_size for path in (folder / "log").rglob("*.parquet"))
    print(f"\n{n_rows:,} rows in {N_DAYS} days, {size / 2**20:,.0f} MB\n")
    week, before = (f"{today() - timedelta(days=n):%Y-%m-%d}" for n in (7, 14))
    drift = [sys.executable, "-m", "libelle.cli", "drift", f"--since={week}", "--json"]
    model = f"--model={folder / 'model'}"
    queue = [sys.executable, "-m", "benchmarks.watching", f"--queue={folder}"]
    commands = {
        "drift, a week against the reference": [*drift, model],
        "drift, a week against the one before": [*drift, model, "--against-log", before, week],
        "review queue, its first page": queue,
    }
    print("| | seconds | peak MB |\n|---|---:|---:|")
    for name, command in commands.items():
        seconds, peak = run_child(command, folder)
        print(f"| {name} | {seconds:.1f} | {peak:,.0f} |", flush=True)
    compact = [sys.executable, "-m", "libelle.cli", "log", "compact"]
    seconds, peak = run_child(compact, small)
    name = f"merging a day of {N_SMALL_FILES * SMALL_FILE_ROWS:,} rows in {N_SMALL_FILES} files"
    print(f"| {name} | {seconds:.1f} | {peak:,.0f} |", flush=True)


def run_child(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return its duration, and the peak of its memory in MB."""
    # Started by a small process: the peak of a child begins with the memory of its parent.
    measured = subprocess.run(
        [sys.executable, "-S", "-c", _MEASURE, *command],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, n_kilobytes = measured.stdout.split()
    return float(seconds), float(n_kilobytes) / 2**10


def environment(folder: Path) -> dict[str, str]:
    """Return the settings of the log in a folder."""
    return {
        **os.environ,
        "LIBELLE_HOME": str(folder / "home"),
        "LIBELLE_LOG_URI": str(folder / "log"),
        "LIBELLE_LOG_KEY": KEY,
    }


def read_queue(folder: Path) -> None:
    """Read what waits for coders, as the page does, and print what stands first."""
    from libelle.dashboard.review.waiting import read_waiting

    options = LogOptions(uri=str(folder / "log"), spool_path=folder / "spool", key=KEY.encode())
    waiting = read_waiting(options, sheets=(), now=datetime.now(UTC))
    print(json.dumps([one.text for one in waiting.items[:N_FIRST]]))


def today() -> datetime:
    """Return the beginning of this day, UTC."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def write_log(folder: Path, n_rows: int) -> None:
    """Make a model, and write what it would have answered, one file a day."""
    folder.mkdir(parents=True, exist_ok=True)
    predictor = make_model(folder)
    texts = [one.text for one in make_demo(seed=SEED, n_texts=5_000)]
    answered = describe(predictor, texts)
    generator = np.random.default_rng(SEED)
    store = LogStore(str(folder / "log"))
    for number in range(N_DAYS):
        first = today() - timedelta(days=N_DAYS - 1 - number)
        n_day = n_rows // N_DAYS + (number < n_rows % N_DAYS)
        day = make_day(answered, first, n_day, generator)
        write_file(store, f"{folder_of(first.date())}/compacted", day)


def write_small_files(folder: Path, small: Path) -> None:
    """Write a log with the files that uploaders bring on one busy day."""
    texts = [one.text for one in make_demo(seed=SEED, n_texts=5_000)]
    answered = describe(Predictor.load(folder / "model"), texts)
    generator = np.random.default_rng(SEED)
    store, yesterday = LogStore(str(small / "log")), today() - timedelta(days=1)
    day = make_day(answered, yesterday, N_SMALL_FILES * SMALL_FILE_ROWS, generator)
    for number in range(N_SMALL_FILES):
        part = day.slice(number * SMALL_FILE_ROWS, SMALL_FILE_ROWS)
        write_file(store, f"{folder_of(yesterday.date())}/pod-{number}", part)


def make_model(folder: Path) -> Predictor:
    """Train a small model."""
    cli = [sys.executable, "-m", "libelle.cli"]
    data = str(folder / "demo.csv")
    columns = ("--text=text", "--code=code", "--model=demo")
    for command in (("demo", "data", data, "--texts=3000"), ("train", data, *columns, *TRAINING)):
        subprocess.run(
            [*cli, *command], check=True, env=environment(folder), stdout=subprocess.DEVNULL
        )
    made = next((folder / "home" / "results").glob("*/model"))
    made.rename(folder / "model")
    return Predictor.load(folder / "model")


def describe(predictor: Predictor, texts: list[str]) -> pa.Table:
    """Return what the log says of texts, whenever they come."""
    answers = predictor.answer(texts, top_k=5)
    rows = [row_of(one, predictor) for one in answers.predictions]
    for row, text, *counts in zip(
        rows,
        texts,
        answers.features.n_characters,
        answers.features.n_words,
        answers.features.n_unknown_words,
        strict=True,
    ):
        keeps = row["decision"] == Decision.REVIEW.value
        row |= dict(zip(("n_characters", "n_words", "n_unknown_words"), counts, strict=True))
        row |= {"text": text if keeps else None, "text_kind": "original" if keeps else None}
        row["text_probability"] = 1.0 if keeps else 0.0
    return pa.Table.from_pylist(rows, schema=arrow_schema())


def row_of(prediction: Any, predictor: Predictor) -> dict[str, Any]:
    """Return a row of the log, less what differs from one request to another."""
    candidates = prediction.candidates
    return {
        "schema_version": 1,
        "prediction_id": "",
        "request_id": "",
        "position": 0,
        "received_at": datetime.now(UTC),
        "order": 0,
        "duration_seconds": 0.002,
        "model_name": predictor.name,
        "model_digest": predictor.digest,
        "guarantee_status": predictor.guarantee.status.value,
        "target_error": predictor.guarantee.target_error,
        "threshold_id": predictor.guarantee.threshold_id,
        "decision": prediction.decision.value,
        "reason": prediction.reason.value,
        "code": prediction.code,
        "top_code": candidates[0].code if candidates else None,
        "confidence": prediction.confidence,
        "candidates": [{"code": one.code, "probability": one.probability} for one in candidates],
    }


def make_day(
    answered: pa.Table, first: datetime, n_rows: int, generator: np.random.Generator
) -> pa.Table:
    """Return the rows of a day: answers drawn at random, each under names of its own."""
    drawn = generator.integers(0, len(answered), n_rows)
    names = draw_names(n_rows, generator)
    seconds = np.sort(generator.random(n_rows)) * 86_400
    times = np.datetime64(first.replace(tzinfo=None), "us") + (seconds * 1e6).astype(np.int64)
    columns = {
        "prediction_id": pa.array([as_prediction_id(one) for one in names]),
        "request_id": pa.array([one[:16] for one in names]),
        "received_at": pa.array(times).cast(pa.timestamp("us", tz="UTC")),
        "order": pa.array(np.arange(n_rows)),
        "text_hash": pa.array(draw_names(n_rows, generator)),
    }
    rows = answered.take(pa.array(drawn))
    for name, column in columns.items():
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(name), column)
    return rows


def as_prediction_id(name: str) -> str:
    """Return a name in the form of the identifiers of predictions."""
    return f"{name[:8]}-{name[8:12]}-8{name[13:16]}-8{name[17:20]}-{name[20:]}"


def draw_names(n_names: int, generator: np.random.Generator) -> list[str]:
    """Return names of 32 hexadecimal digits."""
    digits = generator.bytes(16 * n_names).hex()
    return [digits[start : start + 32] for start in range(0, len(digits), 32)]


if __name__ == "__main__":
    main()
