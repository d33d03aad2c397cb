"""Text: bring what a person wrote to its canonical form, words of a-z and 0-9 between blanks."""

import re
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Literal, Self

from unidecode import unidecode

from libelle.data.stop_words import STOP_WORDS
from libelle.errors import UsageError

NORMALIZER_VERSION = 1
SPLIT_KEY_VERSION = 1

MEMO_BYTES = 32 * 2**20
MEMO_CHUNK_CHARACTERS = 64
MEMO_ENTRY_BYTES = 200  # Of a dictionary's entry and its two strings, beside their characters.

BLANKS = re.compile("[\t-\r\x1c- ]+")
ELISIONS = re.compile(
    r"(?<![a-z0-9])(?:l|d|n|s|c|j|m|t|qu|jusqu|lorsqu|puisqu|quoiqu|quelqu)['`]+(?=[a-z0-9])"
)
SIGLES = re.compile(r"(?<![a-z0-9])[a-z](?:\.[a-z])+(?![a-z0-9])")
WORDS = re.compile("[a-z0-9]+")
NUMBERS = re.compile("[0-9]+")
LETTERS = re.compile(r"[^\W\d_]+")
MASK = "0"
# What the first byte of a UTF-8 letter looks like when it is read as CP1252 or Latin-1.
MOJIBAKE_MARKS = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u0178\u0192\u02c6-\u2122]")


