"""Sampling: texts drawn at random for a person to judge, each with a known probability.

Each text has a clock that rings once, at a random time: exponential, with a rate that the text's
stratum gives. Texts are drawn in the order in which their clocks ring. Then

- whichever the texts drawn before, the next one is text i with a probability proportional to its
  rate, among those left (exponential times have no memory): this is what `evidence` needs;
- the m texts first drawn include text i with probability 1 - exp(-rate_i · T), where T is the time
  of the next ring; weights 1 / probability give estimates without bias for any m fixed beforehand,
  and uncorrelated terms (Cohen and Kaplan). An audit stopped halfway is thus a proper sample.

A log that keeps texts by chance is a first draw, of probability p for a text. The clock of a text
that was kept is drawn as one known to ring before -log(1 - p) / rate, which happens with that very
probability: over both draws it is an exponential clock again. Clocks of texts that were not kept
are unknown, but ring later than the earliest of these limits, where the draw ends.

Half of the draw is for all texts alike, half for those in doubt: in each stratum (band of
confidence, code), as many as the standard deviation that the mean confidence lets expect (Neyman).
No weight is then larger than two.

References
----------
Efraimidis and Spirakis (2006), Weighted random sampling with a reservoir, Information Processing
Letters 97(5). Cohen and Kaplan (2008), Tighter estimation using bottom k sketches, VLDB.
Neyman (1934), On the two different aspects of the representative method, JRSS 97(4).
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from libelle.errors import UsageError
from libelle.monitoring.audit.population import (
    Floats,
    Population,
    TextSource,
    find_populations,
)

DOUBTFUL_SHARE = 0.5
BANDS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
LEAST_TEXTS_OF_CODE = 50
OTHER_CODES = "other"
LEAST_ERROR = 0.005  # A stratum of perfect confidence is looked at too.
KEPT_COLUMNS = (
    "prediction_id",
    "id",
    "received_at",
    "model_digest",
    "threshold_id",
    "target_error",
    "top_code",
    "confidence",
    "text_probability",
    "text",
    "text_kind",
)


def draw(
    rows: pa.Table,
    *,
    n_automatic: int,
    n_review: int,
    seed: int,
    texts: TextSource = "log",
    doubtful_share: float = DOUBTFUL_SHARE,
) -> pa.Table:
    """Draw distinct texts to judge, among those coded automatically and those under review.

    Parameters
    ----------
    rows : Table
        Of the prediction log: the period that the audit speaks of, one model, one threshold.
    n_automatic, n_review : int
        How many texts of each; fewer are drawn where fewer can be.
    seed : int
        The same rows and seed give the same texts; another seed after a look voids the audit.
    texts : {"log", "caller"}
        Whether the text must stand in the log, or will be found by the caller's `id`.
    doubtful_share : float
        In [0, 1): of the draw, what goes to texts in doubt rather than to all alike.

    Returns
    -------
    Table
        A row for each text drawn: `arm`, then `position` in the order to judge in; columns of the
        log; `stratum`; `probability` of this draw (times `text_probability`, that of inclusion,
        when `texts` is "log"; alone otherwise: `text_probability` is then one); and what `estimate`
        needs: `rate`, `least_rate`, `rings_at`, `ends_at`, `n_population`, `n_out_of_reach`.

    Raises
    ------
    UsageError
        If the rows are of several models or thresholds, if the log keeps no text, or if a number
        cannot be.
    """
    if not 0 <= doubtful_share < 1 or min(n_automatic, n_review) < 0:
        raise UsageError(
            f"A draw of {n_automatic} and {n_review} texts, {doubtful_share} of them in doubt, "
            "cannot be made. Give numbers of texts from 0, and a share from 0 to less than 1."
        )
    populations = find_populations(rows, texts=texts)
    generators = np.random.default_rng(seed).spawn(len(populations))
    samples = [
        _draw_arm(population, n_texts, doubtful_share, generator)
        for population, n_texts, generator in zip(
            populations, (n_automatic, n_review), generators, strict=True
        )
    ]
    return pa.concat_tables(samples)


def inclusion_probabilities(rates: Floats, ends_at: float) -> Floats:
    """Return the probability that each clock rings before the draw ends."""
    probabilities: Floats = -np.expm1(-rates * ends_at)
    return probabilities


def find_strata(confidences: Floats, codes: Sequence[str]) -> list[str]:
    """Return the stratum of each text: its band of confidence, and its code unless it is rare."""
    n_texts = Counter(codes)
    bands = np.clip(np.searchsorted(BANDS, confidences, side="right") - 1, 0, len(BANDS) - 2)
    names = [f"{low:g}-{high:g}" for low, high in pairwise(BANDS)]
    return [
        f"{names[band]} {code if n_texts[code] >= LEAST_TEXTS_OF_CODE else OTHER_CODES}"
        for band, code in zip(bands.tolist(), codes, strict=True)
    ]


def clock_rates(confidences: Floats, strata: Sequence[str], *, doubtful_share: float) -> Floats:
    """Return the rate of each text's clock; rates sum to one."""
    _, places = np.unique(np.array(strata, dtype=object).astype(str), return_inverse=True)
    means = np.bincount(places, weights=confidences) / np.bincount(places)
    errors = np.clip(1 - means, LEAST_ERROR, 0.5)
    deviations = np.sqrt(errors * (1 - errors))[places]
    alike = np.full(len(strata), 1 / max(1, len(strata)))
    rates: Floats = (1 - doubtful_share) * alike + doubtful_share * deviations / deviations.sum()
    return rates


