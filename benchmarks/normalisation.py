"""Normalisation: microseconds a text, beside the same rules written plainly.

python -m benchmarks.normalisation --data ../shared/data/reserve_parlementaire/train.parquet
"""

import argparse
import re
import statistics
import time
from collections.abc import Callable, Sequence

from nltk.stem.snowball import SnowballStemmer
from unidecode import unidecode

from libelle.data.datasets import as_text, read_table_batches
from libelle.data.text import Normalizer, NormalizerOptions

N_RUNS = 3


def main() -> None:
    """Print one table without stemming, one with it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="table of texts; made-up ones if absent")
    parser.add_argument("--text", default="text", help="column of the texts")
    options = parser.parse_args()
    texts = read_texts(options.data, options.text)
    for stemming in (False, True):
        chosen = NormalizerOptions(stemming=stemming)
        print_table(texts, chosen)


def read_texts(data: str | None, column: str) -> list[str]:
    """Return the texts of a column, or made-up ones."""
    if data is None:
        from libelle.data.demo import make_demo

        return [request.text for request in make_demo(seed=0, n_texts=8000)]
    batches = read_table_batches(data, columns=[column])
    return [text for batch in batches for text in as_text(batch[column]).to_pylist()]


def print_table(texts: Sequence[str], options: NormalizerOptions) -> None:
    """Print microseconds a text and the ratio to the plain way."""
    peer = measure(lambda: PlainNormalizer(options).normalize_many, texts)
    warm = Normalizer(options)
    answers = zip(
        warm.normalize_many(texts), PlainNormalizer(options).normalize_many(texts), strict=True
    )
    n_equal = sum(ours == plain for ours, plain in answers)
    rows = {
        "plain: unidecode, regular expressions, nltk": peer,
        "libelle, no memo": measure(
            lambda: Normalizer(options, memo_bytes=0).normalize_many, texts
        ),
        "libelle, memo empty at first": measure(lambda: Normalizer(options).normalize_many, texts),
        "libelle, memo warm": measure(lambda: warm.normalize_many, texts),
    }
    print(f"\n{len(texts):,} texts, stemming {'on' if options.stemming else 'off'}; ", end="")
    print(f"the plain way gives the same words on {n_equal:,}\n")
    print("| | µs a text | times faster |\n|---|---:|---:|")
    for name, microseconds in rows.items():
        print(f"| {name} | {microseconds:.1f} | {peer / microseconds:.1f} |")


def measure(
    make: Callable[[], Callable[[Sequence[str]], list[str]]], texts: Sequence[str]
) -> float:
    """Return the median of several runs, in microseconds a text."""
    durations = []
    for _ in range(N_RUNS):
        normalize_many = make()
        started = time.perf_counter()
        normalize_many(texts)
        durations.append(time.perf_counter() - started)
    return statistics.median(durations) / len(texts) * 1e6


class PlainNormalizer:
    """The same rules on the whole text, as most projects write them: no repair of mojibake."""

    def __init__(self, options: NormalizerOptions) -> None:
        self._stem = SnowballStemmer(options.language).stem if options.stemming else None

    def normalize_many(self, texts: Sequence[str]) -> list[str]:
        """Return each text normalised."""
        return [self._normalize(text) for text in texts]

    def _normalize(self, text: str) -> str:
        if self._stem:
            text = re.sub(r"[^\W\d_]+", lambda letters: self._stem(letters[0]), text.casefold())
        text = unidecode(text).lower()
        text = re.sub(r"\b(?:l|d|n|s|c|j|m|t|qu|jusqu|lorsqu|puisqu|quoiqu|quelqu)'", " ", text)
        text = re.sub(r"\b[a-z](?:\.[a-z])+\b", lambda sigle: sigle[0].replace(".", ""), text)
        return " ".join(re.findall("[a-z0-9]+", text))


if __name__ == "__main__":
    main()
