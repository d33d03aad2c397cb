"""Generator: themes, phrases and the ways of writing of the demonstration corpus, put together."""

import csv
import io
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import TypeVar

from libelle.data.demo.themes import (
    ABBREVIATIONS,
    AMBIGUOUS,
    CLOSINGS,
    FOR_WHOM,
    GREETINGS,
    MEANINGLESS,
    PLACES,
    SERVICES,
    SINCE,
    THEMES,
    WHERE,
    Theme,
)
from libelle.data.text import to_ascii
from libelle.storage import write_atomically

FIRST_DAY = date(2025, 1, 1)
N_DAYS = 546  # 18 months.
LATE_DAYS = 120  # What appears late does in the last four months.
CHANGE_DAYS = 75  # Words change in the last ten weeks.

AMBIGUOUS_SHARE = 0.17  # Of the themes that have words in common with another.
TWO_SUBJECTS_SHARE = 0.08
SHORTENED_SHARE = 0.15
MEANINGLESS_SHARE = 0.012
WRONG_CODE_SHARE = 0.012
TYPO_SHARE = 0.05  # Of the words.
LINKS = ("Par ailleurs", "En plus", "Autre sujet :")
KEYBOARD = ("azertyuiop", "qsdfghjklm", "wxcvbn")
NEIGHBOURS = {char: row[place - 1] for row in KEYBOARD for place, char in enumerate(row)}

Item = TypeVar("Item")


@dataclass(frozen=True)
class DemoText:
    """A synthetic coded text."""

    id: str
    text: str
    code: str
    date: str


def demo_nomenclature() -> list[tuple[str, str, str]]:
    """Return code, title and parent (empty at the top) of services, then of themes."""
    services = [(code, title, "") for code, title in SERVICES.items()]
    return services + [(theme.code, theme.title, theme.code[:2]) for theme in THEMES]


def make_demo(*, seed: int = 0, n_texts: int = 8_000) -> list[DemoText]:
    """Write coded texts, in the order of their dates; the same ones for the same seed.

    Parameters
    ----------
    seed : int
    n_texts : int
    """
    chance = Chance(seed)
    days = sorted(chance.below(N_DAYS) for _ in range(n_texts))
    texts = []
    for number, day in enumerate(days, start=1):
        theme = chance.weigh(themes_of(day))
        code, text = write_text(theme, day, chance)
        when = (FIRST_DAY + timedelta(days=day)).isoformat()
        texts.append(DemoText(f"D{number:05}", text, code, when))
    return texts


def write_demo(path: Path, *, seed: int = 0, n_texts: int = 8_000) -> None:
    """Write the corpus as CSV (`id,text,code,date`), and its nomenclature beside it.

    Raises
    ------
    StorageError
        If a file cannot be written; nothing is left half-written.
    """
    texts = make_demo(seed=seed, n_texts=n_texts)
    rows = [(text.id, text.text, text.code, text.date) for text in texts]
    nomenclature = path.with_name(f"{path.stem}-nomenclature.csv")
    _write_csv(nomenclature, ("code", "title", "parent"), demo_nomenclature())
    _write_csv(path, ("id", "text", "code", "date"), rows)


class Chance:
    """Chance that is the same on every version of Python: `Random.random` only."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random  # noqa: S311 -- Nothing secret is drawn.

    def happens(self, share: float) -> bool:
        """Tell whether what has this probability happens."""
        return self._random() < share

    def below(self, n: int) -> int:
        """Draw a number from 0 to n - 1."""
        return int(self._random() * n)

    def pick(self, items: Sequence[Item]) -> Item:
        """Draw one of them, each as probably."""
        return items[self.below(len(items))]

    def weigh(self, themes: Sequence[Theme]) -> Theme:
        """Draw a theme, as probably as it is frequent."""
        bounds = list(accumulate(theme.share for theme in themes))
        return themes[bisect(bounds, self._random() * bounds[-1])]


def themes_of(day: int) -> Sequence[Theme]:
    """Return the themes that exist on a day of the corpus."""
    late = day >= N_DAYS - LATE_DAYS
    return THEMES if late else [theme for theme in THEMES if not theme.appears_late]


def write_text(theme: Theme, day: int, chance: Chance) -> tuple[str, str]:
    """Return the code that an agent gave, and what an inhabitant wrote."""
    code = theme.code
    if chance.happens(WRONG_CODE_SHARE):
        code = chance.weigh(themes_of(day)).code
    if chance.happens(MEANINGLESS_SHARE):
        return code, chance.pick(MEANINGLESS)
    shared = [phrases for codes, phrases in AMBIGUOUS if theme.code in codes]
    if shared and chance.happens(AMBIGUOUS_SHARE):
        phrase = _fill(chance.pick(chance.pick(shared)), chance)
        return code, _style(_surround(phrase, chance), chance)
    changed = theme.late_phrases and day >= N_DAYS - CHANGE_DAYS
    phrase = chance.pick(theme.late_phrases if changed else theme.phrases)
    text = _fill(phrase, chance)
    if chance.happens(TWO_SUBJECTS_SHARE):
        other = chance.pick(chance.weigh(themes_of(day)).phrases)
        text = f"{text}. {chance.pick(LINKS)} {_fill(other, chance)}"
    if chance.happens(SHORTENED_SHARE):
        text = _shorten(text, chance)
    return code, _style(_surround(text, chance), chance)


def _fill(phrase: str, chance: Chance) -> str:
    where = chance.pick(WHERE).format(place=chance.pick(PLACES), n=1 + chance.below(80))
    filled = phrase.format(lieu=where, quand=chance.pick(SINCE), qui=chance.pick(FOR_WHOM))
    return " ".join(filled.replace(" ,", ",").split())


def _shorten(text: str, chance: Chance) -> str:
    """Keep some of the words in their order, as one who is in a hurry."""
    words = text.split()
    kept = [word for word in words if chance.happens(0.6)]
    return " ".join(kept or words[:2])


def _surround(text: str, chance: Chance) -> str:
    capitalized = text[:1].upper() + text[1:]
    text = chance.pick(GREETINGS) + text if chance.happens(0.35) else capitalized
    if chance.happens(0.35):
        text += "." + chance.pick(CLOSINGS)
    return text


def _style(text: str, chance: Chance) -> str:
    """Write a text as people do: in a hurry, in capitals, without accents, through a bad form."""
    text = " ".join(_misspell(word, chance) for word in text.split(" "))
    if chance.happens(0.12):
        words = (ABBREVIATIONS.get(word.lower(), word) for word in text.split(" "))
        text = " ".join(words)
    if chance.happens(0.3):
        text = text.replace("'", "’")
    way = chance.below(100)
    if way < 10:
        return to_ascii(text).upper()
    if way < 28:
        return to_ascii(text)
    if way < 40:
        return text.lower()
    if way < 43:
        return text.encode("utf-8").decode("cp1252", "replace")
    return text


def _misspell(word: str, chance: Chance) -> str:
    if len(word) < 4 or not chance.happens(TYPO_SHARE):
        return word
    place = 1 + chance.below(len(word) - 2)
    char = word[place]
    way = chance.below(4)
    if way == 0:
        return word[:place] + word[place + 1 :]
    if way == 1:
        return word[:place] + char + word[place:]
    if way == 2:
        return word[:place] + word[place + 1] + char + word[place + 2 :]
    return word[:place] + NEIGHBOURS.get(char, char) + word[place + 1 :]


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    with write_atomically(path) as stream:
        stream.write(buffer.getvalue().encode("utf-8"))
