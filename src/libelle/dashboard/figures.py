"""Figures of the pages: drawn once for each state of the data, with a sentence and a table."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from libelle.dashboard.rendering import svg_markup
from libelle.figures import hours_chart
from libelle.reports.formats import Language

MOST_KEPT = 200


@dataclass(frozen=True)
class Figure:
    """A picture as pages show it.

    Attributes
    ----------
    title : str
    sentence : str
        What it shows, for those who do not see it.
    svg : Markup
    columns : sequence of str
    rows : sequence of sequence of str
        The same numbers, in a table.
    """

    title: str
    sentence: str
    svg: Markup
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Drawer:
    """Draws pictures, and keeps the latest of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._lock = Lock()

    def draw(self, key: tuple[Any, ...], picture: Callable[[], bytes]) -> bytes:
        """Return the picture of a key, drawn unless it is kept.

        The key names the picture, the state of its data and its language.
        """
        with self._lock:
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return kept
        drawn = picture()
        with self._lock:
            self._kept[key] = drawn
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return drawn

    def figure(
        self,
        key: tuple[Any, ...],
        picture: Callable[[], bytes],
        *,
        title: str,
        sentence: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
    ) -> Figure:
        """Return a figure."""
        svg = svg_markup(self.draw(key, picture), sentence)
        return Figure(title, sentence, svg, columns, rows)

    def warm(self, lang: Language = "fr") -> None:
        """Draw something before threads do: the first picture of a process takes a second.

        Altair looks at pandas as soon as Arrow begins to import it, in another thread maybe.
        """
        pa.array(np.zeros(1))
        hours_chart([], lang=lang)
