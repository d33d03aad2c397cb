"""Split: cut coded texts in fit, certify and test, no key or group on two sides."""

import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from libelle.data.datasets.dataset import Dataset, refuse_one_code
from libelle.data.datasets.units import Integers, Units, find_units, number
from libelle.errors import DataError

logger = logging.getLogger(__name__)

CERTIFY_SHARE = 0.15
TEST_SHARE = 0.10
MAX_HELD_OUT_TEXTS = 5_000

_FIT, _CERTIFY, _TEST, _OUT = 0, 1, 2, -1
_REASONS = {
    "keys_in_test": "whose text also stands in the test file",
    "groups_in_test": "whose group also stands in the test file",
    "without_date": "without a date",
    "later_repeats": "that repeat, later, a text or a group of an earlier side",
    "keys_in_fit": "of certify and test whose text also stands in fit",
}
_SIDES = ("fit", "certify", "test")
Sides = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Split:
    """Coded texts cut in three.

    Attributes
    ----------
    fit, certify, test : Dataset
        What is learnt from; what proves the threshold; what the report is made on.
    n_left_out : mapping of str to int
        Rows that stand on no side, by reason.
    n_shared_keys : mapping of str to int
        Split keys that stand on two sides, by pair of sides: all zero, save what groups may leave
        between certify and test.
    """

    fit: Dataset
    certify: Dataset
    test: Dataset
    n_left_out: Mapping[str, int]
    n_shared_keys: Mapping[str, int]

    @property
    def n_leaked_keys(self) -> int:
        """Split keys that stand on two sides."""
        return sum(self.n_shared_keys.values())

    def lines(self) -> list[str]:
        """Return the split in plain English."""
        sides = ", ".join(f"{side} {len(getattr(self, side)):,}" for side in _SIDES)
        left_out = [
            f"Rows left out: {n_rows:,} {_REASONS[reason]}."
            for reason, n_rows in self.n_left_out.items()
            if n_rows
        ]
        return [f"Split: {sides} texts.", *left_out, f"Keys on two sides: {self.n_leaked_keys}."]


def split_dataset(dataset: Dataset, *, seed: int, test: Dataset | None = None) -> Split:
    """Cut a dataset in fit (75 %), certify (15 %) and test (10 %).

    Certify and test hold at most `MAX_HELD_OUT_TEXTS` texts each: the surplus goes to fit. A split
    key stands on one side only. The keys held out are a systematic sample of all keys, sorted by
    code, then by number of rows: each has the same chance, and each code and size has its share.
    Two kinds are not drawn, and stay in fit: the key of a code that has no other, and a key with
    more rows than a side may hold.

    With dates, test is the latest part and certify the part before it; a day is not cut. A key
    stands where its earliest text stands; its later repeats are left out.

    With groups, the groups alone make the sides; then the texts of certify and test whose key
    stands in fit are left out.

    Parameters
    ----------
    dataset : Dataset
    seed : int
    test : Dataset, optional
        The test side, kept whole, row for row; other rows of its keys (and of its groups) are left
        out of fit and certify.

    Raises
    ------
    DataError
        If there is one code only, or too few keys, groups or dates to make the sides.
    """
    refuse_one_code(dataset.name, n_codes=len(set(dataset.codes)))
    shares = _shares(len(dataset), test=test)
    sides = np.full(len(dataset), _FIT, dtype=np.int8)
    left_out = _leave_out_before(dataset, test, sides)
    kept = np.flatnonzero(sides != _OUT)
    remaining = dataset.take(kept)
    if remaining.dates is None:
        sides[kept] = _sides_at_random(remaining, shares, seed=seed)
    else:
        sides[kept] = _sides_by_date(remaining, remaining.dates, shares)
        left_out["later_repeats"] = int((sides[kept] == _OUT).sum())
    if dataset.groups is not None:
        left_out["keys_in_fit"] = _leave_out_known_keys(dataset, sides)
    return _split(dataset, sides, left_out=left_out, test=test)


def _shares(n_rows: int, *, test: Dataset | None) -> dict[int, float]:
    """Return the share of the rows wanted on each held-out side."""
    wanted = {_CERTIFY: CERTIFY_SHARE, _TEST: TEST_SHARE}
    if test is not None:
        wanted = {_CERTIFY: CERTIFY_SHARE / (1 - TEST_SHARE)}
    most = MAX_HELD_OUT_TEXTS / max(1, n_rows)
    return {side: min(share, most) for side, share in wanted.items()}


def _leave_out_before(dataset: Dataset, test: Dataset | None, sides: Sides) -> dict[str, int]:
    """Mark the rows that no side may have, and count them by reason."""
    reasons: list[tuple[str, Sequence[str], Container[str]]] = []
    if test is not None:
        reasons.append(("keys_in_test", dataset.keys, set(test.keys)))
        if dataset.groups is not None and test.groups is not None:
            reasons.append(("groups_in_test", dataset.groups, set(test.groups) - {""}))
    if dataset.dates is not None:
        reasons.append(("without_date", dataset.dates, {""}))
    return {reason: _mark(values, refused, sides) for reason, values, refused in reasons}


def _mark(values: Sequence[str], refused: Container[str], sides: Sides) -> int:
    concerned = np.fromiter((value in refused for value in values), np.bool_, len(values))
    concerned &= sides != _OUT
    sides[concerned] = _OUT
    return int(concerned.sum())


