"""Profile: what many texts look like to a model, counted; no text, and nothing of a single one.

The profile of texts that the model never learnt from stands in the model, as the reference of
drift: today's texts are counted in the same way, and both are compared.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from libelle.errors import ModelError

PROFILE_VERSION = 1
REFERENCE = "reference"  # Where it stands in the manifest.
N_CONFIDENCE_BINS = 200
BINS_OF_A_DOUBLING, N_LENGTH_BINS = 4, 72  # Up to 200,000 characters.
MOST_WORDS = 64

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class WordSums(NamedTuple):
    """Sums, over texts, of their words w and of those the model never learnt, u.

    With their squares and products, the share of unknown words has its standard error although
    words of one text go together.
    """

    w: int = 0
    u: int = 0
    ww: int = 0
    uw: int = 0
    uu: int = 0

    @classmethod
    def of(cls, n_words: Ints, n_unknown_words: Ints) -> Self:
        """Sum up texts."""
        w, u = n_words, n_unknown_words
        return cls(*(int(column.sum()) for column in (w, u, w * w, u * w, u * u)))


@dataclass(frozen=True)
class Profile:
    """What distinct texts look like to a model.

    Attributes
    ----------
    n_texts : int
        Distinct texts, refused ones too.
    codes : mapping of str to int
        Texts by likeliest code; refused ones are left out.
    refusals : mapping of str to int
        Refused texts by reason.
    automatic : mapping of str to int
        Texts coded automatically under each threshold, by its identifier.
    confidences : tuple of int
        Texts that are not refused, in 200 bins of confidence from 0 to 1.
    right : tuple of int or None
        Those of each bin whose likeliest code is the true one; None where truth is not known.
    lengths : tuple of int
        All texts by number of characters: none, then bins that grow, four to a doubling.
    words : tuple of int
        All texts by number of words; 64 words and more together.
    word_sums : WordSums
    since, until : str or None
        Days of the first and of the last text, ISO 8601.
    """

    n_texts: int
    codes: Mapping[str, int]
    refusals: Mapping[str, int]
    automatic: Mapping[str, int]
    confidences: tuple[int, ...]
    right: tuple[int, ...] | None
    lengths: tuple[int, ...]
    words: tuple[int, ...]
    word_sums: WordSums
    since: str | None = None
    until: str | None = None

    @classmethod
    def of(
        cls,
        *,
        codes: Sequence[str | None],
        confidences: Floats,
        refusals: Sequence[str | None],
        n_characters: Ints,
        n_words: Ints,
        n_unknown_words: Ints,
        automatic: Mapping[str, Flags],
        right: Flags | None = None,
        days: Sequence[str] = (),
    ) -> Self:
        """Count distinct texts.

        Parameters
        ----------
        codes : sequence of str or None, shape (n_texts,)
            Likeliest ones.
        confidences : ndarray, shape (n_texts,)
        refusals : sequence of str or None, shape (n_texts,)
            Why each text is refused, None if it is not.
        n_characters, n_words, n_unknown_words : ndarray of int, shape (n_texts,)
        automatic : mapping of str to ndarray of bool, shape (n_texts,)
            By threshold, which texts are coded automatically.
        right : ndarray of bool, shape (n_texts,), or None
            Whether the likeliest code is the true one.
        days : sequence of str
            Of the texts that have one, ISO 8601.
        """
        answered = np.array([reason is None for reason in refusals], dtype=bool)
        bins = confidence_bins(confidences)
        return cls(
            n_texts=len(refusals),
            codes=_count(code for code, stands in zip(codes, answered, strict=True) if stands),
            refusals=_count(reason for reason in refusals if reason is not None),
            automatic={
                identifier: int((coded & answered).sum()) for identifier, coded in automatic.items()
            },
            confidences=_bin(bins[answered], N_CONFIDENCE_BINS),
            right=None if right is None else _bin(bins[answered & right], N_CONFIDENCE_BINS),
            lengths=_bin(_length_bins(n_characters), N_LENGTH_BINS),
            words=_bin(np.minimum(n_words, MOST_WORDS), MOST_WORDS + 1),
            word_sums=WordSums.of(n_words, n_unknown_words),
            since=min(days, default="")[:10] or None,
            until=max(days, default="")[:10] or None,
        )

    @property
    def n_refused(self) -> int:
        """Return how many texts are refused."""
        return sum(self.refusals.values())

    @property
    def n_answered(self) -> int:
        """Return how many texts are not refused."""
        return self.n_texts - self.n_refused

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as JSON values."""
        return {
            "profile_version": PROFILE_VERSION,
            **asdict(self),
            "word_sums": self.word_sums._asdict(),
            "confidences": list(self.confidences),
            "right": None if self.right is None else list(self.right),
            "lengths": list(self.lengths),
            "words": list(self.words),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises
        ------
        ModelError
            If it is of another version, or damaged.
        """
        if document.get("profile_version") != PROFILE_VERSION:
            raise ModelError(
                f"The profile has version {document.get('profile_version')!r}; this version of "
                f"libelle reads {PROFILE_VERSION}. Train the model again."
            )
        try:
            values = {field.name: document[field.name] for field in fields(cls)}
            for name in ("confidences", "right", "lengths", "words"):
                values[name] = None if values[name] is None else tuple(values[name])
            for name in ("codes", "refusals", "automatic"):
                values[name] = dict(values[name])
            profile = cls(**values | {"word_sums": WordSums(**values["word_sums"])})
            whole = sum(profile.confidences) == sum(profile.codes.values()) == profile.n_answered
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(_DAMAGED) from error
        if not whole or len(profile.confidences) != N_CONFIDENCE_BINS:
            raise ModelError(_DAMAGED)
        return profile


def read_reference(manifest: Mapping[str, Any]) -> Profile:
    """Return the reference of drift of a model.

    Raises
    ------
    ModelError
        If it has none: an older version made it.
    """
    document = manifest.get(REFERENCE)
    if document is None:
        raise ModelError(
            f"The model {manifest.get('name', '')!r} has no reference: nothing tells what its "
            "texts looked like when it was made, and nothing is guessed. Retrain it."
        )
    return Profile.from_dict(document)


def confidence_bins(confidences: Floats) -> Ints:
    """Return the bin of each confidence."""
    bins = np.floor(np.round(confidences * N_CONFIDENCE_BINS, 6)).astype(np.int64)
    return np.clip(bins, 0, N_CONFIDENCE_BINS - 1)


def _length_bins(n_characters: Ints) -> Ints:
    doublings = np.log2(np.maximum(n_characters, 1))
    bins = 1 + np.floor(BINS_OF_A_DOUBLING * doublings + 1e-9).astype(np.int64)
    return np.where(n_characters == 0, 0, np.minimum(bins, N_LENGTH_BINS - 1))


def _bin(bins: Ints, n_bins: int) -> tuple[int, ...]:
    return tuple(np.bincount(bins, minlength=n_bins).tolist())


def _count(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(map(str, values)).items()))


_DAMAGED = "The profile contradicts itself: the file is damaged. Train the model again."
