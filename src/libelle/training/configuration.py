"""Configuration: what changes the result of a training, one typed object, logged whole."""

import logging
import tomllib
from dataclasses import asdict, dataclass, fields
from math import inf
from pathlib import Path
from typing import Any, Literal, Self

from libelle.classifiers.families import is_installed
from libelle.decision import RefusalRules
from libelle.errors import MissingPackageError, UsageError
from libelle.prediction_sets import COVERAGES

logger = logging.getLogger(__name__)

MetricName = Literal["macro_f1", "accuracy", "log_loss"]
METRICS: tuple[MetricName, ...] = ("macro_f1", "accuracy", "log_loss")
FAMILIES = ("blend", "svm", "softmax", "fasttext")
LANGUAGES = ("french", "english")
# What comes after the search: another value finds the same trials again.
AFTER_SEARCH = (
    "target_errors",
    "delta",
    "rule",
    "sets",
    "indicative",
    "rules_off",
    "cost_review",
    "cost_error",
    "purpose",
    "contact",
)
RULES = ("anchored", "planned")


@dataclass(frozen=True)
class TrainingConfiguration:
    """Choices of one training.

    Attributes
    ----------
    n_trials, n_folds : int
        Size of the search.
    minutes : float or None
        Stop asking for trials after that time; the result then depends on the machine.
    metric : {"macro_f1", "accuracy", "log_loss"}
        What the search improves.
    families : tuple of {"blend", "svm", "softmax", "fasttext"}
        Classifiers that the search tries.
    language : {"french", "english"}
        Language of stop words and stems.
    seed : int
        Seed of everything left to chance.
    target_errors : tuple of float
        Shares of errors wanted among what is coded automatically; the first one is active.
    delta : float
        Probability that one promise or more does not hold: shared by all of them.
    rule : {"anchored", "planned"}
        How a threshold is looked for; planned starts where the out-of-fold errors say, and suits
        certify texts of the same period and source as the others.
    sets : {"marginal", "per_code"}
        Whether prediction sets keep their promise over all texts, or over those of each code.
    indicative : bool
        Where no threshold is proved, take one from out-of-fold errors and call it indicative.
    rules_off : tuple of str
        Rules of refusal that the model does without: see `libelle.decision.RefusalRules`.
    cost_review, cost_error : float or None
        Of a manual coding and of an error, in the same unit: for the cost curve of the run.
    purpose, contact : str
        What the codes are used for and who answers for them: for the transparency sheet.
    """

    n_trials: int = 30
    n_folds: int = 5
    minutes: float | None = None
    metric: MetricName = "macro_f1"
    families: tuple[str, ...] = FAMILIES
    language: Literal["french", "english"] = "french"
    seed: int = 0
    target_errors: tuple[float, ...] = (0.05,)
    delta: float = 0.05
    rule: Literal["anchored", "planned"] = "anchored"
    sets: Literal["marginal", "per_code"] = "marginal"
    indicative: bool = False
    rules_off: tuple[str, ...] = ()
    cost_review: float | None = None
    cost_error: float | None = None
    purpose: str = ""
    contact: str = ""

    def __post_init__(self) -> None:
        self._refuse_wrong_types()
        _require(self.seed >= 0, f"seed: {self.seed} is under 0")
        _require(self.n_trials >= 1, f"trials: {self.n_trials} is under 1")
        _require(2 <= self.n_folds <= 20, f"folds: {self.n_folds} is not between 2 and 20")
        minutes = 1.0 if self.minutes is None else self.minutes
        _require(0 < minutes < inf, f"minutes: {minutes} is not a number over 0")
        _require(self.metric in METRICS, f"metric: {self.metric!r} is not one of {METRICS}")
        _require(self.language in LANGUAGES, f"language: {self.language!r} is not in {LANGUAGES}")
        _require(
            bool(self.families) and set(self.families) <= set(FAMILIES),
            f"families: {self.families} are not among {FAMILIES}",
        )
        targets = self.target_errors
        _require(bool(targets), "target error: none is given")
        _require(len(set(targets)) == len(targets), "target error: one is given twice")
        for target in targets:
            _require(0 < target < 1, f"target error: {target} is not between 0 and 1")
        _require(0 < self.delta < 1, f"delta: {self.delta} is not between 0 and 1")
        _require(self.rule in RULES, f"rule: {self.rule!r} is not one of {RULES}")
        _require(self.sets in COVERAGES, f"sets: {self.sets!r} is not one of {COVERAGES}")
        RefusalRules.without(self.rules_off)
        costs = (self.cost_review, self.cost_error)
        _require((costs[0] is None) == (costs[1] is None), "costs: give both or none")
        for cost in costs:
            _require(cost is None or 0 < cost < inf, f"costs: {cost} is not a number over 0")

    @classmethod
    def from_options(cls, file: Path | None = None, **options: Any) -> Self:
        """Take options from a TOML file, then from `options`; one that is None is not given.

        Families that are not given are those whose package is installed.

        Raises
        ------
        UsageError
            If the file is not TOML, or an option is unknown or out of range.
        MissingPackageError
            If a family is given whose package is not installed.
        """
        given = _read_toml(file) if file else {}
        given.update({name: value for name, value in options.items() if value is not None})
        for name in ("families", "target_errors", "rules_off"):
            if isinstance(given.get(name), list):
                given[name] = tuple(given[name])
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(given) - set(known)):
            raise UsageError(f"Configuration: {unknown} are not options. Options: {known}.")
        if "families" not in given:
            given["families"] = _installed_families()
        configuration = cls(**given)
        for family in configuration.families:
            if not is_installed(family):
                raise _not_installed(family)
        return configuration

    def _refuse_wrong_types(self) -> None:
        """Refuse what a TOML file may hold instead of what is wanted."""
        for field in fields(self):
            value, usual = getattr(self, field.name), field.default
            if value is None and usual is None:
                continue
            number = isinstance(value, int | float) and not isinstance(value, bool)
            right = number if isinstance(usual, float | None) else isinstance(value, type(usual))
            if isinstance(usual, int) and not isinstance(usual, bool):
                right = right and not isinstance(value, bool)
            if isinstance(usual, tuple) and right:
                kind = int | float if usual and isinstance(usual[0], float) else str
                right = all(isinstance(item, kind) for item in value)
            _require(right, f"{field.name}: {value!r} is not of the right kind, as {usual!r} is")

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        names = ("families", "target_errors", "rules_off")
        lists = {name: list(getattr(self, name)) for name in names}
        return {**asdict(self), **lists}


def _installed_families() -> tuple[str, ...]:
    """Return the families that can be tried here; say which cannot, and what to install."""
    for family in FAMILIES:
        if not is_installed(family):
            logger.warning("%s The search goes on without it.", _not_installed(family))
    return tuple(filter(is_installed, FAMILIES))


def _not_installed(family: str) -> MissingPackageError:
    purpose = f"The family {family!r}"
    return MissingPackageError("fasttext-community", extra="train", purpose=purpose)


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise UsageError(f"Configuration: {complaint}.")


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"Configuration file {file} cannot be read: {error}.") from error
