"""Roll-up: how often the promise about the codes above is broken, among the texts that get one.

Each draw certifies the threshold of the codes, then the roll-up, as `certify` does for a single
target: the plan comes from the first half, out of fold, and δ is shared alike. The promise is
broken when the true error of the texts of the world that are rolled up exceeds the target.

Equal confidences are left equal. Thresholds of a roll-up are on a ladder fixed beforehand: at each
of them, the drawn texts that are rolled up err as often as those of the world, whatever the ties.
The threshold of the codes takes ties whole, as it does when the service decides; here it only says
which cuts may be used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from benchmarks.guarantee.codes import DELTAS, SIZES
from benchmarks.guarantee.halves import Halves

from libelle.evaluation import Ints
from libelle.predictor import Predictor
from libelle.training.certification import (
    CODES_SHARE,
    ROLL_UP_SHARE,
    Judged,
    Targets,
    answers_above,
    answers_of_codes,
)
from libelle.training.guarantee import Flags, find_threshold
from libelle.training.roll_up import Above, RollUpPlan, certify_roll_up

TARGETS = (0.05, 0.1)


@dataclass(frozen=True, eq=False)
class Answers:
    """What is right and wrong of texts, for their codes and above."""

    wrong: Flags
    above: Above

    @classmethod
    def of(cls, predictor: Predictor, judged: Judged) -> Self:
        """Look at texts as `certify` does."""
        _, wrong = answers_of_codes(predictor, judged)
        return cls(wrong, answers_above(predictor, judged))

    def take(self, rows: Ints) -> "Answers":
        """Return some texts."""
        above = self.above
        return Answers(
            self.wrong[rows],
            Above(above.codes_confidences[rows], above.confidences[rows], above.wrong[rows]),
        )


@dataclass(frozen=True)
class LetThrough:
    """What one draw lets through, as shares of the world, and the true error of roll-ups."""

    automatic: float
    rolled_up: float = 0.0
    error: float = 0.0


def print_roll_ups(halves: Halves, *, n_draws: int, seed: int) -> None:
    """Print how often roll-ups break their promise, and how many texts get one."""
    if not halves.predictor.levels:
        raise SystemExit("No level stands above the codes of these texts: nothing is rolled up.")
    prior, world = (Answers.of(halves.predictor, part) for part in (halves.prior, halves.held))
    print_world(halves.predictor, world)
    print("| target | δ | certify texts | broken | proved | rolled up | coded automatically |")
    print("|" + "---:|" * 7)
    for target_error in TARGETS:
        for delta in DELTAS:
            targets = Targets((target_error,), delta)
            for n_texts in SIZES:
                plan = plan_for(prior, n_texts, targets)
                draws = draw_many(world, n_texts, n_draws, seed)
                found = [certify_draw(drawn, world, plan, targets) for drawn in draws]
                cells = [f"{target_error:.0%}", f"{delta:.0%}", f"{n_texts:,}"]
                cells += summarise(found, target_error)
                print("| " + " | ".join(cells) + " |", flush=True)


def print_world(predictor: Predictor, world: Answers) -> None:
    """Print how many texts there are, and how many are wrong at each level."""
    print(f"{len(world.wrong):,} texts to draw from, {world.wrong.mean():.1%} wrong; above:")
    shares = zip(predictor.levels, world.above.wrong.mean(axis=0), strict=True)
    print(", ".join(f"{wrong:.1%} at level {level.depth}" for level, wrong in shares) + ".\n")


def plan_for(prior: Answers, n_texts: int, targets: Targets) -> RollUpPlan | None:
    """Plan as `certify` does of a number of texts."""
    return RollUpPlan.from_out_of_fold(
        prior.above,
        prior.wrong,
        n_texts=n_texts,
        target_error=targets.target_errors[0],
        delta=targets.share(ROLL_UP_SHARE),
    )


def draw_many(world: Answers, n_texts: int, n_draws: int, seed: int) -> Iterator[Answers]:
    """Draw certify texts, with replacement."""
    generator = np.random.default_rng(seed)
    for _ in range(n_draws):
        yield world.take(generator.integers(0, len(world.wrong), n_texts))


def certify_draw(
    drawn: Answers, world: Answers, plan: RollUpPlan | None, targets: Targets
) -> LetThrough:
    """Certify on what was drawn; return what this lets through of the world."""
    [target_error] = targets.target_errors
    threshold = find_threshold(
        drawn.above.codes_confidences,
        drawn.wrong,
        target_error=target_error,
        delta=targets.share(CODES_SHARE),
        rule=targets.rule,
    )
    least = np.inf if threshold is None else threshold
    automatic = float((world.above.codes_confidences >= least).mean())
    if plan is None:
        return LetThrough(automatic)
    found = certify_roll_up(
        drawn.above,
        plan,
        codes_threshold=threshold,
        target_error=target_error,
        delta=targets.share(ROLL_UP_SHARE),
    )
    if found["threshold"] is None:
        return LetThrough(automatic)
    rolled, wrong = world.above.rolled_up(found["cut"], found["threshold"])
    return LetThrough(automatic, float(rolled.mean()), float(wrong.sum() / rolled.sum()))


def summarise(found: list[LetThrough], target_error: float) -> list[str]:
    """Return the shares of draws broken and proved, and the mean shares of the world."""
    means = (
        np.mean([one.error > target_error for one in found]),
        np.mean([one.rolled_up > 0 for one in found]),
        np.mean([one.rolled_up for one in found]),
        np.mean([one.automatic for one in found]),
    )
    return [f"{mean:.1%}" for mean in means]
