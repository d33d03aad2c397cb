"""Room: how many bytes wait in a spool, and how many more may."""

import os
from collections.abc import Callable
from pathlib import Path

MEASURE_SECONDS, MEASURE_WHEN_FULL_SECONDS = 10.0, 1.0


class Room:
    """How many bytes the writers of a spool may still take together."""

    def __init__(self, spool_path: Path, max_bytes: int, clock: Callable[[], float]) -> None:
        self._spool_path, self._max_bytes, self._clock = spool_path, max_bytes, clock
        self._measured_at = -MEASURE_SECONDS
        self.look(0)

    def look(self, seconds: float) -> None:
        """Measure what all writers have there, unless it was done less than some seconds ago."""
        if self._clock() - self._measured_at >= seconds:
            self._n_bytes = measure(self._spool_path)
            self._measured_at = self._clock()

    def has(self, n_bytes: int) -> bool:
        """Tell whether there is room."""
        if self._n_bytes + n_bytes > self._max_bytes:
            self.look(MEASURE_WHEN_FULL_SECONDS)
        return self._n_bytes + n_bytes <= self._max_bytes

    def take(self, n_bytes: int) -> None:
        """Count bytes that this writer wrote."""
        self._n_bytes += n_bytes


def measure(spool_path: Path) -> int:
    """Return how many bytes wait in a spool."""
    n_bytes = 0
    for folder, _, names in os.walk(spool_path):
        for name in names:
            try:
                n_bytes += (Path(folder) / name).stat().st_size
            except OSError:  # Uploaded meanwhile.
                continue
    return n_bytes
