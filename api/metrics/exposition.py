"""Exposition: families and their numbers, in the text format of Prometheus, version 0.0.4.

References
----------
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from api.metrics.families import Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})
_IN_LABEL = _IN_HELP | {ord('"'): r"\""}

Series = tuple[tuple[str, ...], Sequence[float]]


def render_family(family: Family, series: Iterable[Series]) -> str:
    """Return the lines of a family.

    Parameters
    ----------
    family : Family
    series : iterable of (tuple of str, sequence of float)
        Label values and numbers of each.
    """
    lines = [
        f"# HELP {family.name} {family.help.translate(_IN_HELP)}",
        f"# TYPE {family.name} {family.kind}",
    ]
    for values, cells in series:
        if not family.sparse or any(cells):
            lines += _render_series(family, values, cells)
    return "\n".join(lines) + "\n"


def _render_series(
    family: Family, values: tuple[str, ...], cells: Sequence[float]
) -> Iterator[str]:
    labels = list(zip(family.labels, values, strict=True))
    if family.kind != "histogram":
        yield f"{family.name}{_render_labels(labels)} {cells[0]!r}"
        return
    *in_bins, total = cells
    bounds = [*map(repr, family.bounds), "+Inf"]
    for bound, n_below in zip(bounds, accumulate(in_bins), strict=True):
        yield f"{family.name}_bucket{_render_labels([*labels, ('le', bound)])} {n_below!r}"
    yield f"{family.name}_sum{_render_labels(labels)} {total!r}"
    yield f"{family.name}_count{_render_labels(labels)} {sum(in_bins)!r}"


def _render_labels(labels: Sequence[tuple[str, str]]) -> str:
    pairs = ",".join(f'{name}="{value.translate(_IN_LABEL)}"' for name, value in labels)
    return f"{{{pairs}}}" if pairs else ""
