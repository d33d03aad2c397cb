"""Units: the rows that must stay together (one split key, or one group), and their codes."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from libelle.data.datasets.dataset import Dataset

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Units:
    """Which unit and which code each row has, and how often they meet.

    Attributes
    ----------
    unit_of_row, code_of_row : ndarray of int64, shape (n_rows,)
        Numbered in order of first appearance.
    pair_unit, pair_code, pair_rows : ndarray of int64, shape (n_pairs,)
        Each unit with each of its codes, and the rows of both; sorted by unit, then code.
    """

    unit_of_row: Integers
    code_of_row: Integers
    pair_unit: Integers
    pair_code: Integers
    pair_rows: Integers

    @property
    def n_units(self) -> int:
        """How many units there are."""
        return int(self.unit_of_row.max(initial=-1)) + 1

    @property
    def n_codes(self) -> int:
        """How many codes there are."""
        return int(self.code_of_row.max(initial=-1)) + 1

    def rows_of_unit(self) -> Integers:
        """Return the number of rows of each unit, shape (n_units,)."""
        return np.bincount(self.unit_of_row, minlength=self.n_units)

    def units_of_code(self) -> Integers:
        """Return the number of units that hold each code, shape (n_codes,)."""
        return np.bincount(self.pair_code, minlength=self.n_codes)

    def main_code_of_unit(self) -> Integers:
        """Return the code of most rows of each unit (the rarest on a tie), shape (n_units,)."""
        rarity = self.units_of_code()[self.pair_code]
        order = np.lexsort((self.pair_code, rarity, -self.pair_rows, self.pair_unit))
        _, first = np.unique(self.pair_unit[order], return_index=True)
        return self.pair_code[order][first]

    def largest_first(self, generator: np.random.Generator) -> Integers:
        """Return the units sorted by main code, then from the largest, then at random."""
        chance = generator.permutation(self.n_units)
        return np.lexsort((chance, -self.rows_of_unit(), self.main_code_of_unit()))


def find_units(dataset: Dataset) -> Units:
    """Return the units of a dataset: its groups, and the split keys of the rows without group."""
    together: Iterable[tuple[str, str]] = (("", key) for key in dataset.keys)
    if dataset.groups is not None:
        pairs = zip(dataset.groups, dataset.keys, strict=True)
        together = ((group, "" if group else key) for group, key in pairs)
    return units_of(number(together), number(dataset.codes))


def units_of(unit_of_row: Integers, code_of_row: Integers) -> Units:
    """Count how often units and codes meet."""
    n_codes = int(code_of_row.max(initial=0)) + 1
    pairs, rows = np.unique(unit_of_row * n_codes + code_of_row, return_counts=True)
    return Units(unit_of_row, code_of_row, pairs // n_codes, pairs % n_codes, rows)


def number(values: Iterable[Hashable]) -> Integers:
    """Give each value a number, in order of first appearance."""
    places: dict[Hashable, int] = {}
    return np.array([places.setdefault(value, len(places)) for value in values], dtype=np.int64)
