"""Guarantee: how often the promise is broken, and how much is automatic, on real texts.

    python -m benchmarks.guarantee ../shared/data/coicop_bdf/train.parquet --text text --code label

A classifier learns from one half of the texts and scores the other half, one row for each different
text. Those scored texts are then the whole world: their true error above any confidence is known.
Certify texts are drawn from them at random, with replacement; equal confidences are told apart at
random, so that the error curve is continuous. Over many draws, a promise is broken when the true
error above the threshold exceeds the target; useful coverage is a share of the oracle's, who knows
the curve. MAPIE's controller of precision, when it is installed, gets the first draws.

With `--date` and `--from`, texts of that date on are set apart: a threshold certified on texts of
before is then verified on them.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats, softmax
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.datasets import Dataset, make_folds, read_dataset
from libelle.data.text import Normalizer
from libelle.decision import confidence_of
from libelle.evaluation import targets_of
from libelle.training.calibration import fit_temperature
from libelle.training.guarantee import find_threshold

try:
    from mapie.risk_control import BinaryClassificationController
except ImportError:
    BinaryClassificationController = None

TARGETS, DELTAS, SIZES = (0.01, 0.02, 0.05, 0.1), (0.05, 0.1), (1000, 3000)
LEAST_SCORE = -30.0
N_FOLDS = 5
Flags = NDArray[np.bool_]
Scored = tuple[Floats, Flags]


@dataclass(frozen=True)
class World:
    """Scored texts from the surest down, all that there is to draw from."""

    confidences: Floats
    wrong: Flags

    @classmethod
    def of(cls, scored: Scored) -> "World":
        """Rank scored texts."""
        order = np.argsort(-scored[0], kind="stable")
        return cls(scored[0][order], scored[1][order])

    def error_above(self, share: float) -> float:
        """Return the true error among the surest share of texts."""
        n_texts = share * len(self.wrong)
        cumulated = np.concatenate([[0], np.cumsum(self.wrong)])
        return float(np.interp(n_texts, np.arange(len(cumulated)), cumulated) / n_texts)

    def oracle(self, target_error: float) -> float:
        """Return the largest share whose true error is at most the target."""
        rates = np.cumsum(self.wrong) / np.arange(1, len(self.wrong) + 1)
        within = np.flatnonzero(rates <= target_error)
        return (int(within[-1]) + 1) / len(self.wrong) if len(within) else 0.0

    def shares_above(self, confidences: Floats) -> Floats:
        """Return the share of texts at or above each confidence."""
        return np.searchsorted(-self.confidences, -confidences, side="right") / len(self.wrong)


def main() -> None:
    """Print the tables of one file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--text", default="text")
    parser.add_argument("--code", default="label")
    parser.add_argument("--date")
    parser.add_argument("--from", dest="start", help="first date set apart, such as 2015-01-01")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--mapie-draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dataset = read_dataset(options.data, text=options.text, code=options.code, date=options.date)
    if options.start:
        verify_later(dataset, options)
    else:
        prior, held = score_halves(dataset, seed=options.seed)
        print_draws(World.of(held), prior, options)


def score_halves(dataset: Dataset, *, seed: int, later: Dataset | None = None) -> list[Scored]:
    """Learn from one half; return its out-of-fold scores, those of the other, those of `later`."""
    generator = np.random.default_rng(seed)
    keys = np.array(dataset.keys)
    half = dict.fromkeys(generator.permutation(np.unique(keys)).tolist()[::2])
    learnt = np.array([key in half for key in keys.tolist()])
    fit, held = (dataset.take(np.flatnonzero(side)) for side in (learnt, ~learnt))
    classes = sorted(set(fit.codes))
    folds = make_folds(fit, n_folds=N_FOLDS, seed=seed)
    scores = np.full((len(fit), len(classes)), LEAST_SCORE)
    for fold in range(N_FOLDS):
        inside, outside = (np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))
        place = targets_of(sorted(set(fit.take(inside).codes)), classes)
        scores[np.ix_(outside, place)] = learn_and_score(fit.take(inside), fit.take(outside))
    temperature = fit_temperature(scores, targets_of(fit.codes, classes))
    parts = [part for part in (held, later) if part is not None]
    return [
        judge(part, values * temperature, classes, generator)
        for part, values in zip(
            [fit, *parts], [scores, *(learn_and_score(fit, part) for part in parts)], strict=True
        )
    ]


def learn_and_score(fit: Dataset, others: Dataset) -> Floats:
    """Return the scores of texts by a classifier with default parameters."""
    normalizer = Normalizer()
    classifier = TfidfClassifier().fit(normalizer.normalize_many(fit.texts), fit.codes)
    return classifier.scores(normalizer.normalize_many(others.texts))


