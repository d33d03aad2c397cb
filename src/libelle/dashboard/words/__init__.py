"""Words: what the pages say, in French and in English."""

import html
import re
from typing import Any

from markupsafe import Markup

from libelle.dashboard.words.english import ENGLISH
from libelle.dashboard.words.english_study import ENGLISH_STUDY
from libelle.dashboard.words.english_work import ENGLISH_WORK
from libelle.dashboard.words.french import FRENCH
from libelle.dashboard.words.french_study import FRENCH_STUDY
from libelle.dashboard.words.french_work import FRENCH_WORK
from libelle.reports.formats import Language, format_count

_UNIT = re.compile(r"\} (?=(?:s|ms|pt|h)\b)")
_TAG = re.compile("<[^>]*>")


class Say:
    """Says sentences in one language; what is put in them is escaped, they are not.

    Parameters
    ----------
    lang : Language
    """

    def __init__(self, lang: Language) -> None:
        self.lang = lang
        self._words = WORDS[lang]

    def __call__(self, name: str, /, **values: Any) -> Markup:
        """Return a sentence, with its values."""
        return Markup(self._words[name]).format(**values)  # noqa: S704, our own words

    def plain(self, name: str, /, **values: Any) -> str:
        """Return a sentence without markup, for a label."""
        # Not `striptags`, which makes plain spaces of those that hold a number and its unit.
        return html.unescape(_TAG.sub("", self(name, **values)))

    def number_of(self, name: str, n_things: int, **facts: Any) -> Markup:
        """Return a number of things, in the singular or in the plural."""
        form = "one" if n_things == 1 or (n_things == 0 and self.lang == "fr") else "many"
        return self(f"{name}_{form}", n=format_count(n_things, self.lang), **facts)

    def knows(self, name: str) -> bool:
        """Tell whether there is such a sentence."""
        return name in self._words


def _keep_together(sentence: str) -> str:
    """Return French words whose double punctuation never begins a line."""
    for mark in ":;?!»%":
        sentence = sentence.replace(f" {mark}", f"\N{NO-BREAK SPACE}{mark}")
    return _hold_units(sentence.replace("« ", "«\N{NO-BREAK SPACE}"))


def _hold_units(sentence: str) -> str:
    """Return a sentence where no number stands at the end of a line without its unit."""
    return _UNIT.sub("}\N{NO-BREAK SPACE}", sentence)


WORDS: dict[Language, dict[str, str]] = {
    "fr": {
        name: _keep_together(sentence)
        for name, sentence in (FRENCH | FRENCH_STUDY | FRENCH_WORK).items()
    },
    "en": {
        name: _hold_units(said) for name, said in (ENGLISH | ENGLISH_STUDY | ENGLISH_WORK).items()
    },
}
