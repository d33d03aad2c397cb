"""Console: what commands say; results on standard output, everything else on standard error."""

import json
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from libelle.errors import UsageError

PHASES = {
    "split": "Cutting the coded texts in fit, certify and test",
    "search": "Searching for the best classifier",
    "refit": "Fitting the winner on all texts to learn from",
    "certify": "Certifying the threshold, on texts that no choice looked at",
    "test": "Evaluating it once on the test part",
    "save": "Saving the model",
}

messages = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Write a message for a person, on standard error."""
    messages.print(text, markup=False)


def say_error(text: str) -> None:
    """Write what went wrong, on standard error."""
    messages.print(f"Error: {text}", style="bold red", markup=False)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object, alone on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


def print_lines(lines: list[str]) -> None:
    """Print a result for a person, on standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def refuse_busy_port(host: str, port: int, *, by: str) -> None:
    """Refuse a port that another process listens on, before any work is done.

    Parameters
    ----------
    host : str
    port : int
    by : str
        What chooses another one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"Port {port} of {host} cannot be used: {error.strerror}. Choose another one with "
                f"{by}."
            ) from error


class TrainingProgress:
    """Shows a training: a bar on a terminal, plain lines elsewhere."""

    def __init__(self, metric: str) -> None:
        self._metric = metric
        self._bar: Progress | None = None
        self._task: Any = None
        self._started = time.monotonic()
        self._n_trials = 0

    def phase(self, name: str) -> None:
        """Say what begins."""
        self._stop()
        say(PHASES[name])

    def note(self, line: str) -> None:
        """Say something worth reading."""
        say(f"  {line}")

    def trials_planned(self, n_trials: int, n_folds: int) -> None:
        """Begin the bar."""
        self._n_trials = n_trials
        if not messages.is_terminal:
            return
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("folds"), TimeElapsedColumn())
        best = TextColumn("{task.fields[best]}")
        self._bar = Progress(*columns, best, console=messages, transient=True)
        self._bar.start()
        self._task = self._bar.add_task("search", total=n_trials * n_folds, best="")

    def fold_done(self, n_folds_done: int) -> None:
        """Move the bar."""
        if self._bar:
            self._bar.advance(self._task, n_folds_done)

    def trial_done(self, trial: Mapping[str, Any], *, best: float | None) -> None:
        """Show the trial and the best metric so far."""
        if self._bar:
            shown = "" if best is None else f"best {self._metric} {best:.4f}"
            self._bar.update(self._task, best=shown)
        else:
            say(self._line(trial, best))

    def close(self) -> None:
        """Take the bar away."""
        self._stop()

    def _line(self, trial: Mapping[str, Any], best: float | None) -> str:
        kind = trial["parameters"]["kind"]
        value = trial["metrics"].get(self._metric, float("nan"))
        seconds = time.monotonic() - self._started
        return (
            f"  trial {trial['number'] + 1}/{self._n_trials} {kind:<8} {trial['state']:<8} "
            f"{self._metric} {value:.4f}  best {best or float('nan'):.4f}  {seconds:.0f} s"
        )

    def _stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
