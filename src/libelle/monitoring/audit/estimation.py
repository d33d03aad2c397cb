"""Estimation: what the texts judged so far say of a model, in both arms of an audit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from libelle.bounds import check_delta, check_target_error
from libelle.decision import Decision
from libelle.errors import DataError
from libelle.monitoring.audit.evidence import (
    Judged,
    Status,
    error_rate_interval,
    evidence_against,
    evidence_for,
    read_status,
)
from libelle.monitoring.audit.horizon import n_texts_to_decide
from libelle.monitoring.audit.population import ARMS
from libelle.monitoring.audit.rates import RateEstimate, estimate_rate

# What a table must hold to be estimated from.
SAMPLE_COLUMNS = (
    "arm",
    "position",
    "prediction_id",
    "model_digest",
    "threshold_id",
    "top_code",
    "rate",
    "least_rate",
    "rings_at",
    "ends_at",
    "n_population",
    "n_out_of_reach",
)


@dataclass(frozen=True)
class ArmEstimate:
    """What is known of the likeliest codes of one arm.

    Attributes
    ----------
    n_population, n_drawn : int
        Distinct texts; those drawn. Without any of these, the former is not known and is 0.
    n_out_of_reach : int
        Distinct texts of the period that the log never keeps, or keeps no more: nothing is said of
        them.
    n_judged : int
        Texts judged, in the order of the draw, before the first one that is not.
    n_waiting : int
        Texts judged that come after it: they will count when it is judged.
    n_wrong, n_undecided : int
        Among those that count; nobody can tell the code of the latter.
    error_rate : RateEstimate
        At this number of texts, if it was fixed beforehand.
    low, high : float
        Interval of the same rate that may be read after every text.
    """

    n_population: int
    n_drawn: int
    n_out_of_reach: int
    n_judged: int
    n_waiting: int
    n_wrong: int
    n_undecided: int
    error_rate: RateEstimate
    low: float
    high: float

    @property
    def accuracy(self) -> float | None:
        """Return the share of likeliest codes that are right, among texts that could be judged."""
        return None if self.error_rate.hajek is None else 1 - self.error_rate.hajek


@dataclass(frozen=True)
class AuditEstimate:
    """What an audit says.

    Attributes
    ----------
    model_digest, threshold_id : str
        Of the rows drawn; empty when none was.
    target_error, delta : float
    automatic, review : ArmEstimate
    status : Status
        Of the promise that at most `target_error` of the automatic codes are wrong.
    evidence_against, evidence_for : float
        Largest so far; 1 / `delta` decides.
    n_more_texts : int or None
        How many more automatic texts would decide, as simulated; None when nobody can say.
    """

    model_digest: str
    threshold_id: str
    target_error: float
    delta: float
    automatic: ArmEstimate
    review: ArmEstimate
    status: Status
    evidence_against: float
    evidence_for: float
    n_more_texts: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as JSON values."""
        document = asdict(self) | {"status": self.status.value}
        for arm in (self.automatic, self.review):
            document["automatic" if arm is self.automatic else "review"]["accuracy"] = arm.accuracy
        return document


