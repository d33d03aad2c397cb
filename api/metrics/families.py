"""Families: what is counted, under which labels, and where each number of them stands.

Every value of every label is known beforehand, so that all numbers fit in memory of a fixed size
and no caller can add a series.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
OTHER = "other"


@dataclass(frozen=True)
class Family:
    """Series of one name.

    Attributes
    ----------
    name, help : str
    kind : str
        A gauge tells what is now: it goes with its process. The others are kept.
    labels : mapping of str to tuple of str
        Name of each label, and its values; when the last one is `other`, it stands for all that
        have no name.
    bounds : tuple of float
        Upper bounds of the bins of a histogram, the last one (infinity) apart.
    sparse : bool
        A series is shown once it counted something.
    """

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bounds: tuple[float, ...] = ()
    sparse: bool = False

    @property
    def n_cells(self) -> int:
        """Return how many numbers a series has: of a histogram, its bins and the sum of values."""
        return len(self.bounds) + 2 if self.kind == "histogram" else 1

    @property
    def n_numbers(self) -> int:
        """Return how many numbers all series have."""
        return self.n_cells * prod(map(len, self.labels.values()))

    def label_sets(self) -> Iterator[tuple[str, ...]]:
        """Give the label values of each series, in the order of the numbers."""
        return product(*self.labels.values())


class Layout:
    """Where the numbers of families stand, one after the other; those of gauges come last."""

    def __init__(self, families: Sequence[Family]) -> None:
        self.families = sorted(families, key=lambda family: family.kind == "gauge")
        self.n_lasting = sum(one.n_numbers for one in families if one.kind != "gauge")
        self.n_numbers = sum(one.n_numbers for one in families)
        stops = np.cumsum([one.n_numbers for one in self.families]).tolist()
        self._places = {
            one.name: slice(stop - one.n_numbers, stop)
            for one, stop in zip(self.families, stops, strict=True)
        }

    def place(self, family: Family) -> slice:
        """Return where the numbers of a family stand."""
        return self._places[family.name]


class Tally:
    """One family, counted in the numbers of one process; one thread only may count in it.

    Parameters
    ----------
    family : Family
    numbers : ndarray
        Of the family alone.
    """

    def __init__(self, family: Family, numbers: Floats) -> None:
        self._array = numbers
        # One number at a time, a view is the faster one.
        self._numbers: Any = numbers.data
        self._bounds, self._n_cells = family.bounds, family.n_cells
        self._known: dict[tuple[str, ...], int] = {}
        self._axes: list[tuple[dict[str, int], int]] = []
        stride = family.n_cells
        for values in reversed(list(family.labels.values())):
            offsets = {value: stride * place for place, value in enumerate(values)}
            self._axes.insert(0, (offsets, stride * (len(values) - 1)))
            stride *= len(values)

    def add(self, *values: str, amount: float = 1.0) -> None:
        """Add to a counter."""
        self._numbers[self._at(values)] += amount

    def set(self, amount: float) -> None:
        """Say what is now, or how much was counted elsewhere."""
        self._numbers[0] = amount

    def observe(self, amount: float, *values: str) -> None:
        """Put a value in its bin of a histogram; a bound belongs to the bin below it."""
        at = self._at(values)
        self._numbers[at + bisect_left(self._bounds, amount)] += 1
        self._numbers[at + self._n_cells - 1] += amount

    def observe_many(self, amounts: Sequence[float]) -> None:
        """Put values in the bins of a histogram without labels, all at once."""
        sorted_in = np.searchsorted(self._bounds, amounts)
        self._array[:-1] += np.bincount(sorted_in, minlength=self._n_cells - 1)
        self._array[-1] += sum(amounts)

    def _at(self, values: tuple[str, ...]) -> int:
        """Return where a series begins; what is remembered is bounded as the series are."""
        if (known := self._known.get(values)) is not None:
            return known
        at, named = 0, True
        for value, (offsets, other) in zip(values, self._axes, strict=True):
            at += offsets.get(value, other)
            named = named and value in offsets
        if named:
            self._known[values] = at
        return at
