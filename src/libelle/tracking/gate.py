"""Gate: may a challenger take the place of the champion? Both answer the same coded texts.

Each check is a function of arrays or of numbers; the verdict is what they say together. Where
chance could decide, it is bounded: accuracy must be *shown* not to be worse than a margin; a
segment or a promise is held against the challenger only when it is *shown* to be worse.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom, norm

from libelle.decision import Guarantee, GuaranteeStatus
from libelle.evaluation import expected_calibration_error, mcnemar_p_value

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

SMALL_SEGMENTS = "(small segments, together)"
STATUS_ORDER = (GuaranteeStatus.NONE, GuaranteeStatus.INDICATIVE, GuaranteeStatus.GUARANTEED)
N_SHARES, N_HALVINGS, TINY = 60, 20, 1e-5


@dataclass(frozen=True)
class Limits:
    """What the gate lets through.

    Attributes
    ----------
    margin : float
        Accuracy that a challenger may lose at most.
    alpha : float
        Probability that chance lets a worse challenger through; or, over all segments, stops one
        that is not worse.
    segment_margin : float
        Accuracy that a segment may lose at most.
    segment_least_texts : int
        Smaller segments are looked at together.
    coverage_margin : float
        Share of automatic answers that may be lost.
    ece_margin : float
        Expected calibration error that may be added.
    latency_ratio, size_ratio : float
        How many times slower, or larger.
    latency_seconds, size_bytes
        What is quick or small enough whatever the ratio.
    """

    margin: float = 0.01
    alpha: float = 0.05
    segment_margin: float = 0.03
    segment_least_texts: int = 50
    coverage_margin: float = 0.02
    ece_margin: float = 0.02
    latency_ratio: float = 2.0
    latency_seconds: float = 0.002
    size_ratio: float = 2.0
    size_bytes: int = 20_000_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Answers:
    """What one model answered to the texts, and what it costs.

    Attributes
    ----------
    right, answered, automatic : ndarray of bool, shape (n_texts,)
        The first candidate is the true code; the text was not refused; it is coded automatically.
    confidences : ndarray of float, shape (n_texts,)
    guarantee : Guarantee
        The active promise.
    golden : bool
        It answers its golden texts as when it was made.
    seconds : float
        Median time of one text.
    n_bytes : int
        Size of its folder.
    """

    right: Bools
    answered: Bools
    automatic: Bools
    confidences: Floats
    guarantee: Guarantee
    golden: bool
    seconds: float
    n_bytes: int


@dataclass(frozen=True)
class Check:
    """One check: what was measured, what it may be, and why in one sentence."""

    name: str
    passed: bool
    value: float | str | None
    limit: float | str | None
    why: str

    def line(self) -> str:
        """Return the check in words."""
        return f"  {'pass' if self.passed else 'FAIL'}  {self.name:<12} {self.why}"


@dataclass(frozen=True)
class Segment:
    """How both models fare on a part of the texts."""

    name: str
    n_texts: int
    champion: float
    challenger: float
    p_value: float
    worse: bool


def judge(
    challenger: Answers,
    champion: Answers,
    segments: Sequence[str],
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[list[Check], list[Segment]]:
    """Compare a challenger with a champion on the same texts, one segment a text."""
    table = compare_segments(challenger.right, champion.right, segments, limits=limits)
    checks = [
        check_accuracy(challenger.right, champion.right, limits=limits),
        check_segments(table, limits=limits),
        check_guarantee(challenger.guarantee, champion.guarantee),
        check_promise(challenger.right, challenger.automatic, challenger.guarantee, limits=limits),
        check_coverage(challenger.automatic, champion.automatic, limits=limits),
        check_calibration(challenger, champion, limits=limits),
        check_golden(challenger.golden),
        check_latency(challenger.seconds, champion.seconds, limits=limits),
        check_size(challenger.n_bytes, champion.n_bytes, limits=limits),
    ]
    return checks, table


def check_accuracy(challenger: Bools, champion: Bools, *, limits: Limits = DEFAULT_LIMITS) -> Check:
    """Check that the challenger is not less accurate than the margin allows, text by text.

    It passes when the exact lower bound of the difference lies above minus the margin.
    """
    n_texts = len(challenger)
    n_gained, n_lost = _discordant(challenger, champion)
    bound = difference_bound(n_gained, n_lost, n_texts, alpha=limits.alpha)
    difference = (n_gained - n_lost) / n_texts
    passed = bound >= -limits.margin
    p_value = mcnemar_p_value(n_gained, n_lost)
    why = (
        f"accuracy {champion.mean():.3f} → {challenger.mean():.3f} on {n_texts:,} texts: {n_gained}"
        f" gained, {n_lost} lost (exact McNemar p = {p_value:.2g}); with {1 - limits.alpha:.0%} "
        f"confidence the difference is above {bound:+.4f}, {-limits.margin:+.4f} is asked for"
    )
    if not passed:
        why += _advise_more_texts(n_gained, n_lost, n_texts, limits)
    return Check("accuracy", passed, bound, -limits.margin, f"{why}. Observed: {difference:+.4f}.")


def compare_segments(
    challenger: Bools,
    champion: Bools,
    segments: Sequence[str],
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Segment]:
    """Compare both models on each segment, the greatest loss first.

    A segment is worse when it lost more than the margin, and when chance is excluded: one-sided
    exact McNemar tests, with Holm's correction over the segments. Segments of fewer texts than
    `segment_least_texts` are one segment together.

    References
    ----------
    McNemar (1947), Psychometrika 12(2), 153-157. Holm (1979), Scand. J. Statistics 6(2), 65-70.
    """
    names, numbers = np.unique(_pool_small(segments, limits), return_inverse=True)
    parts = [numbers == number for number in range(len(names))]
    pairs = [_discordant(challenger[part], champion[part]) for part in parts]
    p_values = [float(binom.cdf(gained, gained + lost, 0.5)) for gained, lost in pairs]
    shown = holm(p_values, alpha=limits.alpha)
    table = []
    for name, part, p_value, is_shown in zip(names, parts, p_values, shown, strict=True):
        before, after = float(champion[part].mean()), float(challenger[part].mean())
        worse = bool(is_shown and before - after > limits.segment_margin)
        table.append(Segment(str(name), int(part.sum()), before, after, p_value, worse))
    return sorted(table, key=lambda segment: (segment.challenger - segment.champion, segment.name))


def check_segments(table: Sequence[Segment], *, limits: Limits = DEFAULT_LIMITS) -> Check:
    """Check that no segment is worse, as `compare_segments` says."""
    worse = [segment for segment in table if segment.worse]
    names = ", ".join(
        f"{one.name} {one.champion:.3f} → {one.challenger:.3f} ({one.n_texts})" for one in worse[:5]
    )
    worst = min(segment.challenger - segment.champion for segment in table)
    found = (
        f"{len(worse)} of {len(table)} segments are worse: {names}"
        if worse
        else (f"none of {len(table)} segments is worse")
    )
    rule = (
        f"worse: more than {limits.segment_margin:g} lost, and not by chance (McNemar, Holm, "
        f"{limits.alpha:.0%} over all); under {limits.segment_least_texts} texts, taken together"
    )
    return Check("segments", not worse, worst, -limits.segment_margin, f"{found} ({rule}).")


def check_guarantee(challenger: Guarantee, champion: Guarantee) -> Check:
    """Check that the promise is at least as good: its status, then its target error and delta."""
    ranks = [_rank(promise.status) for promise in (challenger, champion)]
    value, limit = _promise_words(challenger), _promise_words(champion)
    complaints = []
    if ranks[0] < ranks[1]:
        complaints.append("its status is lower")
    if ranks[1] > 0 and _is_over(challenger.target_error, champion.target_error):
        complaints.append("it promises more errors")
    if ranks[0] == ranks[1] > 0 and _is_over(challenger.delta, champion.delta):
        complaints.append("it promises with less confidence")
    verdict = "; ".join(complaints) or "at least as good"
    return Check("guarantee", not complaints, value, limit, f"{limit} → {value}: {verdict}.")


def check_promise(
    right: Bools, automatic: Bools, guarantee: Guarantee, *, limits: Limits = DEFAULT_LIMITS
) -> Check:
    """Check that these texts do not refute the challenger's own promise (exact binomial test)."""
    n_automatic, target = int(automatic.sum()), guarantee.target_error
    if target is None or n_automatic == 0:
        return Check("promise", True, None, target, "nothing is automatic, or nothing is promised.")
    n_errors = int((automatic & ~right).sum())
    p_value = float(binom.sf(n_errors - 1, n_automatic, target))
    passed = p_value > limits.alpha
    why = (
        f"{n_errors} of {n_automatic:,} automatic answers are wrong, at most {target:.1%} promised:"
        f" {'compatible' if passed else 'refuted'} (p = {p_value:.2g})."
    )
    return Check("promise", passed, n_errors / n_automatic, target, why)


