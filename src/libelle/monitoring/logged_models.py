"""Logged models: which ones answered in a period of the log, and the rows of one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from libelle.errors import DataError, UsageError

LEAST_DIGITS = 8  # Of a digest that is cut short.


@dataclass(frozen=True)
class LoggedModel:
    """A model that answered.

    Attributes
    ----------
    name : str
    version : str or None
        In the registry, as its last answer says; None for a folder.
    digest : str
    n_rows : int
    """

    name: str
    version: str | None
    digest: str
    n_rows: int

    @property
    def uri(self) -> str:
        """Return where a registry may have it: the champion of its name without a version."""
        return f"models:/{self.name}" + (f"/{self.version}" if self.version else "@champion")


def list_logged_models(rows: pa.Table) -> list[LoggedModel]:
    """Return the models that answered, the one that answered last first.

    Raises
    ------
    DataError
        If there is no row.
    """
    if not len(rows):
        raise DataError(
            "No data yet: the prediction log has no answer in this period. Wait for some, or "
            "choose another period."
        )
    names = ["model_digest", "model_name", "model_version", "received_at"]
    last = (
        rows.select(names)
        .sort_by("received_at")
        .group_by("model_digest", use_threads=False)
        .aggregate([(name, "last") for name in names[1:]] + [("model_digest", "count")])
        .sort_by([("received_at_last", "descending"), ("model_digest", "ascending")])
    )
    return [
        LoggedModel(
            row["model_name_last"],
            row["model_version_last"],
            row["model_digest"],
            row["model_digest_count"],
        )
        for row in last.to_pylist()
    ]


def find_logged_model(models: Sequence[LoggedModel], digest: str | None) -> LoggedModel:
    """Return the model of a digest, or of its first digits; without any, the last that answered.

    Raises
    ------
    UsageError
        If none has it, or several have.
    """
    if digest is None:
        return models[0]
    found = [model for model in models if model.digest.startswith(digest)]
    if len(found) == 1 and len(digest) >= LEAST_DIGITS:
        return found[0]
    listed = ", ".join(f"{model.name} {model.digest[:12]}" for model in models)
    raise UsageError(
        f"{digest[:12]} is the digest of {len(found)} models that answered in this period; give "
        f"{LEAST_DIGITS} digits or more of one. Those that did: {listed}."
    )


def rows_of_model(rows: pa.Table, model: LoggedModel) -> pa.Table:
    """Return the rows of a model."""
    return rows.filter(pc.equal(rows["model_digest"], model.digest))


def rows_of_last_threshold(rows: pa.Table) -> pa.Table:
    """Return the rows under the threshold that decided last; all of them where none ever did."""
    decided = rows.filter(rows["threshold_id"].is_valid())
    if not len(decided):
        return rows
    last = decided.sort_by([("received_at", "descending")])["threshold_id"][0]
    return rows.filter(pc.equal(rows["threshold_id"], last))