@dataclass(frozen=True)
class NormalizerOptions:
    """Steps of a normaliser, in the order of their work.

    Attributes
    ----------
    mojibake : bool
        Repair UTF-8 that was read as CP1252 or Latin-1: `dÃ©chets` is `déchets`.
    stemming : bool
        Replace each word by its Snowball stem, in `language`; the only step that is not idempotent.
    elisions : bool
        Take away `l'`, `d'`, `qu'`, `jusqu'`…
    sigles : bool
        Join the letters of a sigle with dots: `S.A.R.L.` is `sarl`.
    numbers : {"keep", "mask"}
        Keep digits, or replace each run of them by `0`.
    stop_words : {"keep", "drop"}
        Keep or take away the most frequent words of `language`.
    language : {"french", "english"}
    """

    mojibake: bool = True
    stemming: bool = False
    elisions: bool = True
    sigles: bool = True
    numbers: Literal["keep", "mask"] = "keep"
    stop_words: Literal["keep", "drop"] = "keep"
    language: Literal["french", "english"] = "french"

    def __post_init__(self) -> None:
        choices: dict[str, tuple[Any, ...]] = {
            "numbers": ("keep", "mask"),
            "stop_words": ("keep", "drop"),
            "language": tuple(STOP_WORDS),
            **dict.fromkeys(("mojibake", "stemming", "elisions", "sigles"), (True, False)),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise UsageError(f"Normaliser: {name} is not one of {allowed}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Self:
        """Read options; those that are not given have their default.

        Raises
        ------
        UsageError
            If an option is unknown or has an unknown value.
        """
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(options) - set(known)):
            raise UsageError(f"Normaliser: {unknown} are not options. Options: {known}.")
        return cls(**options)


class Normalizer:
    """Normalise texts: pure, deterministic, defined for every `str`.

    A text is cut at ASCII blanks, and each chunk becomes words by itself: mojibake, stems,
    unaccented lower case, elisions, sigles, punctuation, numbers, stop words. No rule looks across
    a blank, so that what a chunk becomes can be remembered. What such rules cannot repair: an
    accent broken across a blank (`Ã` and a plain space for `à`), a sigle written with blanks (`S.
    A. R. L.` is four words).

    Parameters
    ----------
    options : NormalizerOptions
    memo_bytes : int
        Bound of what is remembered; 0 remembers nothing and changes no answer.
    """

    def __init__(
        self, options: NormalizerOptions | None = None, *, memo_bytes: int = MEMO_BYTES
    ) -> None:
        self.options = options or NormalizerOptions()
        self._stem = _stemmer(self.options.language) if self.options.stemming else None
        self._stop_words = self._find_stop_words()
        memo = _Memo(self.normalize_chunk, memo_bytes)
        self._look_up = memo.__getitem__ if memo_bytes else self.normalize_chunk

    def normalize(self, text: str) -> str:
        """Return the words of a text, with one blank between them; empty if it has none."""
        chunks = text.split() if text.isascii() else BLANKS.split(text)
        return " ".join(filter(None, map(self._look_up, chunks)))

    def normalize_many(self, texts: Sequence[str]) -> list[str]:
        """Return each text normalised, in order."""
        return [self.normalize(text) for text in texts]

    def normalize_chunk(self, chunk: str) -> str:
        """Return the words of a chunk that holds no ASCII blank."""
        options = self.options
        if options.mojibake and not chunk.isascii():
            chunk = repair_mojibake(chunk)
        if self._stem is not None:
            chunk = self._stem_letters(chunk, self._stem)
        plain = to_ascii(chunk)
        if options.elisions:
            plain = ELISIONS.sub(" ", plain)
        if options.sigles:
            plain = SIGLES.sub(_join_letters, plain)
        words = WORDS.findall(plain)
        if options.numbers == "mask":
            words = [NUMBERS.sub(MASK, word) for word in words]
        return " ".join(word for word in words if word not in self._stop_words)

    def _stem_letters(self, chunk: str, stem: Callable[[str], str]) -> str:
        """Replace runs of letters by their stems, accents still on: the stemmer needs them."""
        composed = unicodedata.normalize("NFC", chunk).casefold()
        return LETTERS.sub(lambda letters: stem(letters[0]), composed)

    def _find_stop_words(self) -> frozenset[str]:
        if self.options.stop_words == "keep":
            return frozenset()
        words = STOP_WORDS[self.options.language]
        stems = map(self._stem, words) if self._stem else words
        return frozenset(to_ascii(word) for word in stems)


def split_key(text: str) -> str:
    """Return what makes two texts the same one for a split: their letters and digits only.

    Fixed once and for all for a version; no option touches it.
    """
    return "".join(WORDS.findall(to_ascii(text)))


def to_ascii(text: str) -> str:
    """Return a text in lower-case ASCII, by unidecode's table, after NFKC."""
    if text.isascii():
        return text.lower()
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return text.translate(_ASCII)


def repair_mojibake(chunk: str) -> str:
    """Read again as UTF-8 what was read as CP1252 or Latin-1, as often as it was."""
    while MOJIBAKE_MARKS.search(chunk):
        repaired = _read_again(chunk)
        if repaired is None:
            return chunk
        chunk = repaired
    return chunk


def _read_again(chunk: str) -> str | None:
    try:
        return b"".join(map(_byte_of, chunk)).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


def _byte_of(char: str) -> bytes:
    """Return the byte that CP1252 shows as `char`; Latin-1's for the five that it leaves out."""
    try:
        return char.encode("cp1252")
    except UnicodeEncodeError:
        return char.encode("latin-1")


def _join_letters(sigle: re.Match[str]) -> str:
    return sigle[0].replace(".", "")


class _Ascii(dict[int, str]):
    """Lower-case ASCII of each code point, by unidecode, found when it is first met."""

    def __missing__(self, point: int) -> str:
        # Half of a surrogate pair is no character, and unidecode warns of it.
        plain = " " if 0xD800 <= point <= 0xDFFF else unidecode(chr(point)).lower()
        self[point] = plain
        return plain


_ASCII = _Ascii()


class _Memo(dict[str, str]):
    """What chunks became, up to a number of bytes; a full memo learns nothing more."""

    def __init__(self, normalize_chunk: Callable[[str], str], n_bytes: int) -> None:
        super().__init__()
        self._normalize_chunk = normalize_chunk
        self._n_bytes_left = n_bytes

    def __missing__(self, chunk: str) -> str:
        words = self._normalize_chunk(chunk)
        n_bytes = MEMO_ENTRY_BYTES + 4 * len(chunk) + len(words)
        if len(chunk) <= MEMO_CHUNK_CHARACTERS and n_bytes <= self._n_bytes_left:
            self._n_bytes_left -= n_bytes
            self[chunk] = words
        return words


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    """Return nltk's Snowball stemmer, without the import of scikit-learn that nltk makes."""
    hidden = "sklearn" not in sys.modules
    if hidden:
        sys.modules["sklearn"] = None  # type: ignore[assignment]
    try:
        from nltk.stem.snowball import SnowballStemmer
    finally:
        if hidden:
            del sys.modules["sklearn"]
    stem: Callable[[str], str] = SnowballStemmer(language).stem
    return stem
