"""Options: where the prediction log stands, and what it keeps."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from libelle.errors import UsageError
from libelle.monitoring.privacy import TextPolicy
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

SEGMENT_BYTES = 1 << 20


class SyncMode(StrEnum):
    """Whether rows are on the disk before the answer leaves, or whenever the system likes."""

    ALWAYS = "always"
    OFF = "off"


class WhenFull(StrEnum):
    """What becomes of an answer whose row cannot be kept: sent and counted, or refused."""

    DEGRADE = "degrade"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """Where the prediction log stands, and what it keeps.

    Attributes
    ----------
    uri : str
        Folder of the log, local or remote.
    spool_path : Path
        Local folder where rows wait to be uploaded.
    key : bytes
        Secret of the keyed hashes.
    sync : SyncMode
    when_full : WhenFull
    max_spool_bytes : int
        Most bytes that may wait, those of all writers of `spool_path` together.
    upload_seconds : float
        Longest time that a row waits for company before it may be uploaded.
    text_policy : TextPolicy
    review_share : float
        Share of the automatic texts that the policy `review` keeps, from 0 to 1.
    hash_ids : bool
        Whether a keyed hash stands for what the caller calls an item.
    storage : StorageOptions
    """

    uri: str
    spool_path: Path
    key: bytes = field(repr=False)
    sync: SyncMode = SyncMode.ALWAYS
    when_full: WhenFull = WhenFull.DEGRADE
    max_spool_bytes: int = 1 << 30
    upload_seconds: float = 10.0
    text_policy: TextPolicy = TextPolicy.NONE
    review_share: float = 0.02
    hash_ids: bool = False
    storage: StorageOptions = DEFAULT_OPTIONS

    def __post_init__(self) -> None:
        """Refuse what would keep less, or say less, than it seems to.

        Raises
        ------
        UsageError
            If the key is empty, or a number is out of range.
        """
        if not self.key:
            raise UsageError("The prediction log needs a key. Set LIBELLE_LOG_KEY.")
        if not 0 <= self.review_share <= 1:
            raise UsageError(f"The share of texts kept is {self.review_share}: 0 to 1 is possible.")
        if self.max_spool_bytes < SEGMENT_BYTES:
            raise UsageError(
                f"A spool of {self.max_spool_bytes} bytes is too small. "
                f"Let it have {SEGMENT_BYTES} at least."
            )
        if self.upload_seconds <= 0:
            raise UsageError("Rows must be uploaded after some seconds: more than 0.")
