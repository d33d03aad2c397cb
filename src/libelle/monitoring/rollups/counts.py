"""Counts: what a day is reduced to; whole numbers only, so that adding them is exact."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from sys import intern
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from libelle.decision import Decision

N_BINS = 200  # Of the confidence, from 0 to 1.
MOST_CHARACTERS = 1_000  # Longer texts are counted together.
MILLION = 1_000_000
_HOUR_MICROSECONDS = 3_600 * MILLION
_DURATION_BINS, _PER_DECADE, _SHORTEST_DECADE = 180, 20, -6

COLUMNS = (
    "prediction_id",
    "received_at",
    "order",
    "duration_seconds",
    "model_name",
    "model_version",
    "model_digest",
    "guarantee_status",
    "target_error",
    "threshold_id",
    "decision",
    "reason",
    "top_code",
    "confidence",
    "n_characters",
    "n_words",
    "n_unknown_words",
    "text_hash",
)


class Group(NamedTuple):
    """What rows counted together have in common; `decision` is None for items that failed."""

    model_digest: str | None
    threshold_id: str | None
    decision: str | None
    reason: str | None
    top_code: str | None


class Promise(NamedTuple):
    """A model, and what it promised."""

    model_digest: str | None
    model_name: str | None
    model_version: str | None
    threshold_id: str | None
    guarantee_status: str | None
    target_error: float | None


class CodeTally(NamedTuple):
    """What was answered for one likeliest code."""

    n_texts: int
    n_automatic: int
    mean_confidence: float | None


@dataclass
class Counts:
    """Rows counted in several ways; each key is a tuple.

    Attributes
    ----------
    groups : Counter of Group
    promises : Counter of Promise
    bins : Counter of (decision, bin)
        `N_BINS` bins of the confidence, where it is a number.
    sure : Counter of (code,)
        Rows whose confidence is a number, by likeliest code.
    confidences : Counter of (code,)
        Their sum, in millionths: the confidence has no more digits.
    hours : Counter of (hour, decision)
        UTC.
    durations : Counter of (bin,)
        See `duration_of_bin`.
    characters : Counter of (n_characters,)
    sums : Counter of (name,)
        `n_words` and `n_unknown_words`.
    first_at, last_at : int or None
        Earliest and latest request, in microseconds since 1970.
    """

    groups: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    promises: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    bins: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    sure: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    confidences: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    hours: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    durations: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    characters: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    sums: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    first_at: int | None = None
    last_at: int | None = None
    _decisions: dict[str | None, int] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @classmethod
    def total(cls, several: Iterable["Counts"]) -> Self:
        """Return the sum of several counts."""
        whole = cls()
        for one in several:
            whole.add(one)
        return whole

    def add(self, other: "Counts") -> None:
        """Add the rows of another count to this one."""
        self._decisions = None
        for name in SECTIONS:
            getattr(self, name).update(getattr(other, name))
        moments = [one for one in (self.first_at, other.first_at) if one is not None]
        self.first_at = min(moments, default=None)
        moments = [one for one in (self.last_at, other.last_at) if one is not None]
        self.last_at = max(moments, default=None)

    @property
    def n_rows(self) -> int:
        """Return how many predictions there are, failed items included."""
        return self.groups.total()

    def by(self, *names: str) -> Counter[tuple[Any, ...]]:
        """Count the rows by some parts of their group."""
        places = [Group._fields.index(name) for name in names]
        found: Counter[tuple[Any, ...]] = Counter()
        for key, n_rows in self.groups.items():
            found[tuple(key[place] for place in places)] += n_rows
        return found

    def decisions(self) -> dict[str | None, int]:
        """Return the rows of each decision; those of None failed."""
        if self._decisions is None:  # Pages ask it of each day, several times.
            self._decisions = {key[0]: n_rows for key, n_rows in self.by("decision").items()}
        return self._decisions

    def by_code(self) -> dict[str, CodeTally]:
        """Return what was answered for each likeliest code."""
        rows, automatic = Counter[str](), Counter[str]()
        for (code, decision), n_rows in self.by("top_code", "decision").items():
            if code is not None:
                rows[code] += n_rows
                automatic[code] += n_rows if decision == Decision.AUTOMATIC else 0
        return {
            code: CodeTally(n_rows, automatic[code], self.mean_confidence(code))
            for code, n_rows in rows.items()
        }

    def mean_confidence(self, code: str) -> float | None:
        """Return the mean confidence of a likeliest code; None where it never was a number."""
        n_sure = self.sure[(code,)]
        return self.confidences[(code,)] / n_sure / MILLION if n_sure else None

    def duration_quantile(self, share: float) -> float | None:
        """Return the duration, in seconds, that a share of the rows does not exceed."""
        wanted = share * self.durations.total()
        seen = 0
        for (place,), n_rows in sorted(self.durations.items()):
            seen += n_rows
            if seen >= wanted:
                return duration_of_bin(place)
        return None


SECTIONS = tuple(one.name for one in fields(Counts) if one.default_factory is Counter)


def duration_of_bin(place: int) -> float:
    """Return the longest duration of a bin, in seconds; twenty bins make a factor of ten."""
    return float(10.0 ** ((place + 1) / _PER_DECADE + _SHORTEST_DECADE))


def count_rows(table: pa.Table) -> Counts:
    """Count the rows of a table that has `COLUMNS`, each prediction once."""
    counts = Counts()
    if not table.num_rows:
        return counts
    table = _with_numbers(table)
    counts.groups = _count(table, Group._fields)
    counts.promises = _count(table, Promise._fields)
    counts.hours = _count(table, ("hour", "decision"))
    counts.durations = _count(table, ("duration_bin",), but_null="duration_bin")
    counts.characters = _count(table, ("length",), but_null="length")
    sure = table.filter(table["millionths"].is_valid())
    counts.bins = _count(sure, ("decision", "bin"))
    coded = sure.filter(sure["top_code"].is_valid())
    counts.sure = _count(coded, ("top_code",))
    counts.confidences = _count(coded, ("top_code",), summed="millionths")
    for name in ("n_words", "n_unknown_words"):
        counts.sums[(name,)] = pc.sum(table[name]).as_py() or 0
    limits = pc.min_max(table["moment"]).as_py()
    counts.first_at, counts.last_at = limits["min"], limits["max"]
    return counts


def read_counts(values: dict[str, Any]) -> Counts:
    """Return the counts that `describe_counts` described."""
    counters = {name: _read_section(values[name]) for name in SECTIONS}
    return Counts(**counters, first_at=values["first_at"], last_at=values["last_at"])


def describe_counts(counts: Counts) -> dict[str, Any]:
    """Return counts as JSON values."""
    sections: dict[str, Any] = {name: _describe_section(getattr(counts, name)) for name in SECTIONS}
    return {**sections, "first_at": counts.first_at, "last_at": counts.last_at}


def _describe_section(counter: Counter[tuple[Any, ...]]) -> dict[str, Any]:
    """Return the parts of the keys column by column, each value once: it is read faster."""
    columns = []
    for parts in zip(*counter, strict=True):
        places = {value: place for place, value in enumerate(dict.fromkeys(parts))}
        columns.append([list(places), [places[value] for value in parts]])
    return {"columns": columns, "numbers": list(counter.values())}


def _read_section(values: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    columns = []
    for distinct, places in values["columns"]:
        # A quarter of days names the same codes: one string for all of them saves memory.
        shared = [intern(one) if isinstance(one, str) else one for one in distinct]
        columns.append([shared[place] for place in places])
    keys = zip(*columns, strict=True)
    return Counter(dict(zip(keys, map(int, values["numbers"]), strict=True)))


def _count(
    table: pa.Table, names: tuple[str, ...], *, but_null: str = "", summed: str = ""
) -> Counter[tuple[Any, ...]]:
    """Count rows by some columns, or sum another column."""
    if but_null:
        table = table.filter(table[but_null].is_valid())
    how = (summed, "sum") if summed else ([], "count_all")
    counted = table.group_by(list(names)).aggregate([how])
    keys = zip(*(counted[name].to_pylist() for name in names), strict=True)
    numbers = counted[f"{summed}_sum" if summed else "count_all"].to_pylist()
    return Counter(dict(zip(keys, numbers, strict=True)))


def _with_numbers(table: pa.Table) -> pa.Table:
    """Add what is counted of the numbers of a row."""
    confidence = table["confidence"]
    millionths = pc.round(pc.multiply(confidence, float(MILLION)))
    millionths = pc.if_else(pc.is_finite(confidence), millionths, None).cast(pa.int64())
    of_bin = pc.floor(pc.multiply(pc.divide(millionths.cast(pa.float64()), float(MILLION)), N_BINS))
    moment = table["received_at"].cast(pa.int64())
    hour = pc.floor(pc.divide(moment.cast(pa.float64()), float(_HOUR_MICROSECONDS)))
    hour = pa.array(hour.fill_null(0).to_numpy().astype(np.int64) % 24)
    columns = {
        "millionths": millionths,
        "bin": _between(of_bin, 0, N_BINS - 1),
        "moment": moment,
        "hour": hour,
        "duration_bin": _duration_bins(table["duration_seconds"]),
        "length": _between(table["n_characters"], 0, MOST_CHARACTERS),
    }
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def _between(column: Any, least: int, most: int) -> Any:
    return pc.min_element_wise(
        pc.max_element_wise(column, least, skip_nulls=False), most, skip_nulls=False
    ).cast(pa.int64())


def _duration_bins(seconds: Any) -> Any:
    positive = pc.if_else(pc.greater(seconds, 0), seconds, math.pow(10, _SHORTEST_DECADE))
    decades = pc.subtract(pc.log10(positive), float(_SHORTEST_DECADE))
    bins = pc.floor(pc.multiply(decades, float(_PER_DECADE)))
    bins = pc.if_else(pc.is_finite(bins), bins, None)
    return _between(bins, 0, _DURATION_BINS - 1)
