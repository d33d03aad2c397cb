"""Run log: what a training tells as it goes, whoever listens."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class RunLog(Protocol):
    """Receives what happens in one training, in this order."""

    def start(
        self, *, name: str, configuration: Mapping[str, Any], tags: Mapping[str, str]
    ) -> None:
        """Open the run of a model called `name`."""

    def log_input(self, *, role: str, name: str, uri: str, digest: str, n_texts: int) -> None:
        """Note texts that the run uses, by the digest of their content."""

    def log_trial(self, trial: Mapping[str, Any]) -> None:
        """Note one finished trial: number, state, parameters, metrics, folds, seconds."""

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Note numbers about the model of the run."""

    def log_artifact(self, name: str, content: bytes) -> None:
        """Keep a table or a picture."""

    def log_model(self, folder: Path) -> None:
        """Keep a saved predictor."""

    def finish(self, status: str) -> None:
        """Close the run as `finished` or `failed`."""


class NullRunLog:
    """A run log that keeps nothing."""

    def start(
        self, *, name: str, configuration: Mapping[str, Any], tags: Mapping[str, str]
    ) -> None:
        """Keep nothing."""

    def log_input(self, *, role: str, name: str, uri: str, digest: str, n_texts: int) -> None:
        """Keep nothing."""

    def log_trial(self, trial: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Keep nothing."""

    def log_artifact(self, name: str, content: bytes) -> None:
        """Keep nothing."""

    def log_model(self, folder: Path) -> None:
        """Keep nothing."""

    def finish(self, status: str) -> None:
        """Keep nothing."""


class Progress(Protocol):
    """Shows a person how far a training is."""

    def phase(self, name: str) -> None:
        """Begin a phase."""

    def note(self, line: str) -> None:
        """Tell something worth reading."""

    def trials_planned(self, n_trials: int, n_folds: int) -> None:
        """Begin the search."""

    def fold_done(self, n_folds_done: int) -> None:
        """Count one fold, or those that a hopeless trial is spared."""

    def trial_done(self, trial: Mapping[str, Any], *, best: float | None) -> None:
        """Show a finished trial and the best metric so far."""


class NullProgress:
    """A progress that shows nothing."""

    def phase(self, name: str) -> None:
        """Show nothing."""

    def note(self, line: str) -> None:
        """Show nothing."""

    def trials_planned(self, n_trials: int, n_folds: int) -> None:
        """Show nothing."""

    def fold_done(self, n_folds_done: int) -> None:
        """Show nothing."""

    def trial_done(self, trial: Mapping[str, Any], *, best: float | None) -> None:
        """Show nothing."""
