"""Serving, measured: requests a second, latency, start and memory, beside other services.

    make bench-serving
    python -m benchmarks.serving --data ../shared/data/reserve_parlementaire/train.parquet

Every service answers the same texts on the same machine, taking turns; figures are medians over
the rounds. libelle and `mlflow models serve` serve the same model; the plain FastAPI application
and BentoML serve a scikit-learn pipeline of the same kind (words and pairs, pieces of 2 to 5
characters, logistic regression), learnt on the same texts. `in process` is the predictor of libelle
called directly, one thread: the limit. `--python` names an interpreter with `locks/api.txt` only.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
from benchmarks.serving import load
from benchmarks.serving.peers import (
    Peer,
    bento_peer,
    fastapi_peer,
    free_port,
    libelle_peer,
    mlflow_peer,
    running,
    shared_memory_mb,
)

from api.answers import predict_step, steps_of, write_batch
from api.asking import Asker, read_batch
from api.loading import ModelSource, load_model
from api.schemas import request_types
from api.work import LONG_STEP_TEXTS
from libelle.classifiers.calibrated import CalibratedClassifier
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.datasets import Dataset, read_dataset
from libelle.data.demo import write_demo
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer
from libelle.predictor import Predictor
from libelle.settings import Settings
from libelle.tracking.registry.registering import write_mlflow_model

BATCHES = (100, 1_000, 10_000)
SECONDS = 3.0
N_CLIENTS = 8
PACE_PER_SECOND = 50.0
Figures = dict[str, dict[str, list[float]]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="coded texts; made-up ones if absent")
    parser.add_argument("--text", default="text")
    parser.add_argument("--code", default="label")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="interpreter of libelle's service")
    parser.add_argument("--bentoml", help="path of the command bentoml, where it is installed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options, Path(folder))


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Make the models, then measure each service in turn."""
    dataset = read_coded(options, folder)
    texts = dataset.texts[: max(BATCHES)]
    texts += texts[: max(BATCHES) - len(texts)]
    predictor = make_model(dataset, folder)
    make_pipeline(dataset, folder / "pipeline.joblib")
    print(f"{len(dataset):,} texts learnt, {len(predictor.codes)} codes.\n")
    figures: Figures = defaultdict(lambda: defaultdict(list))
    for _ in range(options.rounds):
        for n_texts in BATCHES:
            rate = in_process_rate(predictor, texts[:n_texts])
            figures["in process"][f"batch {n_texts}"].append(rate)
        for peer, port in make_peers(options, folder):
            measure_service(peer, port, texts, figures[peer.name], folder / "log")
    print_figures(figures)
    print_overhead(folder / "model", texts[:1_000])


def read_coded(options: argparse.Namespace, folder: Path) -> Dataset:
    """Return the coded texts to learn from."""
    if options.data:
        return read_dataset(options.data, text=options.text, code=options.code)
    write_demo(folder / "demo.csv")
    return read_dataset(folder / "demo.csv", text="text", code="code")


def make_model(dataset: Dataset, folder: Path) -> Predictor:
    """Learn libelle's model with its default parameters; save it, and as an MLflow model too."""
    normalizer = Normalizer()
    classifier = CalibratedClassifier(classifier=TfidfClassifier())
    classifier.fit(normalizer.normalize_many(dataset.texts), dataset.codes)
    predictor = Predictor(
        normalizer=normalizer,
        classifier=classifier,
        nomenclature=Nomenclature.from_codes(classifier.classes_),
        about={"name": "bench"},
    )
    predictor.save(folder / "model")
    write_mlflow_model(folder / "model", folder / "mlflow")
    return Predictor.load(folder / "model")


def make_pipeline(dataset: Dataset, path: Path) -> None:
    """Learn a scikit-learn pipeline as one writes it."""
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline as chain
    from sklearn.pipeline import make_union

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, strip_accents="unicode")
    pieces = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, strip_accents="unicode", min_df=2
    )
    classifier = SGDClassifier(loss="log_loss", random_state=0)
    joblib.dump(
        chain(make_union(words, pieces), classifier).fit(dataset.texts, dataset.codes), path
    )


def make_peers(options: argparse.Namespace, folder: Path) -> list[tuple[Peer, int]]:
    """Return the services, each with its port."""
    port = free_port()
    pipeline = folder / "pipeline.joblib"
    peers = [
        libelle_peer(folder / "model", port, python=options.python),
        libelle_peer(folder / "model", port, python=options.python, log=folder / "kept"),
        libelle_peer(folder / "model", port, python=options.python, workers=2),
        mlflow_peer(folder / "mlflow", port),
        fastapi_peer(pipeline, port, folder),
    ]
    if options.bentoml:
        peers.append(bento_peer(pipeline, port, folder, bentoml=options.bentoml))
    return [(peer, port) for peer in peers]