def check_coverage(challenger: Bools, champion: Bools, *, limits: Limits = DEFAULT_LIMITS) -> Check:
    """Check that about as much is automatic as before."""
    before, after = float(champion.mean()), float(challenger.mean())
    limit = max(0.0, before - limits.coverage_margin)
    why = f"automatic {before:.1%} → {after:.1%}, at least {limit:.1%} asked for."
    return Check("coverage", after >= limit, after, limit, why)


def check_calibration(
    challenger: Answers, champion: Answers, *, limits: Limits = DEFAULT_LIMITS
) -> Check:
    """Check that confidences are about as honest as before, over the texts not refused."""
    before, after = (_calibration_error(answers) for answers in (champion, challenger))
    limit = before + limits.ece_margin
    why = f"calibration error {before:.3f} → {after:.3f}, at most {limit:.3f} asked for."
    return Check("calibration", after <= limit, after, limit, why)


def check_golden(golden: bool) -> Check:
    """Check that the challenger answers its golden texts as when it was made."""
    why = "golden texts are answered as when the model was made."
    return Check("golden", golden, str(golden).lower(), "true", why if golden else f"not all {why}")


def check_latency(challenger: float, champion: float, *, limits: Limits = DEFAULT_LIMITS) -> Check:
    """Check that a text takes no longer than it may."""
    limit = max(limits.latency_seconds, limits.latency_ratio * champion)
    why = (
        f"{1000 * champion:.2f} → {1000 * challenger:.2f} ms for one text, "
        f"at most {1000 * limit:.2f} asked for."
    )
    return Check("latency", challenger <= limit, challenger, limit, why)