def judge(
    dataset: Dataset, scores: Floats, classes: list[str], generator: np.random.Generator
) -> Scored:
    """Return confidence and error of one row of each text, drawn at random."""
    order = generator.permutation(len(dataset))
    _, first = np.unique(np.array(dataset.keys)[order], return_index=True)
    rows = order[first]
    probabilities = softmax(scores[rows])
    wrong = probabilities.argmax(axis=1) != targets_of(dataset.codes, classes)[rows]
    return confidence_of(probabilities), wrong


def print_draws(world: World, prior: Scored, options: argparse.Namespace) -> None:
    """Print how often each rule breaks its promise, and its coverage over the oracle's."""
    print(f"{len(world.wrong):,} texts to draw from, {world.wrong.mean():.1%} wrong.\n")
    rules = make_rules(world, prior)
    print("| target | δ | texts | oracle |", *(f"{name} |" for name in rules))
    print("|" + "---:|" * (4 + len(rules)))
    for target_error in TARGETS:
        oracle = world.oracle(target_error)
        for delta in DELTAS:
            for n_texts in SIZES:
                cells = [f"{target_error:.0%}", f"{delta:.0%}", f"{n_texts:,}", f"{oracle:.1%}"]
                for name, rule in rules.items():
                    n_draws = options.mapie_draws if name == "MAPIE" else options.draws
                    shares = [
                        rule(*drawn, target_error, delta)
                        for drawn in draw_many(world, n_texts, n_draws, options.seed)
                    ]
                    cells.append(summarise(world, shares, target_error, oracle))
                print("| " + " | ".join(cells) + " |", flush=True)


Rule = Callable[[Floats, Floats, Flags, float, float], float]


def make_rules(world: World, prior: Scored) -> dict[str, Rule]:
    """Return rules from ranks, confidences, errors, target and δ to the share of automatic texts.

    Ours see a text's rank in the world, from 1 down to 0, as its confidence: the order is the same,
    and equal confidences are told apart.
    """
    ranked_prior = 1 - world.shares_above(prior[0]), prior[1]

    def ours(rule: str) -> Rule:
        def share(
            ranks: Floats, _: Floats, wrong: Flags, target_error: float, delta: float
        ) -> float:
            threshold = find_threshold(
                ranks, wrong, target_error=target_error, delta=delta, rule=rule, prior=ranked_prior
            )
            return 0.0 if threshold is None else 1 - threshold

        return share

    def mapie(
        _: Floats, confidences: Floats, wrong: Flags, target_error: float, delta: float
    ) -> float:
        controller = BinaryClassificationController(
            lambda column: np.column_stack([1 - column[:, 0], column[:, 0]]),
            risk="precision",
            target_level=1 - target_error,
            confidence_level=1 - delta,
        )
        controller.calibrate(confidences[:, None], (~wrong).astype(int))
        best = controller.best_predict_param
        return 0.0 if best is None else float(world.shares_above(np.array([best]))[0])

    rules = {"anchored": ours("anchored"), "planned": ours("planned")}
    return {**rules, "MAPIE": mapie} if BinaryClassificationController is not None else rules


def draw_many(
    world: World, n_texts: int, n_draws: int, seed: int
) -> Iterator[tuple[Floats, Floats, Flags]]:
    """Draw certify texts: ranks in the world, confidences, errors."""
    generator = np.random.default_rng(seed)
    for _ in range(n_draws):
        places = generator.random(n_texts) * len(world.wrong)
        rows = places.astype(np.int64)
        yield 1 - places / len(world.wrong), world.confidences[rows], world.wrong[rows]


def summarise(world: World, shares: list[float], target_error: float, oracle: float) -> str:
    """Return the share of broken promises, and the mean coverage over the oracle's."""
    broken = [share > 0 and world.error_above(share) > target_error + 1e-12 for share in shares]
    useful = f"{np.mean(shares) / oracle:.2f}" if oracle else "–"
    return f"{np.mean(broken):.1%} · {useful}"


def verify_later(dataset: Dataset, options: argparse.Namespace) -> None:
    """Certify on texts drawn from before a date; print the true error then, and later."""
    dates = np.array(dataset.dates)
    before, later = (
        dataset.take(np.flatnonzero(side))
        for side in (dates < options.start, dates >= options.start)
    )
    prior, held, after = score_halves(before, seed=options.seed, later=later)
    world = World.of(held)
    print(f"{len(held[1]):,} texts before {options.start}, {len(after[1]):,} from then on.\n")
    print(
        "| target | certified on | automatic before | error before | automatic then | error then |"
    )
    print("|---:|---:|---:|---:|---:|---:|")
    for target_error in TARGETS:
        threshold = find_threshold(*held, target_error=target_error, delta=0.05, prior=prior)
        cells = [f"{target_error:.0%}", f"{len(world.wrong):,}"]
        for confidences, wrong in (held, after):
            automatic = confidences >= (np.inf if threshold is None else threshold)
            error = f"{wrong[automatic].mean():.1%}" if automatic.any() else "–"
            cells += [f"{automatic.mean():.1%}", error]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
