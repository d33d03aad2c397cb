"""Comparisons: whether two profiles differ, and how much; one is not the other.

A p-value says whether a difference is real: with millions of texts, each one is. Its size says
whether it matters. Measured on hundreds of codes (STACK §4): usual rules on the size alone (PSI
above 0.1, Jensen-Shannon above 0.1) raise a false alarm every time, these tests as often as stated.

References
----------
Kolmogorov (1933); Smirnov (1939), for two samples. Binned values make the test conservative.
Pearson (1900), chi-square; Cochran (1954), Some methods for strengthening the common chi-square
tests, Biometrics 10(4): rare classes are pooled until 5 texts are expected in each.
Przyborowski and Wilenski (1940), Homogeneity of results in testing samples from Poisson series,
Biometrika 31(3), for one class.
Lin (1991), Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37(1).
Cochran (1977), Sampling techniques, chapter 6: variance of a ratio.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binom, chi2, kstwobign, norm

from libelle.profile import Floats, Profile, WordSums

LEAST_EXPECTED = 5.0


@dataclass(frozen=True)
class Comparison:
    """A difference between a reference and what is current.

    Attributes
    ----------
    name : str
        What was compared.
    p_value : float
    size : float
        In the unit of `size_kind`.
    size_kind : str
    before, after : float or None
        What a reader looks at: a mean, a share.
    """

    name: str
    p_value: float
    size: float
    size_kind: str
    before: float | None = None
    after: float | None = None


def compare_confidences(reference: Profile, current: Profile) -> Comparison:
    """Compare confidences; what is shown is their mean."""
    p_value, distance = kolmogorov_smirnov(reference.confidences, current.confidences)
    middles = (np.arange(len(reference.confidences)) + 0.5) / len(reference.confidences)
    means = [_mean(profile.confidences, middles) for profile in (reference, current)]
    return Comparison("confidence", p_value, distance, "kolmogorov_smirnov", *means)


def compare_lengths(reference: Profile, current: Profile) -> Comparison:
    """Compare lengths; what is shown is the mean number of words."""
    p_value, distance = kolmogorov_smirnov(reference.lengths, current.lengths)
    means = [
        profile.word_sums.w / profile.n_texts if profile.n_texts else None
        for profile in (reference, current)
    ]
    return Comparison("length", p_value, distance, "kolmogorov_smirnov", *means)


def compare_unknown_words(reference: Profile, current: Profile) -> Comparison:
    """Compare shares of unknown words; words of one text go together, and texts are independent."""
    profiles = (reference, current)
    before, after = (one.word_sums.u / max(1, one.word_sums.w) for one in profiles)
    error = _standard_error_of_unknown(*profiles)
    p_value = float(2 * norm.sf(abs(after - before) / error)) if error > 0 else 1.0
    return Comparison(
        "unknown_words", p_value, abs(after - before), "difference_of_shares", before, after
    )


def compare_codes(reference: Profile, current: Profile) -> Comparison:
    """Compare the mix of likeliest codes, as a whole and code by code.

    The chi-square of all codes, rare ones pooled, sees many small changes; the surest change of a
    single code, times the number of codes, sees a new one. The lower of both counts double.
    """
    cells = pool(reference.codes, current.codes)
    names = sorted({*reference.codes, *current.codes})
    before, after = ([one.codes.get(name, 0) for name in names] for one in (reference, current))
    singles = exact_p_values(before, after, (reference.n_answered, current.n_answered))
    least = min(chi_square(cells), len(names) * float(singles.min(initial=1.0)))
    return Comparison(
        "codes", min(1.0, 2 * least), jensen_shannon(cells), "jensen_shannon_distance"
    )


def compare_refusals(reference: Profile, current: Profile) -> Comparison:
    """Compare refusals and their reasons; what is shown is the share of refused texts."""
    counts = [{"": profile.n_answered, **profile.refusals} for profile in (reference, current)]
    cells = pool(*counts)
    shares = cells / np.maximum(1, cells.sum(axis=1, keepdims=True))
    size = float(np.abs(shares[0] - shares[1]).sum() / 2)
    refused = [profile.n_refused / max(1, profile.n_texts) for profile in (reference, current)]
    return Comparison("refusals", chi_square(cells), size, "total_variation", *refused)


def compare_decisions(reference: Profile, current: Profile) -> Comparison | None:
    """Compare automatic shares of texts not refused; None when their thresholds differ."""
    common = set(reference.automatic) & set(current.automatic)
    if len(common) != 1:
        return None
    [identifier] = common
    profiles = (reference, current)
    cells = np.array(
        [
            [one.automatic[identifier], one.n_answered - one.automatic[identifier]]
            for one in profiles
        ],
        dtype=np.float64,
    )
    before, after = (cells[:, 0] / np.maximum(1, cells.sum(axis=1))).tolist()
    p_value = chi_square(cells)
    return Comparison(
        "decisions", p_value, abs(after - before), "difference_of_shares", before, after
    )


def kolmogorov_smirnov(before: Sequence[int], after: Sequence[int]) -> tuple[float, float]:
    """Return the p-value and the largest distance between two binned distributions."""
    n_before, n_after = sum(before), sum(after)
    if not n_before or not n_after:
        return 1.0, 0.0
    distances = np.cumsum(before) / n_before - np.cumsum(after) / n_after
    distance = float(np.abs(distances).max())
    scale = np.sqrt(n_before * n_after / (n_before + n_after))
    return float(kstwobign.sf(scale * distance)), distance


def pool(before: Mapping[str, int], after: Mapping[str, int]) -> Floats:
    """Return counts of both, shape (2, n_cells), with rare classes put together."""
    names = sorted({*before, *after})
    counts = np.array([[one.get(name, 0) for name in names] for one in (before, after)], float)
    if not counts.size:
        return counts
    expected = counts.sum(axis=0) * counts.sum(axis=1).min() / max(1.0, counts.sum())
    rare = expected < LEAST_EXPECTED
    cells, pooled = counts[:, ~rare], counts[:, rare].sum(axis=1, keepdims=True)
    if not rare.any():
        return counts
    if expected[rare].sum() >= LEAST_EXPECTED or not cells.shape[1]:
        return np.hstack([cells, pooled])
    smallest = cells.sum(axis=0).argmin()
    cells[:, smallest] += pooled[:, 0]
    return cells


def chi_square(cells: Floats) -> float:
    """Return the p-value of two rows of counts having the same law."""
    cells = cells[:, cells.sum(axis=0) > 0]
    if cells.shape[1] < 2 or (cells.sum(axis=1) == 0).any():
        return 1.0
    expected = np.outer(cells.sum(axis=1), cells.sum(axis=0)) / cells.sum()
    statistic = ((cells - expected) ** 2 / expected).sum()
    return float(chi2.sf(statistic, cells.shape[1] - 1))


def exact_p_values(before: Sequence[int], after: Sequence[int], totals: tuple[int, int]) -> Floats:
    """Return, of each class, the p-value of its two shares being one, both sides.

    Given how many texts of both have a class, those of the second are binomial when the class is
    rare, and spread less when it is not: the test is then conservative.
    """
    n_before, n_after = np.array(before, dtype=np.int64), np.array(after, dtype=np.int64)
    law = binom(n_before + n_after, totals[1] / max(1, sum(totals)))
    sides: Floats = np.minimum(law.cdf(n_after), law.sf(n_after - 1))
    return np.minimum(1.0, 2 * sides)


def jensen_shannon(cells: Floats) -> float:
    """Return the Jensen-Shannon distance, in [0, 1], less what chance alone makes of it.

    Between two samples of one law the divergence is, to first order, an eighth of the chi-square
    statistic with n1 n2 / (n1 + n2) taken out: (cells - 1) (1/n1 + 1/n2) / 8 on average, in nats.
    """
    totals = cells.sum(axis=1, keepdims=True)
    if cells.shape[1] < 2 or (totals == 0).any():
        return 0.0
    shares = cells / totals
    middle = np.broadcast_to(shares.mean(axis=0), shares.shape)
    stands = shares > 0
    divergence = (shares[stands] * np.log(shares[stands] / middle[stands])).sum() / 2
    by_chance = (cells.shape[1] - 1) * (1 / totals).sum() / 8
    return float(np.sqrt(max(0.0, divergence - by_chance) / np.log(2)))


def _standard_error_of_unknown(before: Profile, after: Profile) -> float:
    """Return the standard error of a difference of shares between texts of one law."""
    pairs = zip(before.word_sums, after.word_sums, strict=True)
    sums = WordSums(*(one + other for one, other in pairs))
    n_texts = (before.n_texts, after.n_texts)
    if not sums.w or not min(n_texts):
        return 0.0
    share, n_words = sums.u / sums.w, sums.w / sum(n_texts)
    residuals = (sums.uu - 2 * share * sums.uw + share**2 * sums.ww) / sum(n_texts)
    return float(np.sqrt(max(0.0, residuals) * sum(1 / n for n in n_texts)) / n_words)


def _mean(counts: Sequence[int], middles: Any) -> float | None:
    return float(np.dot(counts, middles) / sum(counts)) if sum(counts) else None