def check_size(challenger: int, champion: int, *, limits: Limits = DEFAULT_LIMITS) -> Check:
    """Check that the model is no larger on disk than it may be."""
    limit = max(float(limits.size_bytes), limits.size_ratio * champion)
    why = (
        f"{champion / 1e6:.1f} → {challenger / 1e6:.1f} MB on disk, "
        f"at most {limit / 1e6:.1f} asked for."
    )
    return Check("size", challenger <= limit, float(challenger), limit, why)


def difference_bound(n_gained: int, n_lost: int, n_texts: int, *, alpha: float) -> float:
    """Bound from below the difference of two accuracies measured on the same texts.

    Tango's score orders the outcomes; the probability of those at least as good for the challenger
    is computed exactly, and taken at the worst of the plausible shares of lost texts.

    Parameters
    ----------
    n_gained, n_lost : int
        Texts that only the challenger, only the champion answers rightly.
    n_texts : int
        Texts that both answered.
    alpha : float
        Probability that the true difference lies below the bound.

    References
    ----------
    Tango (1998), Statistics in Medicine 17(8), 891-908. Sidik (2003), Statistics in Medicine 22(2),
    265-278. Berger and Boos (1994), J. American Statistical Association 89(427), 1012-1016.
    """
    low, high = -1.0, (n_gained - n_lost) / n_texts
    for _ in range(N_HALVINGS):
        middle = (low + high) / 2
        excluded = _p_value_of_difference(n_gained, n_lost, n_texts, difference=middle) <= alpha
        low, high = (middle, high) if excluded else (low, middle)
    return low


def holm(p_values: Sequence[float], *, alpha: float) -> list[bool]:
    """Tell which hypotheses Holm's procedure rejects, at most one wrongly with probability alpha.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6(2), 65-70.
    """
    rejected = [False] * len(p_values)
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[place] > alpha / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected


def _p_value_of_difference(n_gained: int, n_lost: int, n_texts: int, *, difference: float) -> float:
    """Return the largest probability, when the true difference is this one, of so good an outcome.

    Of each number of lost texts, the outcomes as good begin at a number of gained ones. Shares of
    lost texts that the outcome itself excludes are not looked at, for the price of `TINY`.
    """
    observed = float(_score(np.array(n_gained), np.array(n_lost), n_texts, difference))
    plausible = _interval(n_lost, n_texts, alpha=TINY)
    least, most = max(-difference, plausible[0]), min((1 - difference) / 2, plausible[1])
    if least >= most:
        return TINY
    shares = np.linspace(least, most, N_SHARES)
    ends = binom.ppf([TINY / 1000, 1 - TINY / 1000], n_texts, [least, most])
    lost = np.arange(int(ends[0]), int(ends[1]) + 1)
    enough = _least_gained(lost, n_texts, difference, observed)
    of_rest = ((shares + difference) / (1 - shares)).clip(0, 1)
    gains = binom.sf(enough - 1, n_texts - lost, of_rest[:, None])
    chances = (binom.pmf(lost, n_texts, shares[:, None]) * gains).sum(axis=1)
    return float(chances.max()) + TINY


