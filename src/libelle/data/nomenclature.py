"""Nomenclature: the official list of codes, their titles, and which stands above which."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Self

from libelle.errors import NomenclatureError
from libelle.storage import DEFAULT_OPTIONS, StorageOptions, redact

_COLUMNS = ("code", "title", "parent")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Nomenclature:
    """Codes with their titles and parents; build it with `from_rows` or `from_codes`.

    Attributes
    ----------
    codes : tuple of str
        Sorted.
    titles, parents : tuple of str and of (str or None)
        Of each code; the parent of a top code is None.
    """

    codes: tuple[str, ...]
    titles: tuple[str, ...]
    parents: tuple[str | None, ...]
    _places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = {code: place for place, code in enumerate(self.codes)}
        object.__setattr__(self, "_places", places)

    @classmethod
    def from_codes(cls, codes: Iterable[str]) -> Self:
        """Make the nomenclature of codes that have no list: one level, each its own title."""
        distinct = tuple(sorted(set(codes)))
        return cls(distinct, distinct, (None,) * len(distinct))

    @classmethod
    def from_rows(
        cls, codes: Sequence[str], titles: Sequence[str], parents: Sequence[str | None]
    ) -> Self:
        """Make a nomenclature out of columns; an empty title is the code, an empty parent is none.

        Raises
        ------
        NomenclatureError
            If a code is empty or stands twice, if a parent is not listed, or if a code is above
            itself: the codes are named.
        """
        cleaned = (
            (code.strip(), title.strip() or code.strip(), (parent or "").strip() or None)
            for code, title, parent in zip(codes, titles, parents, strict=True)
        )
        rows = sorted(cleaned, key=itemgetter(0))
        _refuse_contradictions([code for code, _, _ in rows], [parent for _, _, parent in rows])
        return cls(*(tuple(column) for column in zip(*rows, strict=True)))

    def __len__(self) -> int:
        return len(self.codes)

    def __contains__(self, code: object) -> bool:
        return code in self._places

    def title_of(self, code: str) -> str:
        """Return the title of a code; the code itself when it is not listed."""
        return self.titles[self._places[code]] if code in self._places else code

    def parent_of(self, code: str) -> str | None:
        """Return the code above, None at the top."""
        return self.parents[self._place(code)]

    def level_of(self, code: str) -> int:
        """Return the depth of a code, 1 at the top."""
        return len(self.ancestors_of(code)) + 1

    def ancestors_of(self, code: str) -> tuple[str, ...]:
        """Return the codes above, the nearest first."""
        ancestors = []
        parent = self.parent_of(code)
        while parent is not None:
            ancestors.append(parent)
            parent = self.parent_of(parent)
        return tuple(ancestors)

    def children_of(self, code: str | None) -> tuple[str, ...]:
        """Return the codes just below, sorted; below None stand the top codes."""
        if code is not None:
            self._place(code)
        return self._children.get(code, ())

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Return the depths that exist, from 1."""
        return tuple(sorted({self.level_of(code) for code in self.codes}))

    def to_rows(self) -> list[tuple[str, str, str]]:
        """Return (code, title, parent) of each code; the parent of a top code is empty."""
        parents = (parent or "" for parent in self.parents)
        return list(zip(self.codes, self.titles, parents, strict=True))

    @cached_property
    def _children(self) -> dict[str | None, tuple[str, ...]]:
        below: dict[str | None, list[str]] = {}
        for code, parent in zip(self.codes, self.parents, strict=True):
            below.setdefault(parent, []).append(code)
        return {parent: tuple(children) for parent, children in below.items()}

    def _place(self, code: str) -> int:
        if code not in self._places:
            raise NomenclatureError(
                f"{code!r} is not a code of the nomenclature. "
                "Codes are text: was a leading zero lost while reading a file?"
            )
        return self._places[code]


def read_nomenclature(uri: str | Path, options: StorageOptions = DEFAULT_OPTIONS) -> Nomenclature:
    """Read a nomenclature from a table (CSV, Parquet, NDJSON, xlsx) of columns code, title, parent.

    `title` and `parent` may be absent: codes are then their own titles, on one level.

    Raises
    ------
    NomenclatureError
        If the column `code` is missing, or as `Nomenclature.from_rows`.
    StorageError, DataError
        If the table cannot be read.
    """
    from libelle.data.datasets.tables import as_text, open_table

    with open_table(uri, options=options) as table:
        if "code" not in table.columns:
            raise NomenclatureError(
                f"{redact(uri)} has no column 'code'. Its columns: {', '.join(table.columns)}. "
                "A nomenclature has code, title, parent."
            )
        found = [name for name in _COLUMNS if name in table.columns]
        columns: dict[str, list[str]] = {name: [] for name in found}
        for batch in table.read(found):
            for name in found:
                columns[name] += as_text(batch[name]).to_pylist()
    codes = columns["code"]
    nothing = [""] * len(codes)
    try:
        return Nomenclature.from_rows(
            codes, columns.get("title", nothing), columns.get("parent", nothing)
        )
    except NomenclatureError as error:
        raise NomenclatureError(f"{redact(uri)}: {error}") from error


def _refuse_contradictions(codes: Sequence[str], parents: Sequence[str | None]) -> None:
    if not codes:
        raise NomenclatureError("The nomenclature is empty. Give one code a row.")
    if "" in codes:
        raise NomenclatureError(f"{codes.count('')} rows have no code. Give each row its code.")
    parent_of = dict(zip(codes, parents, strict=True))
    if len(parent_of) < len(codes):
        twice = sorted({code for code, after in pairwise(codes) if code == after})
        raise NomenclatureError(f"Codes that stand twice: {_some(twice)}. Keep one row of each.")
    listed = {None, *codes}
    orphans = [code for code in codes if parent_of[code] not in listed]
    if orphans:
        raise NomenclatureError(
            f"Codes whose parent is not listed: {_some(orphans)}. "
            "Add the parent, or leave the column empty for a top code."
        )
    in_loop = [code for code in codes if _is_above_itself(code, parent_of)]
    if in_loop:
        raise NomenclatureError(f"Codes that stand above themselves: {_some(in_loop)}.")


def _is_above_itself(code: str, parent_of: Mapping[str, str | None]) -> bool:
    seen, parent = {code}, parent_of[code]
    while parent is not None and parent not in seen:
        seen.add(parent)
        parent = parent_of[parent]
    return parent == code


def _some(codes: Sequence[str]) -> str:
    shown = ", ".join(map(repr, codes[:_MOST_SHOWN]))
    n_more = len(codes) - _MOST_SHOWN
    return f"{shown} and {n_more} more" if n_more > 0 else shown
