"""Board: what one process writes and the others read, in memory that they share."""

import mmap
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Told = TypeVar("Told", bound=DataclassInstance)
else:
    Told = TypeVar("Told")

N_BYTES = 16_384
LENGTH_BYTES = 4
FAILURES = ("refused", "unreachable")


@dataclass(frozen=True)
class Notice:
    """What the supervising process knows of the model's life.

    Attributes
    ----------
    n_reloads, n_failed_reloads : int
        Models that took the place of another one; those that were refused, or could not be had.
    failure : str or None
        Kind of the last failure, one of `FAILURES`, until a model is loaded again.
    failed_at : str or None
        UTC.
    why : str or None
        The last failure, as whoever asks may know it: no path, no address.
    from_cache : bool
        The registry was down at the start: the model is the last one that it gave.
    model_name, model_version, model_digest, threshold_id : str or None
        What is served, and what it promises.
    """

    n_reloads: int = 0
    n_failed_reloads: int = 0
    failure: str | None = None
    failed_at: str | None = None
    why: str | None = None
    from_cache: bool = False
    model_name: str | None = None
    model_version: str | None = None
    model_digest: str | None = None
    threshold_id: str | None = None


class Board(Generic[Told]):
    """A notice in memory that processes share once they are forked; one of them writes.

    Parameters
    ----------
    first : dataclass
        What is said until something else is; all notices are of its kind.
    """

    def __init__(self, first: Told) -> None:
        self._kind = type(first)
        self._memory = mmap.mmap(-1, N_BYTES)
        self.write(first)

    def write(self, notice: Told) -> None:
        """Replace the notice; its length comes last, so that no reader sees a half."""
        content = orjson.dumps(asdict(notice))
        self._memory[LENGTH_BYTES : LENGTH_BYTES + len(content)] = content
        self._memory[:LENGTH_BYTES] = len(content).to_bytes(LENGTH_BYTES, "big")

    def read(self) -> Told:
        """Return the notice."""
        length = int.from_bytes(self._memory[:LENGTH_BYTES], "big")
        try:
            facts: dict[str, Any] = orjson.loads(self._memory[LENGTH_BYTES : LENGTH_BYTES + length])
        except orjson.JSONDecodeError:  # It was being written.
            return self.read()
        return self._kind(**facts)
