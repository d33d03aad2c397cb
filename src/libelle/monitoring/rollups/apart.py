"""Apart: a long counting, done by another process whose memory goes with it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from libelle.errors import StorageError
from libelle.storage import StorageOptions


class Step(NamedTuple):
    """A day that was counted and kept, and how far the counting is."""

    day: date
    n_done: int
    n_days: int


def count_apart(
    uri: str, folder: Path, *, n_days: int, now: datetime, options: StorageOptions
) -> Iterator[Step]:
    """Count a log in another process; give each day once it is kept in the folder.

    Parameters
    ----------
    uri, folder, n_days, options
        As `RollUps` takes them.
    now : datetime

    Raises
    ------
    StorageError
        If that process ended before its work did; what it counted is kept.
    """
    asked = {
        "uri": uri,
        "folder": str(folder),
        "n_days": n_days,
        "now": now.isoformat(),
        "options": asdict(options),
    }
    command = [sys.executable, "-m", "libelle.monitoring.rollups"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        try:
            # Not in its arguments, nor in its environment: others could read the key of the log.
            json.dump(asked, process.stdin)
            process.stdin.close()
            for line in process.stdout:
                day, n_done, n_all = line.split()
                yield Step(date.fromisoformat(day), int(n_done), int(n_all))
        except (BrokenPipeError, ValueError):
            pass
        finally:
            process.stdout.close()  # If nobody listens any more, it ends at its next word.
    if process.returncode != 0:
        raise StorageError(
            "Counting the log was cut short: see the messages above. It goes on at the next look."
        )
