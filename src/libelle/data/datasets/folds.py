"""Folds: deal whole keys or groups in folds that hold each code in equal parts."""

from heapq import heapify, heapreplace
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from libelle.data.datasets.dataset import Dataset
from libelle.data.datasets.units import Integers, Units, find_units
from libelle.errors import DataError


def make_folds(dataset: Dataset, *, n_folds: int, seed: int) -> NDArray[np.int8]:
    """Give each row the number of its fold; the rows of a key (of a group) have the same.

    Keys of several codes (groups, nearly always) are dealt first, the largest first, each to the
    fold that lacks its codes most; then, code by code, those of one code, to the folds that have
    least of it. So a code that `n_folds` such keys hold is in every fold, and one of a single key
    is in one.

    Parameters
    ----------
    dataset : Dataset
    n_folds : int
        From 2 to 127.
    seed : int

    Returns
    -------
    ndarray of int8, shape (n_rows,)
        From 0 to `n_folds - 1`.

    Raises
    ------
    DataError
        If there are fewer keys (or groups) than folds.

    References
    ----------
    Sechidis, Tsoumakas and Vlahavas (2011), On the stratification of multi-label data.
    """
    units = find_units(dataset)
    if units.n_units < n_folds:
        kind = "different texts" if dataset.groups is None else "groups"
        raise DataError(
            f"{dataset.name} has {units.n_units} {kind}, fewer than {n_folds} folds. "
            "Ask for fewer folds, or give more coded texts."
        )
    return deal(units, n_folds=n_folds, seed=seed)[units.unit_of_row]


def deal(units: Units, *, n_folds: int, seed: int) -> NDArray[np.int8]:
    """Give each unit its fold, shape (n_units,); `make_folds` says how."""
    fold_of_unit = np.full(units.n_units, -1, dtype=np.int8)
    deck = units.largest_first(np.random.default_rng(seed))
    n_codes_of_unit = np.bincount(units.pair_unit, minlength=units.n_units)
    several = deck[n_codes_of_unit[deck] > 1]
    _deal_to_the_neediest(several, units, fold_of_unit, n_folds)
    _deal_code_by_code(deck[n_codes_of_unit[deck] == 1], units, fold_of_unit, n_folds)
    return fold_of_unit


def _deal_to_the_neediest(
    deck: Integers, units: Units, fold_of_unit: NDArray[np.int8], n_folds: int
) -> None:
    """Deal units of several codes; a fold's need is counted in shares of the rows of each code."""
    rows_of_code = np.bincount(units.code_of_row, minlength=units.n_codes)
    held = np.zeros((units.n_codes, n_folds))  # Share of each code's rows that each fold has.
    rows_of_fold = np.zeros(n_folds, dtype=np.int64)
    starts = np.searchsorted(units.pair_unit, np.arange(units.n_units + 1))
    sizes = units.rows_of_unit()
    for unit in deck[np.argsort(-sizes[deck], kind="stable")].tolist():
        pairs = slice(starts[unit], starts[unit + 1])
        codes, rows = units.pair_code[pairs], units.pair_rows[pairs]
        fold = int(np.lexsort((rows_of_fold, (rows @ held[codes]).round(9)))[0])
        held[codes, fold] += rows / rows_of_code[codes]
        rows_of_fold[fold] += sizes[unit]
        fold_of_unit[unit] = fold


def _deal_code_by_code(
    deck: Integers, units: Units, fold_of_unit: NDArray[np.int8], n_folds: int
) -> None:
    """Deal units of one code, the rarest code first: the common ones then even the folds out."""
    codes, sizes = units.main_code_of_unit(), units.rows_of_unit()
    n_held, rows_of_fold = _dealt_so_far(units, fold_of_unit, n_folds)
    rarity = units.units_of_code()[codes[deck]]
    deck = deck[np.lexsort((np.arange(len(deck)), codes[deck], rarity))]
    for hand in np.split(deck, np.flatnonzero(np.diff(codes[deck])) + 1):
        if len(hand):
            needs = list(
                zip(n_held[codes[hand[0]]].tolist(), rows_of_fold, range(n_folds), strict=True)
            )
            heapify(needs)
            folds = [_deal_one(needs, size) for size in sizes[hand].tolist()]
            rows_of_fold = [rows for _, rows, _ in sorted(needs, key=itemgetter(2))]
            fold_of_unit[hand] = folds


def _deal_one(needs: list[tuple[int, int, int]], size: int) -> int:
    """Give a unit to the fold on top of the heap: fewest units of the code, then fewest rows."""
    n_units, n_rows, fold = needs[0]
    heapreplace(needs, (n_units + 1, n_rows + size, fold))
    return fold


def _dealt_so_far(
    units: Units, fold_of_unit: NDArray[np.int8], n_folds: int
) -> tuple[Integers, list[int]]:
    """Count units by code and fold, shape (n_codes, n_folds), and rows by fold."""
    fold_of_pair = fold_of_unit[units.pair_unit]
    dealt = fold_of_pair >= 0
    n_held = np.zeros((units.n_codes, n_folds), dtype=np.int64)
    np.add.at(n_held, (units.pair_code[dealt], fold_of_pair[dealt]), 1)
    rows_of_fold = np.zeros(n_folds, dtype=np.int64)
    np.add.at(rows_of_fold, fold_of_pair[dealt], units.pair_rows[dealt])
    return n_held, rows_of_fold.tolist()