def estimate(
    sample: pa.Table,
    answers: Mapping[str, str | None],
    *,
    target_error: float,
    delta: float = 0.05,
    seed: int = 0,
) -> AuditEstimate:
    """Estimate how often both arms are right, and whether the promise holds.

    Texts count in the order in which they were drawn, up to the first one that was not judged:
    whoever judges may stop when they like, not choose which ones to judge.

    Parameters
    ----------
    sample : Table
        What `draw` returned, columns added or not.
    answers : mapping of str to str or None
        From the `prediction_id` of each text judged to its right code; None when nobody can tell.
    target_error : float
        Promised share of errors.
    delta : float
        Probability, at most, of a wrong verdict against the promise, of one for it, and that an
        interval does not hold its rate.
    seed : int
        Of the simulation behind `n_more_texts`.

    Raises
    ------
    DataError
        If the table is not one that `draw` makes.
    UsageError
        If the target or `delta` is not between 0 and 1.
    """
    check_target_error(target_error)
    check_delta(delta)
    _refuse_strangers(sample)
    arms = {arm: _Arm.of(sample, arm, answers) for arm in ARMS}
    judged = arms[Decision.AUTOMATIC].judged
    against, favour = evidence_against(judged, target_error), evidence_for(judged, target_error)
    return AuditEstimate(
        model_digest=_only(sample, "model_digest"),
        threshold_id=_only(sample, "threshold_id"),
        target_error=target_error,
        delta=delta,
        automatic=arms[Decision.AUTOMATIC].estimate(delta),
        review=arms[Decision.REVIEW].estimate(delta),
        status=read_status(against, favour, delta=delta),
        evidence_against=float(against.max(initial=1.0)),
        evidence_for=float(favour.max(initial=1.0)),
        n_more_texts=n_texts_to_decide(judged, target_error=target_error, delta=delta, seed=seed),
    )


@dataclass(frozen=True, eq=False)
class _Arm:
    n_drawn: int
    n_out_of_reach: int
    n_waiting: int
    judged: Judged
    ends_at: float

    @classmethod
    def of(cls, sample: pa.Table, arm: Decision, answers: Mapping[str, str | None]) -> "_Arm":
        own = sample.filter(pc.equal(sample["arm"], arm.value)).sort_by("position")
        ids, top_codes = own["prediction_id"].to_pylist(), own["top_code"].to_pylist()
        known = [identifier in answers for identifier in ids]
        n_judged = known.index(False) if False in known else len(known)
        given = [answers[identifier] for identifier in ids[:n_judged]]
        pairs = zip(given, top_codes[:n_judged], strict=True)
        wrong = [code is not None and code != top_code for code, top_code in pairs]
        ends = [*own["rings_at"].to_pylist(), *own["ends_at"].to_pylist()[:1]]
        judged = Judged(
            rates=own["rate"].to_numpy()[:n_judged],
            wrong=np.array(wrong, dtype=bool),
            undecided=np.array([code is None for code in given], dtype=bool),
            n_population=own["n_population"].to_pylist()[0] if len(own) else 0,
            least_rate=own["least_rate"].to_pylist()[0] if len(own) else 1.0,
        )
        ends_at = float(ends[n_judged]) if ends else np.inf
        n_out_of_reach = own["n_out_of_reach"].to_pylist()[0] if len(own) else 0
        return cls(len(own), n_out_of_reach, sum(known[n_judged:]), judged, ends_at)

    def estimate(self, delta: float) -> ArmEstimate:
        judged = self.judged
        low, high = error_rate_interval(judged, delta=delta)
        return ArmEstimate(
            n_population=judged.n_population,
            n_drawn=self.n_drawn,
            n_out_of_reach=self.n_out_of_reach,
            n_judged=len(judged.rates),
            n_waiting=self.n_waiting,
            n_wrong=int(judged.wrong.sum()),
            n_undecided=int(judged.undecided.sum()),
            error_rate=estimate_rate(judged, self.ends_at, delta=delta),
            low=low,
            high=high,
        )


def _refuse_strangers(sample: pa.Table) -> None:
    if missing := sorted(set(SAMPLE_COLUMNS) - set(sample.column_names)):
        raise DataError(
            f"The table lacks columns of an audit: {missing}. Give the file that "
            "`libelle audit draw` wrote; columns may be added to it, not removed."
        )
    ids = sample["prediction_id"]
    if pc.count_distinct(ids).as_py() < len(ids):
        raise DataError(
            "The table has a prediction_id twice: rows were copied, or two draws put together. "
            "Estimate each draw by itself."
        )


def _only(sample: pa.Table, column: str) -> str:
    values = pc.unique(sample[column]).to_pylist()
    if len(values) > 1:
        raise DataError(
            f"The table has {len(values)} values of {column!r}: an audit speaks of one. "
            "Estimate each draw by itself."
        )
    return values[0] or "" if values else ""
