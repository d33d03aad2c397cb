"""Windows: the distinct texts of a period of the log, and what they look like.

Rows that share a text count once: tests of drift suppose independent texts. Of two periods of the
same law, the longer one has a larger share of rare texts among its distinct ones; two periods are
therefore brought to the same number of rows, at random, before texts that repeat are put together.
Whether a row is kept depends on its own identifier: a few rows more change a few of those kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from libelle.decision import Decision, Reason
from libelle.errors import DataError
from libelle.monitoring.distinct import first_rows, refuse_several
from libelle.profile import Ints, Profile

LEAST_REPEATED = 0.01
# A suspension moves texts to review, and says nothing of the texts.
ABOVE_THRESHOLD = (Reason.ABOVE_THRESHOLD.value, Reason.SUSPENDED.value)
# All that a study looks at; texts only where an earlier period is compared word by word.
COLUMNS = (
    "prediction_id",
    "received_at",
    "model_name",
    "model_version",
    "model_digest",
    "threshold_id",
    "decision",
    "reason",
    "top_code",
    "confidence",
    "n_characters",
    "n_words",
    "n_unknown_words",
    "text_hash",
    "client",
)
TEXT_COLUMNS = ("text", "text_kind", "text_probability")


@dataclass(frozen=True, eq=False)
class Window:
    """Distinct texts of a period.

    Attributes
    ----------
    rows : Table
        The first row of each text.
    n_rows : int
        Rows of the period, failed items left out.
    profile : Profile
    """

    rows: pa.Table
    n_rows: int
    profile: Profile

    @classmethod
    def of(cls, rows: pa.Table) -> "Window":
        """Look at the rows of a period, answered by one model.

        Raises
        ------
        DataError
            If there is none.
        UsageError
            If several models answered.
        """
        answered = rows.filter(rows["decision"].is_valid())
        if not len(answered):
            raise DataError("No data yet: the log has no answer in this period. Choose another.")
        refuse_several(answered, "model_digest", "models")
        distinct = first_rows(answered)
        return cls(distinct, len(answered), _profile(distinct))

    @property
    def repeated_share(self) -> float:
        """Return the share of rows whose text came before in the period."""
        return 1 - len(self.rows) / self.n_rows

    @property
    def weeks(self) -> NDArray[np.datetime64]:
        """Return the Monday of each text's week."""
        return mondays_of(self.rows)


def make_windows(
    earlier: pa.Table | None, current: pa.Table, *, seed: int
) -> tuple[Window | None, Window]:
    """Return both periods; when texts repeat, with as many rows of the one as of the other."""
    now = Window.of(current)
    if earlier is None:
        return None, now
    before = Window.of(earlier)
    if max(before.repeated_share, now.repeated_share) < LEAST_REPEATED:
        return before, now
    n_rows = min(before.n_rows, now.n_rows)
    return Window.of(_thin(earlier, n_rows, seed)), Window.of(_thin(current, n_rows, seed))


def mondays_of(rows: pa.Table) -> NDArray[np.datetime64]:
    """Return the Monday of the week of each row, in UTC."""
    days = rows["received_at"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[D]")
    # Day 0 of NumPy's calendar is a Thursday.
    mondays: NDArray[np.datetime64] = days - (days.astype(np.int64) + 3) % 7
    return mondays


def column(rows: pa.Table, name: str) -> Ints:
    """Return a column of counts, zero where there is none."""
    counts: Ints = pc.fill_null(rows[name], 0).to_numpy().astype(np.int64)
    return counts


def _thin(rows: pa.Table, n_rows: int, seed: int) -> pa.Table:
    """Keep the rows whose identifiers come first in an order of chance."""
    answered = rows.filter(rows["decision"].is_valid())
    first = np.argsort(_ranks(answered["prediction_id"].to_pylist(), seed))[:n_rows]
    return answered.take(pa.array(np.sort(first)))


def _ranks(prediction_ids: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """Hash identifiers once more, since their own order may have drawn the rows already.

    Of days that gave their first thousand rows each, the busiest ones hold the lowest identifiers.
    """
    keyed = blake2b(str(seed).encode(), digest_size=8)
    digests = []
    for prediction_id in prediction_ids:
        one = keyed.copy()
        one.update(f":{prediction_id}".encode())
        digests.append(one.digest())
    return np.frombuffer(b"".join(digests), np.uint64)


def _profile(rows: pa.Table) -> Profile:
    decisions, reasons = rows["decision"].to_pylist(), rows["reason"].to_pylist()
    pairs = zip(decisions, reasons, strict=True)
    above = np.array([reason in ABOVE_THRESHOLD for reason in reasons], dtype=bool)
    thresholds = pc.unique(rows["threshold_id"]).to_pylist()
    days = pc.min_max(rows["received_at"]).as_py()
    return Profile.of(
        codes=rows["top_code"].to_pylist(),
        confidences=pc.fill_null(rows["confidence"], 0.0).to_numpy(),
        refusals=[reason if decision == Decision.REFUSED else None for decision, reason in pairs],
        n_characters=column(rows, "n_characters"),
        n_words=column(rows, "n_words"),
        n_unknown_words=column(rows, "n_unknown_words"),
        # Decisions under several thresholds cannot be compared with those under one.
        automatic={thresholds[0]: above} if len(thresholds) == 1 and thresholds[0] else {},
        days=[day.isoformat() for day in days.values()],
    )
