"""Features: what monitoring looks at in texts, without the texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Features:
    """What is measured of texts, column by column.

    Attributes
    ----------
    n_characters : list of int, shape (n_texts,)
        As received.
    n_words : list of int, shape (n_texts,)
        Normalised.
    n_unknown_words : list of int, shape (n_texts,)
        Those of them that the model never learnt.
    """

    n_characters: list[int]
    n_words: list[int]
    n_unknown_words: list[int]

    @classmethod
    def of(
        cls, texts: Sequence[str], words: Sequence[Sequence[str]], n_known: Sequence[int]
    ) -> Self:
        """Measure texts, of whose normalised words the model knows some."""
        n_words = list(map(len, words))
        n_unknown = [total - known for total, known in zip(n_words, n_known, strict=True)]
        return cls(list(map(len, texts)), n_words, n_unknown)

    def at(self, place: int) -> Self:
        """Return the features of one text."""
        return type(self)(
            [self.n_characters[place]], [self.n_words[place]], [self.n_unknown_words[place]]
        )
