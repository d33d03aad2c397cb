"""Headers: what the first row of a file says: its delimiter, and the names of its columns."""

from collections import Counter
from collections.abc import Collection, Sequence

DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITER = "\x1f"  # "Unit separator": stands in no text, so a lone column keeps its commas.


def distinct_names(header: Sequence[str]) -> tuple[str, ...]:
    """Return a name for each column: its own, numbered where it is empty or stands twice."""
    seen: Counter[str] = Counter()
    names = []
    for place, raw in enumerate(header, start=1):
        name = raw.strip() or f"column_{place}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(names)


def names_beside(columns: Sequence[str], added: Collection[str]) -> list[str]:
    """Return the columns' names, those that `added` would hide with `input_` before them."""
    taken = {*columns, *added}
    names = []
    for column in columns:
        name = column
        while name in added or (name != column and name in taken):
            name = f"input_{name}"
        names.append(name)
    return names
