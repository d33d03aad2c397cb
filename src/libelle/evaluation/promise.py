"""Promise: whether what was promised of the automatic codes held on some coded texts."""

from enum import StrEnum

from libelle.bounds import error_rate_bound

DELTA = 0.05


class Outcome(StrEnum):
    """What some coded texts say of a promised share of errors."""

    CONFIRMED = "confirmed"  # The whole interval lies below the target.
    HELD = "held"  # The share seen does, the interval does not.
    UNCLEAR = "unclear"  # The share seen lies above, and chance may explain it.
    BROKEN = "broken"  # The whole interval lies above.
    UNTESTED = "untested"  # Nothing was promised, or nothing coded automatically.


def error_interval(n_errors: int, n_texts: int, *, delta: float = DELTA) -> tuple[float, float]:
    """Return the two-sided exact interval of the error rate that lies behind observed errors.

    Parameters
    ----------
    n_errors : int
    n_texts : int
        Independent texts looked at; 0 gives (0, 1).
    delta : float
        Probability, at most, that the true rate lies outside, half on each side.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26(4), 404-413.
    """
    if n_texts == 0:
        return 0.0, 1.0
    low = 1 - error_rate_bound(n_texts - n_errors, n_texts, delta=delta / 2)
    return low, error_rate_bound(n_errors, n_texts, delta=delta / 2)


def check_promise(
    n_errors: int, n_texts: int, *, target_error: float | None, delta: float = DELTA
) -> Outcome:
    """Say whether at most `target_error` of the texts coded automatically are wrong."""
    if target_error is None or n_texts == 0:
        return Outcome.UNTESTED
    low, high = error_interval(n_errors, n_texts, delta=delta)
    if high <= target_error:
        return Outcome.CONFIRMED
    if low > target_error:
        return Outcome.BROKEN
    return Outcome.HELD if n_errors / n_texts <= target_error else Outcome.UNCLEAR
