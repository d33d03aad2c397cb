"""Benchmarks on made-up texts, with no file to fetch: `make bench`."""

import subprocess
import sys
import tempfile
from pathlib import Path

from libelle.data.demo import SYNTHETIC_NOTICE, write_demo


def main() -> None:
    """Run each benchmark on the demonstration corpus."""
    print(SYNTHETIC_NOTICE)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "demo.csv"
        write_demo(corpus)
        quality = ["benchmarks.quality", str(corpus), "--code", "code", "--trials", "12"]
        for command in (quality, ["benchmarks.normalisation"]):
            subprocess.run([sys.executable, "-m", *command], check=True)


if __name__ == "__main__":
    main()
