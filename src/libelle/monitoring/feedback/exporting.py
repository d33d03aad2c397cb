"""Exporting: predictions of the log to put before coders."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from libelle.decision import Decision
from libelle.monitoring.prediction_log.files import schema_of
from libelle.monitoring.prediction_log.reading import iter_days
from libelle.storage import DEFAULT_OPTIONS, StorageOptions

COLUMNS = (
    "prediction_id",
    "id",
    "text",
    "decision",
    "confidence",
    "candidates",
    "model_name",
    "model_version",
)


@dataclass(frozen=True)
class Export:
    """Predictions as files for coders.

    Attributes
    ----------
    contents : dict of str to bytes
        What the files hold, by what is added to the name that was asked for.
    n_exported : int
    n_without_text : int
        Predictions whose text the log does not keep.
    what_became : str
        Of these, in words.
    """

    contents: dict[str, bytes]
    n_exported: int
    n_without_text: int
    what_became: str

    def lines(self, name: str) -> list[str]:
        """Return what was done, in words."""
        names = " and ".join(name + added for added in self.contents)
        told = [f"{self.n_exported} predictions written to {names}."]
        if self.n_without_text:
            told.append(
                f"The log keeps no text of {self.n_without_text} predictions, {self.what_became}. "
                "LIBELLE_TEXT_POLICY says which texts are kept from now on."
            )
        return told


def read_items(
    uri: str,
    *,
    since: datetime | None = None,
    decision: Decision | None = Decision.REVIEW,
    options: StorageOptions = DEFAULT_OPTIONS,
) -> pa.Table:
    """Read the predictions to put before coders, each one once; items that failed are none.

    Parameters
    ----------
    uri : str
        Folder of the log.
    since : datetime or None
        In UTC if it names no zone.
    decision : Decision or None
        All if None.
    options : StorageOptions

    Raises
    ------
    StorageError
        If the log is out of reach.
    """
    tables = [
        _choose(content.table.select(COLUMNS), decision)
        for _, content in iter_days(uri, since=since, columns=COLUMNS, options=options)
    ]
    table = pa.concat_tables([schema_of(COLUMNS).empty_table(), *tables])
    return table.take(pa.array(list(_first_places(table)), pa.int64()))


def _choose(table: pa.Table, decision: Decision | None) -> pa.Table:
    if decision is None:
        return table.filter(pc.is_valid(table["decision"]))
    return table.filter(pc.equal(table["decision"], decision.value))


def _first_places(table: pa.Table) -> Iterator[int]:
    """Give the places of the predictions; a request retried the next day is there twice."""
    seen: set[str] = set()
    for place, prediction_id in enumerate(table["prediction_id"].to_pylist()):
        if prediction_id not in seen:
            seen.add(prediction_id)
            yield place
