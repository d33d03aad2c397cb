"""Count a log, as `count_apart` asks: options come in, one line goes out for each day."""

import json
import os
import sys
from datetime import date, datetime
from pathlib import Path

from libelle.errors import LibelleError
from libelle.monitoring.rollups.refreshing import RollUps
from libelle.storage import StorageOptions

NICENESS = 5  # Whoever reads pages meanwhile comes first.


def main() -> int:
    """Count what is asked on standard input; return the exit code."""
    os.nice(NICENESS)
    asked = json.load(sys.stdin)
    roll_ups = RollUps(
        asked["uri"],
        Path(asked["folder"]),
        n_days=asked["n_days"],
        options=StorageOptions(**asked["options"]),
    )
    try:
        roll_ups.refresh(now=datetime.fromisoformat(asked["now"]), on_day=_say)
    except LibelleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except BrokenPipeError:
        sys.stdout = None  # Whoever asked has left.
        return 1
    return 0


def _say(day: date, n_done: int, n_days: int) -> None:
    sys.stdout.write(f"{day} {n_done} {n_days}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
