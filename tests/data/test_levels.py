"""What the levels of a nomenclature say of probabilities."""

import numpy as np
import pytest

from libelle.data.levels import Level, code_at_level, levels_above
from libelle.data.nomenclature import Nomenclature

NOMENCLATURE = Nomenclature.from_rows(
    ["01", "0101", "010101", "010102", "0102", "02", "0201"],
    ["a", "b", "c", "d", "e", "f", "g"],
    [None, "01", "0101", "0101", "01", None, "02"],
)
CODES = ["010101", "010102", "0102", "0201", "inconnu"]


def test_levels_go_from_the_deepest_up():
    second, first = levels_above(CODES, NOMENCLATURE)
    assert (second.depth, second.codes) == (2, ("0101", "0102", "0201", "inconnu"))
    assert (first.depth, first.codes) == (1, ("01", "02", "inconnu"))


def test_a_flat_nomenclature_has_no_level_above():
    assert levels_above(["a", "b"], Nomenclature.from_codes(["a", "b"])) == []


def test_probabilities_are_summed_over_the_codes_below():
    rows = np.array([[0.1, 0.2, 0.3, 0.15, 0.25], [0, 0, 0, 0, 1.0]])
    _, first = levels_above(CODES, NOMENCLATURE)
    assert first.sum_up(rows) == pytest.approx(np.array([[0.6, 0.15, 0.25], [0, 0, 1]]))


def test_summing_up_does_not_depend_on_the_batch():
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(5), size=100)
    level = Level.of(1, CODES, NOMENCLATURE)
    alone = np.concatenate([level.sum_up(row[None]) for row in rows])
    assert np.array_equal(level.sum_up(rows), alone)


@pytest.mark.parametrize(
    ("code", "depth", "above"),
    [("010101", 1, "01"), ("010101", 2, "0101"), ("010101", 3, "010101"), ("02", 2, "02")],
)
def test_what_stands_above_a_code(code, depth, above):
    assert code_at_level(code, depth, NOMENCLATURE) == above
