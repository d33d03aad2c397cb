"""Cache: a local folder with one file a day, written whole or not at all."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from libelle.errors import StorageError
from libelle.monitoring.prediction_log.reading import Problem
from libelle.monitoring.rollups.counts import describe_counts, read_counts
from libelle.monitoring.rollups.days import DayRollUp, Seen
from libelle.storage import write_atomically

FORMAT_VERSION = 1
_SUFFIX, _PARTIAL = ".npz", ".part"


class DayCache:
    """The days that were counted.

    Parameters
    ----------
    folder : Path
        Of all logs; made when the first day is kept.
    uri : str
        Of the log: each has a folder of its own.
    """

    def __init__(self, folder: Path, uri: str) -> None:
        self._folder = folder / hashlib.sha256(uri.encode()).hexdigest()[:16]

    def read(self) -> dict[date, DayRollUp]:
        """Return the days that are kept; what is damaged, or of another version, is no day."""
        days = (_read_day(path) for path in self._paths())
        return {one.day: one for one in days if one is not None}

    def read_day(self, day: date) -> DayRollUp | None:
        """Return a day, None if it is not kept."""
        return _read_day(self._path(day))

    def write(self, rolled_up: DayRollUp) -> None:
        """Keep a day in the place of what was kept of it.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        facts = {
            "version": FORMAT_VERSION,
            "day": rolled_up.day.isoformat(),
            "files": dict(rolled_up.files),
            "problems": [list(problem) for problem in rolled_up.problems],
            "n_distinct_texts": rolled_up.n_distinct_texts,
            "counts": describe_counts(rolled_up.counts),
        }
        arrays: dict[str, NDArray[Any]] = {"facts": np.frombuffer(orjson.dumps(facts), np.uint8)}
        if rolled_up.seen is not None:
            arrays |= {"ids": rolled_up.seen.ids, "texts": rolled_up.seen.texts}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with write_atomically(self._path(rolled_up.day)) as stream:
                np.savez(stream, allow_pickle=False, **arrays)
        except OSError as error:
            raise StorageError(
                f"{self._folder} cannot be written: {error.strerror}. Check LIBELLE_HOME."
            ) from error

    def forget(self, day: date) -> None:
        """Remove a day that the log has no more."""
        self._path(day).unlink(missing_ok=True)

    def clean(self) -> None:
        """Remove what a process that was killed left half written."""
        for path in self._folder.glob(f".*{_PARTIAL}"):
            path.unlink(missing_ok=True)

    def _path(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}{_SUFFIX}"

    def _paths(self) -> Iterator[Path]:
        return iter(sorted(self._folder.glob(f"*{_SUFFIX}")))


def _read_day(path: Path) -> DayRollUp | None:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            facts = orjson.loads(arrays["facts"].tobytes())
            seen = Seen(arrays["ids"], arrays["texts"]) if "ids" in arrays else None
        if facts["version"] != FORMAT_VERSION:
            return None
        return DayRollUp(
            date.fromisoformat(facts["day"]),
            facts["files"],
            read_counts(facts["counts"]),
            tuple(Problem(*problem) for problem in facts["problems"]),
            facts["n_distinct_texts"],
            seen,
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
