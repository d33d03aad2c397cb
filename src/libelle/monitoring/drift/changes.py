"""Changes: which codes and which words became more frequent, which less, and since when.

Many are looked at: the share of those named wrongly is kept under 5 % (Benjamini and Hochberg).

References
----------
Benjamini and Hochberg (1995), Controlling the false discovery rate, JRSS B 57(1).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import xlogy

from libelle.data.nomenclature import Nomenclature
from libelle.data.stop_words import STOP_WORDS
from libelle.decision import Decision
from libelle.monitoring.drift.comparisons import exact_p_values
from libelle.monitoring.drift.domain import keep_alike, kept_texts, words_of
from libelle.monitoring.drift.windows import Window
from libelle.profile import Floats, Profile

FALSE_DISCOVERIES = 0.05
LEAST_TEXTS = 10  # Rarer words may be somebody's name; rarer codes tell nothing.
LEAST_RATIO = 1.25
MOST_SHOWN = 10
LEAST_LETTERS = 3
NOT_SHOWN = frozenset().union(*STOP_WORDS.values())


@dataclass(frozen=True)
class Change:
    """A code or a word whose share changed.

    Attributes
    ----------
    name, title : str
        Code and title; a word is its own title.
    n_before, n_after : int
        Texts that have it.
    share_before, share_after : float
    p_value : float
    since : str or None
        Monday of the week from which the share is another one, ISO 8601.
    """

    name: str
    title: str
    n_before: int
    n_after: int
    share_before: float
    share_after: float
    p_value: float
    since: str | None = None

    @property
    def ratio(self) -> float | None:
        """Return how many times more frequent it is; None when it was never there."""
        return self.share_after / self.share_before if self.share_before else None

    @property
    def rises(self) -> bool:
        """Tell whether it became more frequent."""
        return self.share_after > self.share_before

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON values."""
        return {**asdict(self), "ratio": self.ratio}


def find_code_changes(
    reference: Profile,
    current: Window,
    *,
    earlier: Window | None,
    nomenclature: Nomenclature | None,
) -> tuple[Change, ...]:
    """Return the codes, and codes above, that changed most: surest first."""
    before, after = (
        count_with_ancestors(profile.codes, nomenclature)
        for profile in (reference, current.profile)
    )
    totals = (reference.n_answered, current.profile.n_answered)
    found = _find(before, after, totals)[:MOST_SHOWN]
    weeks = _Weeks.of([earlier, current] if earlier else [current], nomenclature)
    outset = None if earlier else (before, reference.n_answered)
    return tuple(_complete(change, weeks, outset, nomenclature) for change in found)


def find_word_changes(earlier: Window, current: Window) -> tuple[Change, ...]:
    """Return the words that changed most, where both periods kept texts in the same way."""
    kept = [kept_texts(window.rows) for window in (earlier, current)]
    if not keep_alike(*kept):
        return ()
    before, after = map(_count_words, kept)
    return tuple(_find(before, after, (len(kept[0]), len(kept[1])))[: 2 * MOST_SHOWN])


def count_with_ancestors(
    codes: Mapping[str, int], nomenclature: Nomenclature | None
) -> Counter[str]:
    """Return how many texts have each code, or a code below it."""
    counts: Counter[str] = Counter()
    for code, n_texts in codes.items():
        above = nomenclature.ancestors_of(code) if nomenclature and code in nomenclature else ()
        for name in (code, *above):
            counts[name] += n_texts
    return counts


def _count_words(rows: pa.Table) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in rows["text"].to_pylist():
        counts.update(
            word
            for word in words_of(text)
            if len(word) >= LEAST_LETTERS and word.isalpha() and word not in NOT_SHOWN
        )
    return counts


def _find(
    before: Mapping[str, int], after: Mapping[str, int], totals: tuple[int, int]
) -> list[Change]:
    """Return what changed, surest first."""
    counts = {name: (before.get(name, 0), after.get(name, 0)) for name in {*before, *after}}
    names = sorted(name for name, pair in counts.items() if max(pair) >= LEAST_TEXTS)
    pairs = [counts[name] for name in names]
    p_values = exact_p_values([n for n, _ in pairs], [n for _, n in pairs], totals)
    shares = [(one / max(1, totals[0]), other / max(1, totals[1])) for one, other in pairs]
    changes = [
        Change(name, name, *pair, *both, p_value)
        for name, pair, both, p_value in zip(names, pairs, shares, p_values.tolist(), strict=True)
    ]
    changes.sort(key=lambda change: change.p_value)
    limits = FALSE_DISCOVERIES * np.arange(1, len(changes) + 1) / max(1, len(changes))
    n_found = int(np.flatnonzero(np.sort(p_values) <= limits).max(initial=-1)) + 1
    return [change for change in changes[:n_found] if _is_large(change)]


def _is_large(change: Change) -> bool:
    low, high = sorted((change.share_before, change.share_after))
    return high >= LEAST_RATIO * low


def _complete(
    change: Change,
    weeks: "_Weeks",
    outset: tuple[Mapping[str, int], int] | None,
    nomenclature: Nomenclature | None,
) -> Change:
    title = nomenclature.title_of(change.name) if nomenclature else change.name
    start = (outset[0].get(change.name, 0), outset[1]) if outset else None
    since = weeks.since_when(change.name, start, rises=change.rises)
    return Change(**{**asdict(change), "title": title, "since": since})


@dataclass(frozen=True, eq=False)
class _Weeks:
    """How many texts each code has, week after week."""

    mondays: Sequence[str]
    counts: Sequence[Mapping[str, int]]
    totals: Floats

    @classmethod
    def of(cls, windows: Sequence[Window], nomenclature: Nomenclature | None) -> "_Weeks":
        by_week: dict[str, Counter[str]] = {}
        for window in windows:
            columns = (window.rows[name].to_pylist() for name in ("top_code", "decision"))
            for monday, code, decision in zip(
                window.weeks.astype(str).tolist(), *columns, strict=True
            ):
                if decision != Decision.REFUSED:
                    by_week.setdefault(monday, Counter())[code] += 1
        mondays = sorted(by_week)
        totals = np.array([by_week[monday].total() for monday in mondays], dtype=np.float64)
        counts = [count_with_ancestors(by_week[monday], nomenclature) for monday in mondays]
        return cls(mondays, counts, totals)

    def since_when(self, name: str, outset: tuple[int, int] | None, *, rises: bool) -> str | None:
        """Return the week that best parts the time before from the time after (likelihood).

        Parameters
        ----------
        name : str
            Of the code.
        outset : (int, int) or None
            Texts with the code, and texts, before the first week.
        rises : bool
        """
        counts = np.array([week[name] for week in self.counts], dtype=np.float64)
        first_with, first_texts = outset or (0, 0)
        before = first_with + counts.cumsum() - counts
        n_before = first_texts + self.totals.cumsum() - self.totals
        after = first_with + counts.sum() - before
        n_after = first_texts + self.totals.sum() - n_before
        fits = _log_likelihood(before, n_before) + _log_likelihood(after, n_after)
        with np.errstate(divide="ignore", invalid="ignore"):
            right_way = (after / n_after > before / n_before) == rises
        possible = (n_before > 0) & right_way
        if not possible.any():
            return None
        return self.mondays[int(np.where(possible, fits, -np.inf).argmax())]


def _log_likelihood(n_with: Floats, n_texts: Floats) -> Floats:
    shares = n_with / np.maximum(1, n_texts)
    likelihood: Floats = xlogy(n_with, shares) + xlogy(n_texts - n_with, 1 - shares)
    return likelihood