def _draw_arm(
    population: Population, n_texts: int, doubtful_share: float, generator: np.random.Generator
) -> pa.Table:
    confidences, codes = population.confidences, population.codes
    strata = find_strata(confidences, codes)
    rates = clock_rates(confidences, strata, doubtful_share=doubtful_share)
    rings = _ring(population, rates, generator)
    limit = _limit(population.keeping, rates)
    order = np.argsort(rings, kind="stable")
    heard = order[rings[order] < limit]
    drawn = heard[:n_texts]
    # The draw ends when the next clock rings; without a next one, where clocks stop being known.
    ends_at = float(rings[heard[n_texts]]) if len(heard) > n_texts else limit
    included = inclusion_probabilities(rates[drawn], ends_at)
    columns: dict[str, pa.Array] = {
        "arm": pa.array([population.arm.value] * len(drawn), pa.string()),
        "position": pa.array(np.arange(len(drawn))),
        "stratum": pa.array([strata[row] for row in drawn.tolist()], pa.string()),
        "probability": pa.array(included / population.keeping[drawn]),
        "rate": pa.array(rates[drawn]),
        "least_rate": _repeat(rates.min(initial=1.0), drawn),
        "rings_at": pa.array(rings[drawn]),
        "ends_at": _repeat(ends_at, drawn),
        "n_population": pa.array([len(rates)] * len(drawn), pa.int64()),
        "n_out_of_reach": pa.array([population.n_out_of_reach] * len(drawn), pa.int64()),
    }
    taken = population.rows.select(KEPT_COLUMNS).take(pa.array(drawn))
    place = taken.schema.get_field_index("text_probability")
    keeping = pa.array(population.keeping[drawn])
    taken = taken.set_column(place, "text_probability", keeping).combine_chunks()
    return pa.table(columns | dict(zip(taken.column_names, taken.columns, strict=True)))


def _ring(population: Population, rates: Floats, generator: np.random.Generator) -> Floats:
    """Return when each clock rings; never for a text that cannot be read."""
    chances = generator.random(len(rates))
    times = -np.log1p(-chances * population.keeping) / rates
    rings: Floats = np.where(population.readable, times, np.inf)
    return rings


def _limit(keeping: Floats, rates: Floats) -> float:
    """Return the time after which a text that was not kept may have rung."""
    by_chance = keeping < 1
    limits = -np.log1p(-keeping[by_chance]) / rates[by_chance]
    return float(limits.min(initial=np.inf))


def _repeat(value: float, drawn: NDArray[np.int64]) -> pa.Array:
    return pa.array(np.full(len(drawn), value))
