"""Levels: from the probabilities of codes to those of the codes above them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from libelle.data.nomenclature import Nomenclature

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Level:
    """One level of a nomenclature, as seen from the codes that a model answers.

    Attributes
    ----------
    depth : int
        1 at the top.
    codes : tuple of str
        Codes of the level, sorted; a code that has no ancestor so deep stands for itself.
    places : ndarray of int, shape (n_model_codes,)
        Place among `codes` of what stands above each code of the model.
    """

    depth: int
    codes: tuple[str, ...]
    places: Ints

    @classmethod
    def of(cls, depth: int, codes: Sequence[str], nomenclature: Nomenclature) -> Self:
        """Look at a level from the codes of a model."""
        above = [code_at_level(code, depth, nomenclature) for code in codes]
        distinct = sorted(set(above))
        place = {code: index for index, code in enumerate(distinct)}
        return cls(depth, tuple(distinct), np.array([place[code] for code in above], np.int64))

    def sum_up(self, probabilities: Floats) -> Floats:
        """Return the probability of each code of the level, shape `(n_texts, len(codes))`."""
        order = np.argsort(self.places, kind="stable")
        starts = np.searchsorted(self.places[order], np.arange(len(self.codes)))
        summed: Floats = np.add.reduceat(probabilities[:, order], starts, axis=1)
        return summed.clip(max=1.0)


def levels_above(codes: Sequence[str], nomenclature: Nomenclature) -> list[Level]:
    """Return the levels above the codes of a model, the deepest first; none when all is flat."""
    deepest = max((_depth(code, nomenclature) for code in codes), default=1)
    levels = [Level.of(depth, codes, nomenclature) for depth in range(deepest - 1, 0, -1)]
    return [level for level in levels if len(level.codes) > 1]


def code_at_level(code: str, depth: int, nomenclature: Nomenclature) -> str:
    """Return what stands above a code at a depth; the code itself when it is not so deep."""
    if code not in nomenclature:
        return code
    lineage = [code, *nomenclature.ancestors_of(code)]
    return lineage[max(0, len(lineage) - depth)]


def _depth(code: str, nomenclature: Nomenclature) -> int:
    return nomenclature.level_of(code) if code in nomenclature else 1
