"""Text: bring what a person wrote to its canonical form, words of a-z and 0-9 between blanks."""

import re
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from types import ModuleType
from typing import Any, Literal, Self

from unidecode import unidecode

from libelle.data.stop_words import STOP_WORDS
from libelle.errors import UsageError

NORMALIZER_VERSION = 1
SPLIT_KEY_VERSION = 1

MEMO_BYTES = 32 * 2**20
MEMO_CHUNK_CHARACTERS = 64
MEMO_ENTRY_BYTES = 200  # Of a dictionary's entry and its two strings, beside their characters.
STEM_CHARACTERS = 64  # No word is longer, and the stemmer's time grows as the square of the length.
# What `import nltk` loads that imports scikit-learn, and the name that it takes from it.
SKLEARN_BRIDGES = {
    "nltk.classify.scikitlearn": "SklearnClassifier",
    "nltk.parse.transitionparser": "TransitionParser",
}

BLANKS = re.compile("[\t-\r\x1c- ]+")
ELISIONS = re.compile(
    r"(?<![a-z0-9])(?:l|d|n|s|c|j|m|t|qu|jusqu|lorsqu|puisqu|quoiqu|quelqu)['`]+(?=[a-z0-9])"
)
SIGLES = re.compile(r"(?<![a-z0-9])[a-z](?:\.[a-z])+(?![a-z0-9])")
WORDS = re.compile("[a-z0-9]+")
NUMBERS = re.compile("[0-9]+")
LETTERS = re.compile(r"[^\W\d_]+")
MASK = "0"
# A canonical order or a composition never crosses an ASCII character from its left. The bound
# stops hostile runs of marks, which Unicode's ordering sorts in a time that grows as their square.
COMPOSABLE = re.compile("[\0-\x7f]?[^\0-\x7f]{1,128}")

