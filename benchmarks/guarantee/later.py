"""Later: whether a threshold certified before a date holds on the texts of after."""

import numpy as np
from benchmarks.guarantee.codes import TARGETS
from benchmarks.guarantee.halves import score_halves

from libelle.data.datasets import Dataset
from libelle.training.certification import answers_of_codes
from libelle.training.guarantee import find_threshold


def verify_later(dataset: Dataset, *, start: str, seed: int) -> None:
    """Certify on texts drawn from before a date; print the true error then, and later."""
    dates = np.array(dataset.dates)
    before, later = (dataset.take(np.flatnonzero(side)) for side in (dates < start, dates >= start))
    halves = score_halves(before, seed=seed, later=later)
    prior, held, after = (
        answers_of_codes(halves.predictor, judged)
        for judged in (halves.prior, halves.held, halves.later)
    )
    print(f"{len(held[1]):,} texts before {start}, {len(after[1]):,} from then on.\n")
    print(
        "| target | certified on | automatic before | error before | automatic then | error then |"
    )
    print("|---:|---:|---:|---:|---:|---:|")
    for target_error in TARGETS:
        threshold = find_threshold(*held, target_error=target_error, delta=0.05, prior=prior)
        cells = [f"{target_error:.0%}", f"{len(held[1]):,}"]
        for confidences, wrong in (held, after):
            automatic = confidences >= (np.inf if threshold is None else threshold)
            error = f"{wrong[automatic].mean():.1%}" if automatic.any() else "–"
            cells += [f"{automatic.mean():.1%}", error]
        print("| " + " | ".join(cells) + " |", flush=True)
