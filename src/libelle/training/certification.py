"""Certification: what may be promised of a predictor, proved on texts that no choice looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libelle.classifiers.base import Floats
from libelle.data.datasets import Dataset
from libelle.data.levels import Level, code_at_level
from libelle.decision import confidence_of
from libelle.errors import DataError, UsageError
from libelle.evaluation import targets_of
from libelle.prediction_sets import COVERAGES, MARGINAL
from libelle.predictor import Predictor
from libelle.training.guarantee import certify_threshold, indicative_threshold
from libelle.training.prediction_sets import fit_prediction_sets
from libelle.training.roll_up import Above, RollUpPlan, certify_roll_up

# Of δ: the codes, the roll-up, and the levels together; all for the codes without levels above.
CODES_SHARE, ROLL_UP_SHARE, LEVELS_SHARE = 0.5, 0.375, 0.125
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Targets:
    """What is to be promised, declared before any certifying text is looked at.

    Attributes
    ----------
    target_errors : tuple of float
        Wanted shares of errors among what is coded automatically.
    delta : float
        Probability that one promise or more does not hold: shared by all of them.
    rule : {"anchored", "planned"}
        How a threshold is looked for.
    sets : {"marginal", "per_code"}
        Whether prediction sets hold the right code as often as promised over all texts, or over
        those of each code that has enough texts.
    indicative : bool
        Take a threshold from out-of-fold scores, which proves nothing, where none is proved.
    """

    target_errors: tuple[float, ...] = (0.05,)
    delta: float = 0.05
    rule: str = "anchored"
    sets: str = MARGINAL
    indicative: bool = False

    def __post_init__(self) -> None:
        for target_error in self.target_errors:
            _require(0 < target_error < 1, f"target error: {target_error} is not between 0 and 1")
        _require(bool(self.target_errors), "target error: none is given")
        repeated = len(set(self.target_errors)) < len(self.target_errors)
        _require(not repeated, "target error: the same one is given twice")
        _require(0 < self.delta < 1, f"delta: {self.delta} is not between 0 and 1")
        _require(self.rule in ("anchored", "planned"), f"rule: {self.rule!r} is unknown")
        _require(self.sets in COVERAGES, f"sets: {self.sets!r} is not one of {COVERAGES}")

    def share(self, part: float) -> float:
        """Return what a statement may spend of a part of δ: targets share it (Bonferroni)."""
        return self.delta * part / len(self.target_errors)


@dataclass(frozen=True, eq=False)
class Judged:
    """Texts that are not refused, with the probabilities given to them and the truth.

    Attributes
    ----------
    probabilities : ndarray, shape (n_texts, n_codes)
        Columns in the order of the predictor's codes.
    codes : list of str, shape (n_texts,)
    """

    probabilities: Floats
    codes: list[str]

    def beside(self, other: "Judged | None") -> "Judged":
        """Return these texts, then others."""
        if other is None:
            return self
        probabilities = np.concatenate([self.probabilities, other.probabilities])
        return Judged(probabilities, self.codes + other.codes)


def certify(
    predictor: Predictor,
    dataset: Dataset,
    targets: Targets,
    *,
    seed: int,
    unlearnable: Judged | None = None,
    out_of_fold: Judged | None = None,
) -> dict[str, Any]:
    """Prove what can be promised of a predictor.

    Parameters
    ----------
    predictor : Predictor
        Its thresholds play no part.
    dataset : Dataset
        Coded texts that nothing was learnt from or chosen on. One row of each split key is drawn: a
        text that is repeated counts once.
    targets : Targets
    seed : int
        Of the draw.
    unlearnable : Judged or None
        Texts whose key is the only one of its code, in the share that would have been drawn.
    out_of_fold : Judged or None
        Exploration: where the planned rule starts, where an indicative threshold comes from, what
        is planned of the roll-up; without it, the plans of the predictor's manifest.

    Returns
    -------
    dict
        What the manifest says under `thresholds`, `levels`, `roll_up`, `prediction_sets`,
        `certification`.

    Raises
    ------
    DataError
        If every text is refused.
    """
    sample = dataset.take(one_row_per_key(dataset.keys, seed=seed))
    judged = judge(predictor, sample.texts, sample.codes).beside(unlearnable)
    n_looked_at = len(sample) + (len(unlearnable.codes) if unlearnable else 0)
    common = {"n_refused": n_looked_at - len(judged.codes), "data_digest": dataset.digest}
    n_levels = len(predictor.levels)
    thresholds = [
        _certify_codes(predictor, judged, target, targets, common, out_of_fold)
        for target in targets.target_errors
    ]
    return {
        "thresholds": thresholds,
        "roll_up": [
            _certify_roll_up(predictor, judged, codes, targets, common, out_of_fold)
            for codes in (thresholds if n_levels else [])
        ],
        "levels": {
            str(level.depth): [
                _certify_level(predictor, judged, level, target, targets, common)
                for target in targets.target_errors
            ]
            for level in predictor.levels
        },
        "prediction_sets": fit_prediction_sets(
            judged.probabilities,
            targets_of(judged.codes, predictor.codes),
            delta=targets.delta,
            coverage=targets.sets,
        ),
        "certification": {
            "target_errors": list(targets.target_errors),
            "delta": targets.delta,
            "rule": targets.rule,
            "n_statements": len(targets.target_errors) * (n_levels + 2 if n_levels else 1),
            "data_digest": dataset.digest,
            "n_rows": len(dataset),
            "n_keys": len(sample),
            "n_unlearnable": len(unlearnable.codes) if unlearnable else 0,
        },
    }


def one_row_per_key(keys: Sequence[str], *, seed: int) -> list[int]:
    """Return one row of each key, drawn at random, in the order of the rows."""
    order = np.random.default_rng(seed).permutation(len(keys)).tolist()
    drawn = {keys[row]: row for row in order}
    return sorted(drawn.values())


def judge(predictor: Predictor, texts: Sequence[str], codes: Sequence[str]) -> Judged:
    """Return the texts that a predictor does not refuse, and what it says of them."""
    scored = predictor.score(texts)
    kept = [row for row, refusal in enumerate(scored.refusals) if refusal is None]
    if not kept:
        raise DataError(
            f"None of {len(texts)} texts to certify on can be answered: all are refused (empty, "
            "too short, unknown words). Is the column of texts the right one?"
        )
    return Judged(scored.probabilities[kept], [codes[row] for row in kept])


def judged_rows(
    predictor: Predictor, dataset: Dataset, rows: Sequence[int], probabilities: Floats
) -> Judged | None:
    """Return some rows that were answered otherwise, out of fold; None if all are refused."""
    refusals = predictor.refuse([dataset.texts[row] for row in rows])
    kept = [row for row, refusal in zip(rows, refusals, strict=True) if refusal is None]
    return Judged(probabilities[kept], [dataset.codes[row] for row in kept]) if kept else None


def answers_of_codes(predictor: Predictor, judged: Judged) -> tuple[Floats, Bools]:
    """Return the confidence in each likeliest code, and whether it is wrong."""
    answered = judged.probabilities.argmax(axis=1)
    wrong: Bools = answered != targets_of(judged.codes, predictor.codes)
    return confidence_of(judged.probabilities), wrong


def answers_of_level(predictor: Predictor, judged: Judged, level: Level) -> tuple[Floats, Bools]:
    """Return the confidence in each likeliest code of a level, and whether it is wrong."""
    summed = level.sum_up(judged.probabilities)
    above = [code_at_level(code, level.depth, predictor.nomenclature) for code in judged.codes]
    wrong: Bools = summed.argmax(axis=1) != targets_of(above, level.codes)
    return confidence_of(summed), wrong


def answers_above(predictor: Predictor, judged: Judged) -> Above:
    """Return the answers of all levels together, for texts that may be rolled up."""
    answers = [answers_of_level(predictor, judged, level) for level in predictor.levels]
    return Above(
        confidence_of(judged.probabilities),
        np.column_stack([confidences for confidences, _ in answers]),
        np.column_stack([wrong for _, wrong in answers]),
    )


def _certify_codes(
    predictor: Predictor,
    judged: Judged,
    target_error: float,
    targets: Targets,
    common: dict[str, Any],
    out_of_fold: Judged | None,
) -> dict[str, Any]:
    delta = targets.share(CODES_SHARE if predictor.levels else 1.0)
    prior = answers_of_codes(predictor, out_of_fold) if out_of_fold else None
    planned = prior if targets.rule == "planned" else None
    found = certify_threshold(
        *answers_of_codes(predictor, judged),
        target_error=target_error,
        delta=delta,
        rule="anchored" if planned is None else "planned",
        prior=planned,
        **common,
    )
    if found.threshold is None and targets.indicative and prior is not None:
        guess = indicative_threshold(
            *prior,
            target_error=target_error,
            delta=delta,
            data_digest=predictor.manifest.get("data", {}).get("fit", {}).get("digest", ""),
        )
        found = found if guess.threshold is None else guess
    return found.to_dict()


def _certify_level(
    predictor: Predictor,
    judged: Judged,
    level: Level,
    target_error: float,
    targets: Targets,
    common: dict[str, Any],
) -> dict[str, Any]:
    delta = targets.share(LEVELS_SHARE / len(predictor.levels))
    answers = answers_of_level(predictor, judged, level)
    found = certify_threshold(*answers, target_error=target_error, delta=delta, **common)
    return found.to_dict()


def _certify_roll_up(
    predictor: Predictor,
    judged: Judged,
    codes: Mapping[str, Any],
    targets: Targets,
    common: dict[str, Any],
    out_of_fold: Judged | None,
) -> dict[str, Any] | None:
    """Return what is proved of the texts in doubt; None where nothing could be planned."""
    target_error, delta = codes["target_error"], targets.share(ROLL_UP_SHARE)
    n_texts = len(judged.codes)
    plan = _plan_roll_up(predictor, out_of_fold, n_texts, target_error, delta)
    if plan is None:
        return None
    return certify_roll_up(
        answers_above(predictor, judged),
        plan,
        codes_threshold=codes["threshold"],
        target_error=target_error,
        delta=delta,
        **common,
    )


def _plan_roll_up(
    predictor: Predictor,
    out_of_fold: Judged | None,
    n_texts: int,
    target_error: float,
    delta: float,
) -> RollUpPlan | None:
    """Plan from out-of-fold answers, or take the plan of the nearest target from the manifest."""
    if out_of_fold is not None:
        _, wrong = answers_of_codes(predictor, out_of_fold)
        above = answers_above(predictor, out_of_fold)
        return RollUpPlan.from_out_of_fold(
            above, wrong, n_texts=n_texts, target_error=target_error, delta=delta
        )
    known = [one for one in predictor.manifest.get("roll_up") or [] if one is not None]
    nearest = min(known, key=lambda one: abs(one["target_error"] - target_error), default=None)
    return None if nearest is None else RollUpPlan.from_list(nearest["plan"])


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise UsageError(f"{complaint[0].upper()}{complaint[1:]}.")
