"""Configuration: what changes the result of a training, one typed object, logged whole."""

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self

from libelle.errors import UsageError

MetricName = Literal["macro_f1", "accuracy", "log_loss"]
METRICS: tuple[MetricName, ...] = ("macro_f1", "accuracy", "log_loss")
FAMILIES = ("blend", "svm", "softmax", "fasttext")
LANGUAGES = ("french", "english")


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
    """

    n_trials: int = 30
    n_folds: int = 5
    minutes: float | None = None
    metric: MetricName = "macro_f1"
    families: tuple[str, ...] = FAMILIES
    language: Literal["french", "english"] = "french"
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.n_trials >= 1, f"trials: {self.n_trials} is under 1")
        _require(2 <= self.n_folds <= 20, f"folds: {self.n_folds} is not between 2 and 20")
        _require(self.minutes is None or self.minutes > 0, f"minutes: {self.minutes} is not over 0")
        _require(self.metric in METRICS, f"metric: {self.metric!r} is not one of {METRICS}")
        _require(self.language in LANGUAGES, f"language: {self.language!r} is not in {LANGUAGES}")
        _require(
            bool(self.families) and set(self.families) <= set(FAMILIES),
            f"families: {self.families} are not among {FAMILIES}",
        )

    @classmethod
    def from_options(cls, file: Path | None = None, **options: Any) -> Self:
        """Take options from a TOML file, then from `options`; one that is None is not given.

        Raises
        ------
        UsageError
            If the file is not TOML, or an option is unknown or out of range.
        """
        given = _read_toml(file) if file else {}
        given.update({name: value for name, value in options.items() if value is not None})
        if "families" in given:
            given["families"] = tuple(given["families"])
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(given) - set(known)):
            raise UsageError(f"Configuration: {unknown} are not options. Options: {known}.")
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        return {**asdict(self), "families": list(self.families)}


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise UsageError(f"Configuration: {complaint}.")


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"Configuration file {file} cannot be read: {error}.") from error
