"""Features: what monitoring looks at in a text, without the text."""

from typing import NamedTuple


class Features(NamedTuple):
    """What is measured of a text.

    Attributes
    ----------
    n_characters : int
        As received.
    n_words : int
        Normalised.
    n_unknown_words : int
        Those of them that the model never learnt.
    """

    n_characters: int
    n_words: int
    n_unknown_words: int

    @classmethod
    def of(cls, text: str, normalized: str, n_known_words: int) -> "Features":
        """Measure a text, of whose normalised words the model knows some."""
        n_words = len(normalized.split())
        return cls(len(text), n_words, n_words - n_known_words)
