"""Quality: libelle trained by its command line, beside two plain classifiers on the same texts.

    python -m benchmarks.quality ../shared/data/coicop_bdf/train.parquet --text text --code label

The peers learn from the same fit part and are measured on the same test part: scikit-learn's
TF-IDF of words and pairs of words with LinearSVC, all defaults; fastText with its defaults, on
lower-cased texts.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from libelle.classifiers.base import softmax
from libelle.data.datasets import Dataset, read_dataset, split_dataset
from libelle.evaluation import evaluate

COLUMNS = (
    ("accuracy", ".3f"),
    ("macro_f1", ".3f"),
    ("macro_f1_all", ".3f"),
    ("top_3_accuracy", ".3f"),
    ("log_loss", ".3f"),
    ("ece", ".3f"),
    ("seconds", ".0f"),
    ("peak_mb", ".0f"),
    ("model_mb", ".1f"),
)


def main() -> None:
    """Print one table: libelle, then its peers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--text", default="text")
    parser.add_argument("--code", default="label")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--language", default="french")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the search")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        print(json.dumps(run_peer(options)))
        return
    rows = {"libelle": run_libelle(options)}
    for peer in PEERS:
        command = [sys.executable, "-m", "benchmarks.quality", *sys.argv[1:], "--peer", peer]
        rows[peer] = run_child(command)
    print_table(rows)


def run_libelle(options: argparse.Namespace) -> dict[str, float]:
    """Train through the command line in a folder of its own."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "libelle.cli", "train", options.data]
        command += ["--text", options.text, "--code", options.code, "--model", "benchmark"]
        command += [f"--trials={options.trials}", f"--language={options.language}"]
        command += [f"--seed={options.seed}", "--json"]
        result = run_child(command, LIBELLE_HOME=home)
        print(json.dumps(result["parameters"]), file=sys.stderr)
        folder = next(Path(home).glob("results/*/model"))
        size = sum(path.stat().st_size for path in folder.iterdir())
    return {**result, **result["metrics"], "model_mb": size / 2**20}


def run_child(command: list[str], **environment: str) -> dict[str, float]:
    """Run a command that prints JSON; add its duration and the peak memory of its processes."""
    started = time.perf_counter()
    finished = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    return {
        "peak_mb": peak,
        "seconds": time.perf_counter() - started,
        **json.loads(finished.stdout.splitlines()[-1]),
    }


def run_peer(options: argparse.Namespace) -> dict[str, float]:
    """Fit a peer on the fit part and measure it on the test part."""
    dataset = read_dataset(options.data, text=options.text, code=options.code)
    split = split_dataset(dataset, seed=options.seed)
    started = time.perf_counter()
    probabilities, classes, n_bytes = PEERS[options.peer](split.fit, split.test)
    metrics = evaluate(probabilities, split.test.codes, classes)
    own_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    seconds = time.perf_counter() - started
    return {**asdict(metrics), "seconds": seconds, "model_mb": n_bytes / 2**20, "peak_mb": own_peak}


def fit_linear_svc(fit: Dataset, test: Dataset) -> tuple[np.ndarray, list[str], int]:
    """TF-IDF of words and pairs of words, then LinearSVC; margins through a softmax."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC())
    model.fit(fit.texts, fit.codes)
    probabilities = softmax(model.decision_function(test.texts))
    return probabilities, list(model.classes_), model[-1].coef_.nbytes


def fit_fasttext(fit: Dataset, test: Dataset) -> tuple[np.ndarray, list[str], int]:
    """Fit fastText with its defaults, one thread."""
    import fasttext

    classes = sorted(set(fit.codes))
    number = {code: index for index, code in enumerate(classes)}
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "fit.txt"
        rows = zip(fit.texts, fit.codes, strict=True)
        lines = [f"__label__{number[code]} {_one_line(text)}\n" for text, code in rows]
        corpus.write_text("".join(lines), encoding="utf-8")
        model = fasttext.train_supervised(str(corpus), thread=1, seed=0, verbose=0)
        model.save_model(str(Path(folder) / "model.bin"))
        n_bytes = (Path(folder) / "model.bin").stat().st_size
    probabilities = np.zeros((len(test), len(classes)))
    answers = model.predict([_one_line(text) for text in test.texts], k=-1)
    for row, (labels, values) in enumerate(zip(*answers, strict=True)):
        columns = [int(label.removeprefix("__label__")) for label in labels]
        probabilities[row, columns] = values
    return probabilities, classes, n_bytes


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower())


PEERS = {"TF-IDF(1,2) + LinearSVC": fit_linear_svc, "fastText, defaults": fit_fasttext}


def print_table(rows: dict[str, dict[str, float]]) -> None:
    """Print a Markdown table."""
    print("| |", " | ".join(name for name, _ in COLUMNS), "|")
    print("|---|" + "---:|" * len(COLUMNS))
    for name, row in rows.items():
        print(f"| {name} |", " | ".join(format(row[key], kind) for key, kind in COLUMNS), "|")


if __name__ == "__main__":
    main()
