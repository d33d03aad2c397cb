"""Journal: the prediction log as the pages see it, and a word for when they cannot."""

from dataclasses import dataclass
from datetime import datetime

from libelle.dashboard.watching import Clock, Watched
from libelle.errors import LibelleError
from libelle.monitoring.prediction_log.store import FailureKind, LogStoreError
from libelle.monitoring.rollups import RollUps, Snapshot
from libelle.settings import Settings

EVERY_SECONDS = 15.0
MOST_BYTES = 2**24  # Of files counted by this process; more would take its memory for good.
N_DAYS = 92  # Twelve weeks, and what they are compared with.


@dataclass(frozen=True)
class JournalView:
    """What pages know of the log.

    Attributes
    ----------
    is_on : bool
        Whether the settings say that there is a log.
    snapshot : Snapshot or None
        None as long as nothing is counted.
    read_at : datetime or None
    failure : str or None
        Why the log could not be read just now: a `FailureKind`, or `other`.
    n_done, n_days : int
        How far the counting is; both 0 when nothing is being counted.
    """

    is_on: bool
    snapshot: Snapshot | None = None
    read_at: datetime | None = None
    failure: str | None = None
    n_done: int = 0
    n_days: int = 0

    @property
    def has_rows(self) -> bool:
        """Tell whether there is something to show."""
        return self.snapshot is not None and self.snapshot.n_rows > 0


class Journal:
    """Counts the log in the background.

    Parameters
    ----------
    settings : Settings
    clock : callable
    """

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self._clock = clock
        self._progress = (0, 0)
        self._roll_ups: RollUps | None = None
        if settings.log_uri is not None:
            self._roll_ups = RollUps(
                settings.log_uri,
                settings.home / "rollups",
                n_days=N_DAYS,
                options=settings.storage_options(),
            )
        self._watched = Watched(self._count, every_seconds=EVERY_SECONDS, clock=clock)

    def start(self) -> None:
        """Begin to count."""
        if self._roll_ups is not None:
            self._watched.refresh()

    def wait(self, seconds: float) -> None:
        """Wait until what is being counted is counted."""
        self._watched.wait(seconds)

    def view(self) -> JournalView:
        """Return what is known now."""
        if self._roll_ups is None:
            return JournalView(is_on=False)
        look, (n_done, n_days) = self._watched.look(), self._progress
        snapshot = look.value
        if snapshot is None and n_days:
            snapshot = self._roll_ups.counted(now=self._clock())
        return JournalView(
            is_on=True,
            snapshot=snapshot,
            read_at=look.read_at,
            failure=_kind_of(look.failure),
            n_done=n_done,
            n_days=n_days,
        )

    def _count(self) -> Snapshot:
        assert self._roll_ups is not None  # noqa: S101
        try:
            return self._roll_ups.refresh(
                now=self._clock(), progress=self._note, most_bytes=MOST_BYTES
            )
        finally:
            self._progress = (0, 0)

    def _note(self, n_done: int, n_days: int) -> None:
        self._progress = (n_done, n_days)


def _kind_of(error: LibelleError | None) -> str | None:
    if error is None:
        return None
    return error.kind.value if isinstance(error, LogStoreError) else FailureKind.OTHER.value
