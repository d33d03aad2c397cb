"""Windows of two periods: as many rows of the one as of the other, and the same ones again."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libelle.monitoring.drift.windows import make_windows
from tests.monitoring.rows import FIRST_DAY, make_log, with_column

LATER = FIRST_DAY + timedelta(days=28)
N_TEXTS, MOST_MORE = 300, 12


def make_period(n_rows, seed, *, n_days=28, first_day=FIRST_DAY):
    """Return rows of a period where texts repeat."""
    generator = np.random.default_rng(seed)
    rows = make_log(n_rows, generator, n_days=n_days, first_day=first_day)
    texts = [f"text {number}" for number in generator.integers(0, N_TEXTS, n_rows)]
    return with_column(rows, "text_hash", texts)


@pytest.fixture(scope="module")
def periods():
    """A long period and a short one, each with a few rows to spare."""
    return make_period(900 + MOST_MORE, 0), make_period(400 + MOST_MORE, 1, first_day=LATER)


def kept_in(window):
    return set(window.rows["prediction_id"].to_pylist())


@settings(max_examples=40, deadline=None)
@given(
    more=st.tuples(st.integers(0, MOST_MORE), st.integers(0, MOST_MORE)),
    backwards=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_a_few_rows_more_change_a_few_of_those_kept(periods, more, backwards, seed):
    long, short = periods[::-1] if backwards else periods
    before = make_windows(long.slice(MOST_MORE), short.slice(MOST_MORE), seed=seed)
    after = make_windows(
        long.slice(MOST_MORE - more[0]), short.slice(MOST_MORE - more[1]), seed=seed
    )
    # A row that comes may push another one out; each may have stood for its text.
    for one, other in zip(before, after, strict=True):
        assert len(kept_in(one) ^ kept_in(other)) <= 4 * sum(more)
        assert abs(one.n_rows - other.n_rows) <= sum(more)


def test_the_longer_period_is_thinned_to_the_other_and_differs_with_the_seed(
    periods,
):
    first, other = (make_windows(*periods, seed=seed) for seed in (0, 1))
    assert [window.n_rows for window in first] == [400 + MOST_MORE] * 2
    assert kept_in(first[1]) == kept_in(other[1])
    assert len(kept_in(first[0]) ^ kept_in(other[0])) > 100


def test_busy_days_of_which_the_first_rows_were_drawn_weigh_no_more_than_before():
    """Days gave as many rows each, a busy one those of its lowest identifiers."""
    quiet, busy = (make_period(600, seed, n_days=7) for seed in (2, 3))
    names = {
        0: [f"{100 * row:06d}" for row in range(600)],
        1: [f"{row:06d}-" for row in range(600)],
    }
    earlier = pa.concat_tables(
        with_column(with_column(rows, "prediction_id", names[place]), "client", [str(place)] * 600)
        for place, rows in enumerate((quiet, busy))
    )
    before, _ = make_windows(earlier, make_period(600, 4, first_day=LATER), seed=0)
    share = before.rows["client"].to_pylist().count("1") / len(before.rows)
    assert share == pytest.approx(0.5, abs=0.1)
