"""Population: the distinct texts that an audit speaks of, as the prediction log tells them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from libelle.decision import Decision
from libelle.errors import UsageError
from libelle.monitoring.distinct import first_rows, refuse_several

ARMS = (Decision.AUTOMATIC, Decision.REVIEW)
TextSource = Literal["log", "caller"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Population:
    """Distinct texts that got one decision.

    Attributes
    ----------
    arm : Decision
        Automatic or review.
    rows : Table
        One row of the log for each text, in an order that follows from the rows alone.
    keeping : ndarray, shape (n_texts,)
        Probability, fixed beforehand, that the text of such a row can be read.
    readable : ndarray of bool, shape (n_texts,)
        Whether it can.
    n_out_of_reach : int
        Distinct texts left out, since nothing could ever keep them: no audit speaks of them.
    """

    arm: Decision
    rows: pa.Table
    keeping: Floats
    readable: NDArray[np.bool_]
    n_out_of_reach: int

    @property
    def confidences(self) -> Floats:
        """Return the confidence in each likeliest code."""
        confidences: Floats = self.rows["confidence"].to_numpy()
        return confidences

    @property
    def codes(self) -> list[str]:
        """Return the likeliest code of each text."""
        codes: list[str] = self.rows["top_code"].to_pylist()
        return codes


def find_populations(rows: pa.Table, *, texts: TextSource) -> list[Population]:
    """Return the distinct texts coded automatically, then those under review and never automatic.

    The row that stands for a text is its first automatic one, else its first one: it does not
    depend on whether the text was kept.

    Parameters
    ----------
    rows : Table
        Of the prediction log: one model, one threshold.
    texts : {"log", "caller"}
        Where the texts will be read: in the log, that keeps some of them by chance, or at the
        caller's, who has them all.

    Raises
    ------
    UsageError
        If the rows are of several models or thresholds, or the log keeps no text.
    """
    answered = rows.filter(pc.is_in(rows["decision"], pa.array([arm.value for arm in ARMS])))
    refuse_several(answered, "model_digest", "models")
    refuse_several(answered, "threshold_id", "thresholds")
    distinct = _one_row_per_text(answered)
    return [_find_population(distinct, arm, texts) for arm in ARMS]


def _find_population(distinct: pa.Table, arm: Decision, texts: TextSource) -> Population:
    own = distinct.filter(pc.equal(distinct["decision"], arm.value))
    if texts == "caller":
        return Population(arm, own, np.ones(len(own)), np.ones(len(own), dtype=bool), 0)
    keeping: Floats = own["text_probability"].to_numpy()
    readable = own["text"].is_valid().to_numpy()
    # A text kept for sure that is not there any more was purged, after its verdict for instance.
    within = (keeping > 0) & (readable | (keeping < 1))
    if len(own) and not keeping.any():
        raise UsageError(
            f"The log keeps no text of the {len(own):,} distinct texts with decision {arm.value!r}:"
            " nobody could judge them. Set LIBELLE_TEXT_POLICY to `review`, or give the texts: "
            "--texts FILE --id COL."
        )
    return Population(
        arm, own.filter(pa.array(within)), keeping[within], readable[within], int((~within).sum())
    )


def _one_row_per_text(rows: pa.Table) -> pa.Table:
    """Return the first row of each text, those with an automatic answer before the others."""
    later = pc.not_equal(rows["decision"], Decision.AUTOMATIC.value)
    return first_rows(rows.append_column("later", later), by=["later"]).drop_columns("later")
