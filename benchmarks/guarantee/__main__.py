"""Guarantee: how often the promise is broken, and how much is automatic, on real texts.

    python -m benchmarks.guarantee ../shared/data/coicop_bdf/train.parquet --text text --code label

A classifier learns from one half of the texts and scores the other half, one row for each different
text. Those scored texts are then the whole world: their true error above any confidence is known.
Certify texts are drawn from them at random, with replacement; no text is refused. Over many draws,
a promise is broken when the true error of what it is about exceeds the target.

With `--roll-up`, the promise looked at is that of the codes above, among the texts whose own code
is in doubt, with the levels of this nomenclature.

With `--date` and `--from`, texts of that date on are set apart: a threshold certified on texts of
before is then verified on them.
"""

import argparse

from benchmarks.guarantee.codes import print_codes
from benchmarks.guarantee.halves import score_halves
from benchmarks.guarantee.later import verify_later
from benchmarks.guarantee.roll_up import print_roll_ups

from libelle.data.datasets import read_dataset
from libelle.data.nomenclature import read_nomenclature


def main() -> None:
    """Print the tables of one file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--text", default="text")
    parser.add_argument("--code", default="label")
    parser.add_argument("--roll-up", metavar="NOMENCLATURE", help="file of code, title, parent")
    parser.add_argument("--date")
    parser.add_argument("--from", dest="start", help="first date set apart, such as 2015-01-01")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--mapie-draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.roll_up and options.start:
        parser.error("--roll-up and --from are two tables: ask for one at a time")
    dataset = read_dataset(options.data, text=options.text, code=options.code, date=options.date)
    if options.start:
        verify_later(dataset, start=options.start, seed=options.seed)
    elif options.roll_up:
        halves = score_halves(dataset, read_nomenclature(options.roll_up), seed=options.seed)
        print_roll_ups(halves, n_draws=options.draws, seed=options.seed)
    else:
        print_codes(score_halves(dataset, seed=options.seed), options)


if __name__ == "__main__":
    main()
