"""Shelf: files that people gave to the page, for a quarter of an hour, and theirs alone.

They are unlinked as soon as they are open: nothing is left on the disk when the process ends.
"""

import secrets
import tempfile
import weakref
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Final

from libelle.dashboard.trying.tables import Shape

KEPT_SECONDS: Final = 900.0
MOST_KEPT: Final = 20
_TOKEN_BYTES = 16


@dataclass
class Deposit:
    """A file on the shelf.

    Attributes
    ----------
    owner : str
    name : str
        As its owner calls it.
    file : binary file
    shape : Shape
    until : float
    result : binary file or None
        Once it is coded.
    counts : Counter of str
    working : Lock
        Held while it is read or written.
    """

    owner: str
    name: str
    file: IO[bytes]
    shape: Shape
    until: float = 0.0
    result: IO[bytes] | None = None
    counts: Counter[str] = field(default_factory=Counter)
    working: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """See to it that the file is closed with its last reader."""
        weakref.finalize(self, self.file.close)

    def take_result(self, result: IO[bytes], counts: Counter[str]) -> None:
        """Keep what the file became."""
        weakref.finalize(self, result.close)
        self.result, self.counts = result, counts


class Shelf:
    """Keeps files a while.

    Parameters
    ----------
    folder : Path
        Where the room is taken; no name ever stands in it for long.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: OrderedDict[str, Deposit] = OrderedDict()
        self._lock = Lock()

    def open_file(self) -> IO[bytes]:
        """Return an empty file without a name, that its process alone reads."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._folder)

    def keep(self, deposit: Deposit, *, now: float) -> str:
        """Keep a file, and return what it is asked by; the oldest give way."""
        token = secrets.token_hex(_TOKEN_BYTES)
        deposit.until = now + KEPT_SECONDS
        with self._lock:
            self._kept[token] = deposit
            over = [one for one, kept in self._kept.items() if kept.until <= now]
            over += list(self._kept)[: max(0, len(self._kept) - MOST_KEPT)]
            for one in dict.fromkeys(over):
                del self._kept[one]
        return token

    def find(self, token: str, *, owner: str, now: float) -> Deposit | None:
        """Return a file of somebody, None if it is not theirs or not there any more."""
        with self._lock:
            deposit = self._kept.get(token)
        if deposit is None or deposit.owner != owner or deposit.until <= now:
            return None
        return deposit