def _sides_at_random(dataset: Dataset, shares: Mapping[int, float], *, seed: int) -> Sides:
    units = find_units(dataset)
    generator = np.random.default_rng(seed)
    deck = units.largest_first(generator)
    if dataset.groups is None:
        deck = deck[~_stays_in_fit(units, min(shares.values()))[deck]]
    n_held = {side: max(1, round(share * len(deck))) for side, share in shares.items()}
    _refuse_too_few(dataset, n_units=len(deck), n_held=sum(n_held.values()))
    side_of_unit = np.full(units.n_units, _FIT, dtype=np.int8)
    held = deck[_systematic(len(deck), sum(n_held.values()), generator)]
    side_of_unit[held] = _CERTIFY
    if _TEST in n_held:
        side_of_unit[held[_systematic(len(held), n_held[_TEST], generator)]] = _TEST
    _give_back_surplus(side_of_unit, units, generator)
    return side_of_unit[units.unit_of_row]


def _stays_in_fit(units: Units, share: float) -> NDArray[np.bool_]:
    """Tell which keys are not drawn: alone of one of their codes, or larger than a side."""
    alone = units.units_of_code()[units.pair_code] == 1
    stays = units.rows_of_unit() > max(1.0, share * len(units.unit_of_row))
    stays[units.pair_unit[alone]] = True
    return stays


def _refuse_too_few(dataset: Dataset, *, n_units: int, n_held: int) -> None:
    # A code of two keys, which stand side by side in the deck, keeps one in fit if one in two is
    # drawn at most. Groups have no such neighbours.
    least = n_held + 1 if dataset.groups is not None else 2 * n_held
    if n_units < least:
        kind = "groups" if dataset.groups is not None else "different texts whose code has another"
        raise DataError(
            f"{dataset.name} has {n_units} {kind}: {least} are needed to cut it in sides. "
            "Give more coded texts."
        )


def _systematic(n_units: int, n_drawn: int, generator: np.random.Generator) -> Integers:
    """Draw places at equal steps from a random start: each has the same chance."""
    places = (np.arange(n_drawn) + generator.random()) * n_units / n_drawn
    return np.minimum(places.astype(np.int64), n_units - 1)


def _give_back_surplus(side_of_unit: Sides, units: Units, generator: np.random.Generator) -> None:
    """Move units to fit, at random, from a side that holds too many rows; one unit stays."""
    rows = units.rows_of_unit()
    for side in (_CERTIFY, _TEST):
        held = generator.permutation(np.flatnonzero(side_of_unit == side))
        surplus = np.cumsum(rows[held]) > MAX_HELD_OUT_TEXTS
        side_of_unit[held[1:][surplus[1:]]] = _FIT


def _sides_by_date(dataset: Dataset, dates: Sequence[str], shares: Mapping[int, float]) -> Sides:
    """Cut time in parts; a unit keeps its rows of the part where its earliest row stands."""
    days, day_of_row = np.unique(np.array(dates, dtype=np.str_), return_inverse=True)
    side_of_day = _cut_days(dataset, np.bincount(day_of_row, minlength=len(days)), shares)
    units = find_units(dataset)
    first_day = np.full(units.n_units, len(days), dtype=np.int64)
    np.minimum.at(first_day, units.unit_of_row, day_of_row)
    sides = side_of_day[day_of_row]
    sides[sides != side_of_day[first_day][units.unit_of_row]] = _OUT
    return sides


def _cut_days(dataset: Dataset, rows_of_day: Integers, shares: Mapping[int, float]) -> Sides:
    if len(rows_of_day) <= len(shares):
        raise DataError(
            f"{dataset.name} has {len(rows_of_day)} different dates: {len(shares) + 1} are needed "
            "to cut it in time. Leave the date out, or give more dates."
        )
    sides = np.full(len(rows_of_day), _FIT, dtype=np.int8)
    end = len(rows_of_day)
    for n_before, side in zip(range(len(shares), 0, -1), sorted(shares, reverse=True), strict=True):
        latest = np.cumsum(rows_of_day[n_before:end][::-1])
        start = end - 1 - int(np.abs(latest - shares[side] * len(dataset)).argmin())
        sides[start:end], end = side, start
    return sides


def _leave_out_known_keys(dataset: Dataset, sides: Sides) -> int:
    """Leave out the rows of certify and test whose key stands in fit; return how many."""
    key_of_row = number(dataset.keys)
    learnt = np.zeros(int(key_of_row.max(initial=-1)) + 1, dtype=np.bool_)
    learnt[key_of_row[sides == _FIT]] = True
    known = learnt[key_of_row] & ((sides == _CERTIFY) | (sides == _TEST))
    sides[known] = _OUT
    return int(known.sum())


def _split(
    dataset: Dataset, sides: Sides, *, left_out: Mapping[str, int], test: Dataset | None
) -> Split:
    fit, certify, drawn = (dataset.take(np.flatnonzero(sides == side)) for side in range(3))
    parts = (fit, certify, drawn if test is None else test)
    for name, part in zip(_SIDES, parts, strict=True):
        if len(part) == 0:
            raise DataError(
                f"{dataset.name}: nothing is left for {name} once repeats are left out. "
                "Give more coded texts, or cut without date nor group."
            )
    split = Split(*parts, dict(left_out), _shared_keys(parts))
    logger.info(" ".join(split.lines()))
    return split


def _shared_keys(parts: Sequence[Dataset]) -> dict[str, int]:
    keys = dict(zip(_SIDES, (set(part.keys) for part in parts), strict=True))
    return {f"{one}_{two}": len(keys[one] & keys[two]) for one, two in combinations(_SIDES, 2)}