def in_process_rate(predictor: Predictor, texts: list[str]) -> float:
    """Return the texts answered a second without HTTP, in batches of their number."""
    until, n_texts, began = time.perf_counter() + 1.0, 0, time.perf_counter()
    while time.perf_counter() < until:
        predictor.predict(texts)
        n_texts += len(texts)
    return n_texts / (time.perf_counter() - began)


def measure_service(
    peer: Peer, port: int, texts: list[str], figures: dict[str, list[float]], log: Path
) -> None:
    """Start one service, measure it, and stop it."""
    singles = [load.encode(peer.body([text])) for text in texts[:500]]
    with running(peer, port, log) as (process, seconds):
        load.saturate(port, peer.single, singles, seconds=0.5, n_clients=2)  # Warm it up.
        figures["ready s"].append(seconds)
        one = load.saturate(port, peer.single, singles, seconds=SECONDS, n_clients=N_CLIENTS)
        figures["single/s"].append(one.per_second)
        calm = load.pace(port, peer.single, singles, seconds=SECONDS, per_second=PACE_PER_SECOND)
        figures["p50 ms"].append(calm.p50_ms)
        figures["p99 ms"].append(calm.p99_ms)
        for n_texts in BATCHES:
            body = [load.encode(peer.body(texts[:n_texts]))]
            many = load.saturate(port, peer.many, body, seconds=SECONDS, n_clients=2)
            figures[f"batch {n_texts}"].append(many.per_second * n_texts)
        busy = measure_beside_batches(peer, port, singles, texts)
        figures["p99 beside batches ms"].append(busy)
        figures["PSS MB"].append(shared_memory_mb(process.pid))


def measure_beside_batches(peer: Peer, port: int, singles: list[bytes], texts: list[str]) -> float:
    """Return the p99 of single requests while a client sends batches of 1,000 without end."""
    import threading

    body = [load.encode(peer.body(texts[:1_000]))]
    beside = threading.Thread(
        target=load.saturate,
        args=(port, peer.many, body),
        kwargs={"seconds": SECONDS + 2, "n_clients": 1},
    )
    beside.start()
    time.sleep(1.0)
    busy = load.pace(port, peer.single, singles, seconds=SECONDS, per_second=PACE_PER_SECOND)
    beside.join()
    return busy.p99_ms


def print_figures(figures: Figures) -> None:
    """Print medians, one row for each service."""
    columns = list(figures["libelle"])
    print("| |", " | ".join(columns), "|")
    print("|---|" + "---:|" * len(columns))
    for name, measured in figures.items():
        cells = [_show(measured.get(column)) for column in columns]
        print(f"| {name} |", " | ".join(cells), "|")
    print()


def _show(values: list[float] | None) -> str:
    if not values:
        return "–"
    middle = statistics.median(values)
    return f"{middle:,.0f}" if middle >= 100 else f"{middle:.2f}"


def print_overhead(folder: Path, texts: list[str]) -> None:
    """Print what HTTP adds to a batch, beside reading and writing its two bodies with orjson."""
    model, settings = load_model(ModelSource(folder)), Settings.model_construct()
    types, asker = request_types(settings), Asker(b"k" * 32, "r")
    body = orjson.dumps({"items": [{"text": text} for text in texts]})

    def answer() -> bytes:
        asked = read_batch(body, types, max_total_characters=10**9)
        predictions: list[Any] = []
        for rows in steps_of(len(texts), lambda: LONG_STEP_TEXTS):
            predictions += predict_step(asked, rows, model, asker, lambda _: None)
        return write_batch(asked, predictions, model)

    written = orjson.loads(answer())

    def predict() -> None:
        for rows in steps_of(len(texts), lambda: LONG_STEP_TEXTS):
            model.predictor.predict(texts[rows])

    # Taking turns: both know the same busy and quiet moments.
    pairs = [(_time(predict), _time(answer)) for _ in range(40)]
    alone = statistics.median(one for one, _ in pairs)
    added = statistics.median(both - one for one, both in pairs)
    floor = _best(lambda: orjson.loads(body)) + _best(lambda: orjson.dumps(written))
    print(
        f"A batch of {len(texts):,}: prediction {1000 * alone:.1f} ms; parsing, validating, "
        f"naming and serialising add {1000 * added:.2f} ms, {added / floor:.1f} times orjson's "
        f"loads and dumps of the same bodies ({1000 * floor:.2f} ms)."
    )


def _best(work: Any) -> float:
    return min(_time(work) for _ in range(15))


def _time(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
