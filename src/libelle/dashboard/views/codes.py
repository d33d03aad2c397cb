"""Codes: what was answered for each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from unidecode import unidecode

from libelle.dashboard.parts import CodeFeedback
from libelle.monitoring.rollups import Counts

Column = Literal[
    "code", "title", "texts", "share", "share_automatic", "mean_confidence", "corrections"
]
COLUMNS: tuple[Column, ...] = (
    "code",
    "title",
    "texts",
    "share",
    "share_automatic",
    "mean_confidence",
    "corrections",
)
OF_WORDS: tuple[Column, ...] = ("code", "title")
PAGE_SIZE = 50


@dataclass(frozen=True)
class CodeRow:
    """A code, and what was answered for it.

    Attributes
    ----------
    code, title : str
    n_texts : int
        Whose likeliest code it is.
    share, share_automatic : float
        Of all texts; of its texts.
    mean_confidence : float or None
    feedback : CodeFeedback or None
    """

    code: str
    title: str
    n_texts: int
    share: float
    share_automatic: float
    mean_confidence: float | None
    feedback: CodeFeedback | None

    def key(self, column: Column) -> Any:
        """Return what the row is sorted by."""
        if column == "corrections":
            seen = self.feedback
            return seen.n_corrected / seen.n_verdicts if seen and seen.n_verdicts else -1.0
        if column == "texts":
            return self.n_texts
        value = getattr(self, column)
        return -1.0 if value is None else value


def list_codes(
    counts: Counts,
    titles: Mapping[str, str],
    feedback: Mapping[str, CodeFeedback] | None,
) -> list[CodeRow]:
    """Return the codes that were likeliest for a text."""
    tallies = counts.by_code()
    n_texts = sum(one.n_texts for one in tallies.values())
    return [
        CodeRow(
            code,
            titles.get(code, ""),
            tally.n_texts,
            tally.n_texts / n_texts,
            tally.n_automatic / tally.n_texts,
            tally.mean_confidence,
            (feedback or {}).get(code),
        )
        for code, tally in tallies.items()
    ]


def search_codes(rows: Sequence[CodeRow], asked: str) -> list[CodeRow]:
    """Return the codes that begin as asked, or whose title has all the words asked."""
    words = _plain(asked).split()
    if not words:
        return list(rows)
    return [
        row
        for row in rows
        if _plain(row.code).startswith(words[0]) or all(word in _plain(row.title) for word in words)
    ]


def sort_codes(rows: Sequence[CodeRow], column: Column, *, descending: bool) -> list[CodeRow]:
    """Return the rows by a column; codes that are equal there stand by their code."""
    by_code = sorted(rows, key=lambda row: row.code)
    return sorted(by_code, key=lambda row: row.key(column), reverse=descending)


def _plain(text: str) -> str:
    return unidecode(text).casefold()