def _interval(n_events: int, n_texts: int, *, alpha: float) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson (1934) of a share."""
    rest = n_texts - n_events
    low = float(beta.ppf(alpha / 2, n_events, rest + 1)) if n_events else 0.0
    high = float(beta.ppf(1 - alpha / 2, n_events + 1, rest)) if rest else 1.0
    return low, high


def _least_gained(
    lost: NDArray[np.int64], n_texts: int, difference: float, observed: float
) -> NDArray[np.int64]:
    """Return, for each number of lost texts, the least number of gained ones that is as good."""
    low, high = np.zeros_like(lost), n_texts - lost + 1
    while (low < high).any():
        middle = (low + high) // 2
        good = _score(middle, lost, n_texts, difference) >= observed - 1e-9
        low, high = np.where(good, low, middle + 1), np.where(good, middle, high)
        high = np.maximum(low, high)
    return low


def _score(
    gained: NDArray[np.int64], lost: NDArray[np.int64], n_texts: int, difference: float
) -> Floats:
    """Return Tango's score of outcomes, under a difference of accuracies."""
    a = 2 * n_texts
    b = (2 * n_texts - gained + lost) * difference - gained - lost
    c = -lost * difference * (1 - difference)
    share = (np.sqrt(np.maximum(b * b - 4 * a * c, 0)) - b) / (2 * a)
    variance = n_texts * (2 * share + difference * (1 - difference))
    deviation = gained - lost - n_texts * difference
    score: Floats = deviation / np.sqrt(np.maximum(variance, 1e-12))
    return score


def _discordant(challenger: Bools, champion: Bools) -> tuple[int, int]:
    """Return how many texts only the challenger, only the champion answers rightly."""
    return int((challenger & ~champion).sum()), int((champion & ~challenger).sum())


def _advise_more_texts(n_gained: int, n_lost: int, n_texts: int, limits: Limits) -> str:
    """Say how many texts would show it, if what was seen of them is what more would show."""
    difference = (n_gained - n_lost) / n_texts
    room = difference + limits.margin
    if room <= 0:
        return "; more texts would not help"
    variance = (n_gained + n_lost) / n_texts - difference**2
    needed = variance * (float(norm.ppf(1 - limits.alpha)) / room) ** 2
    return f"; about {max(needed, n_texts + 1):,.0f} texts would be needed to show it"


def _pool_small(segments: Sequence[str], limits: Limits) -> NDArray[np.str_]:
    names, numbers, counts = np.unique(
        np.asarray(segments, dtype=str), return_inverse=True, return_counts=True
    )
    pooled = [
        str(name) if count >= limits.segment_least_texts else SMALL_SEGMENTS
        for name, count in zip(names, counts, strict=True)
    ]
    return np.asarray(pooled, dtype=str)[numbers]


def _rank(status: GuaranteeStatus) -> int:
    """Return the place of a status; a suspended promise is worth none."""
    return STATUS_ORDER.index(status) if status in STATUS_ORDER else 0


def _is_over(value: float | None, limit: float | None) -> bool:
    return limit is not None and (value is None or value > limit + 1e-12)


def _promise_words(guarantee: Guarantee) -> str:
    if guarantee.target_error is None:
        return str(guarantee.status)
    delta = "" if guarantee.delta is None else f", delta {guarantee.delta:.3g}"
    return f"{guarantee.status} (at most {guarantee.target_error:.1%} wrong{delta})"


def _calibration_error(answers: Answers) -> float:
    answered = answers.answered
    if not answered.any():
        return 1.0
    return expected_calibration_error(answers.confidences[answered], answers.right[answered])


def describe(checks: Sequence[Check], table: Sequence[Segment]) -> dict[str, Any]:
    """Return checks and segments as JSON values."""
    return {
        "passed": all(check.passed for check in checks),
        "checks": [asdict(check) for check in checks],
        "segments": [asdict(segment) for segment in table],
    }
