"""Codes: how often the promise about the codes is broken, and how much each rule lets through.

Equal confidences are told apart at random, so that the error curve is continuous. Useful coverage
is a share of the oracle's, who knows the curve. MAPIE's controller of precision, when it is
installed, gets the first draws.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from benchmarks.guarantee.halves import Halves

from libelle.classifiers.base import Floats
from libelle.training.certification import answers_of_codes
from libelle.training.guarantee import Flags, Prior, find_threshold

try:
    from mapie.risk_control import BinaryClassificationController
except ImportError:
    BinaryClassificationController = None

TARGETS, DELTAS, SIZES = (0.01, 0.02, 0.05, 0.1), (0.05, 0.1), (1000, 3000)


@dataclass(frozen=True)
class World:
    """Scored texts from the surest down, all that there is to draw from."""

    confidences: Floats
    wrong: Flags

    @classmethod
    def of(cls, scored: Prior) -> "World":
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


def print_codes(halves: Halves, options: argparse.Namespace) -> None:
    """Print how often each rule breaks its promise, and its coverage over the oracle's."""
    world = World.of(answers_of_codes(halves.predictor, halves.held))
    prior = answers_of_codes(halves.predictor, halves.prior)
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


def make_rules(world: World, prior: Prior) -> dict[str, Rule]:
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