CP1252_BYTES = {  # The five bytes that CP1252 leaves out are read as Latin-1 reads them.
    ord(char): byte
    for byte in range(0x80, 0xA0)
    if (char := bytes([byte]).decode("cp1252", errors="ignore"))
}
# What the first two bytes of a UTF-8 letter look like when they are read as CP1252 or Latin-1.
MOJIBAKE_MARKS = re.compile(f"[\u00c2-\u00f4][\u0080-\u00bf{''.join(map(chr, CP1252_BYTES))}]")
ROMAN_LETTERS = re.compile("[A-Za-z]")
# Letters out of Latin-1, Latin Extended-A and Additional, save the two that CP1252 has.
FOREIGN_LETTERS = re.compile(r"[^\W\d_\0-\u017f\u0192\u02c6\u1e00-\u1eff]")


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

    A text is cut at ASCII blanks, and each chunk becomes words by itself, in this order:

    1. mojibake repaired;
    2. stems, while the accents are still there;
    3. lower-case ASCII;
    4. elisions taken away, then sigles joined, then punctuation blanked;
    5. numbers masked;
    6. stop words dropped.

    No rule looks across a blank, so what a chunk becomes can be remembered; and each rule keeps
    words of a-z and 0-9 as they are (stems apart), so twice is once. What such rules cannot
    repair: an accent broken across a blank (`Ã` and a plain space for `à`), a sigle written with
    blanks (`S. A. R. L.` is four words).

    Parameters
    ----------
    options : NormalizerOptions
    memo_bytes : int
        Bound of what is remembered; a full memo begins again. No value changes an answer, 0
        remembers nothing. To warm a memo, normalise the words of a vocabulary.
    """

    def __init__(
        self, options: NormalizerOptions | None = None, *, memo_bytes: int = MEMO_BYTES
    ) -> None:
        self.options = options or NormalizerOptions()
        self._stem = _stemmer(self.options.language) if self.options.stemming else None
        dropped = STOP_WORDS[self.options.language] if self.options.stop_words == "drop" else ()
        self._stop_words = frozenset(dropped)
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
        if self.options.mojibake and not chunk.isascii():
            chunk = repair_mojibake(chunk)
        if self._stem is not None:
            chunk = LETTERS.sub(self._stem_word, compose(_with_apostrophes(chunk)).casefold())
        plain = to_ascii(_with_apostrophes(chunk))
        words = [plain] if plain.isalnum() else self._cut(plain)
        if self.options.numbers == "mask":
            words = [NUMBERS.sub(MASK, word) for word in words]
        if self._stop_words:
            words = [word for word in words if word not in self._stop_words]
        return " ".join(words)

    def _stem_word(self, letters: re.Match[str]) -> str:
        """Return a stem; but stop words stay whole, to be dropped, and no stem becomes one."""
        word = letters[0]
        if self._stem is None or len(word) > STEM_CHARACTERS:
            return word
        stem = self._stem(word)
        return stem if self._stop_words.isdisjoint((to_ascii(word), to_ascii(stem))) else word

    def _cut(self, plain: str) -> list[str]:
        """Return the words of lower-case ASCII, without elisions, each sigle in one word."""
        if self.options.elisions:
            plain = ELISIONS.sub(" ", plain)
        if self.options.sigles and "." in plain:
            plain = SIGLES.sub(_join_letters, plain)
        return WORDS.findall(plain)


def split_key(text: str) -> str:
    """Return what makes two texts the same one for a split: their letters and digits only.

    Fixed once and for all for a version; no option touches it.
    """
    return "".join(WORDS.findall(to_ascii(text)))


def to_ascii(text: str) -> str:
    """Return a text in lower-case ASCII: its NFKC form read in the table of unidecode."""
    return text.lower() if text.isascii() else compose(text).translate(_ASCII)


def compose(text: str) -> str:
    """Return the NFKC form of a text, in a time that grows as its length.

    A run of over 128 characters out of ASCII is composed in several pieces.
    """
    if unicodedata.is_normalized("NFKC", text):
        return text
    return COMPOSABLE.sub(lambda piece: unicodedata.normalize("NFKC", piece[0]), text)


def repair_mojibake(chunk: str) -> str:
    """Read again as UTF-8 what was read as CP1252 or Latin-1, as often as it was.

    A chunk is repaired whole or not at all, and never into a mix of alphabets: `CAFÉ…` happens to
    be the bytes of one, and is right as it is.
    """
    while MOJIBAKE_MARKS.search(chunk):
        repaired = _read_again(chunk)
        if repaired is None or _mixes_alphabets(repaired):
            return chunk
        chunk = repaired
    return chunk


def _read_again(chunk: str) -> str | None:
    try:
        return chunk.translate(CP1252_BYTES).encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


def _mixes_alphabets(chunk: str) -> bool:
    return bool(ROMAN_LETTERS.search(chunk) and FOREIGN_LETTERS.search(chunk))


def _with_apostrophes(chunk: str) -> str:
    """Return a chunk with apostrophes for its acute accents, of which NFKC would make blanks."""
    return chunk.replace("´", "'")


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
    """What chunks became, up to a number of bytes; a full memo forgets all and begins again."""

    def __init__(self, normalize_chunk: Callable[[str], str], n_bytes: int) -> None:
        super().__init__()
        self._normalize_chunk = normalize_chunk
        self._n_bytes = self._n_bytes_left = n_bytes

    def __missing__(self, chunk: str) -> str:
        words = self._normalize_chunk(chunk)
        if len(chunk) <= MEMO_CHUNK_CHARACTERS:
            self._remember(chunk, words)
        return words

    def _remember(self, chunk: str, words: str) -> None:
        n_bytes = MEMO_ENTRY_BYTES + 4 * len(chunk) + len(words)
        if n_bytes > self._n_bytes_left:
            self.clear()
            self._n_bytes_left = self._n_bytes
        if n_bytes <= self._n_bytes_left:
            self._n_bytes_left -= n_bytes
            self[chunk] = words


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    """Return nltk's Snowball stemmer, without the import of scikit-learn that nltk makes.

    Empty modules stand for nltk's bridges to scikit-learn during the import, then go: hiding
    `sklearn` itself would break what other threads import at that moment.
    """
    stand_ins = {name: ModuleType(name) for name in SKLEARN_BRIDGES}
    for name, stand_in in stand_ins.items():
        setattr(stand_in, SKLEARN_BRIDGES[name], None)
        sys.modules.setdefault(name, stand_in)
    try:
        from nltk.stem.snowball import SnowballStemmer
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
    stem: Callable[[str], str] = SnowballStemmer(language).stem
    return stem
