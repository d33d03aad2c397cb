"""Sampling: rows drawn from a log by chance alone, in as much memory as one day takes."""

from datetime import timedelta

import numpy as np
import pytest

from libelle.monitoring.prediction_log.reading import read_log
from libelle.monitoring.prediction_log.sampling import sample_log
from libelle.monitoring.prediction_log.upload import Uploader
from tests.monitoring.log_rows import MONDAY, make_row, put
from tests.monitoring.predictions import NOON, fill, make_options, make_rows

COLUMNS = ("decision", "prediction_id")
N_DAYS, PER_DAY = 6, 400


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A log where one row in four goes to review, each day alike."""
    folder = tmp_path_factory.mktemp("log")
    rows = [
        make_row(
            decision="review" if number % 4 == 0 else "automatic",
            received_at=MONDAY + timedelta(days=number % N_DAYS),
        )
        for number in range(N_DAYS * PER_DAY)
    ]
    put(folder, rows)
    return str(folder)


def names_of(table):
    return sorted(table["prediction_id"].to_pylist())


def test_few_rows_are_all_drawn_and_many_as_often_as_they_should(log):
    everything = sample_log(log, most=10_000, columns=COLUMNS)
    assert names_of(everything.table) == names_of(read_log(log).table)
    assert everything.table.column_names == list(COLUMNS)
    sample = sample_log(log, most=800, columns=("decision", "received_at"))
    assert (len(sample.table), sample.n_rows) == (800, N_DAYS * PER_DAY)
    assert sample.table["decision"].to_pylist().count("review") == pytest.approx(200, abs=50)
    days = [moment.day for moment in sample.table["received_at"].to_pylist()]
    assert np.bincount(days)[MONDAY.day :] == pytest.approx([800 / N_DAYS] * N_DAYS, abs=45)


def test_the_same_rows_are_drawn_each_time_and_fewer_are_among_them(log):
    first, again = (sample_log(log, most=500, columns=COLUMNS).table for _ in range(2))
    assert names_of(first) == names_of(again)
    fewer = sample_log(log, most=100, columns=COLUMNS).table
    assert set(names_of(fewer)) == set(names_of(first)[:100])


def test_only_the_period_is_drawn_from(log):
    sample = sample_log(log, most=50, columns=COLUMNS, since=MONDAY + timedelta(days=4))
    assert (len(sample.table), sample.n_rows) == (50, 2 * PER_DAY)


def test_the_spool_is_drawn_from_too_and_what_is_in_both_counts_once(tmp_path):
    options = make_options(tmp_path)
    uploaded = fill(options, make_rows("a", "b"))
    Uploader(options).run_once()
    waiting = fill(options, make_rows("c", received_at=NOON + timedelta(days=1)))
    sample = sample_log(options.uri, most=9, columns=COLUMNS, spool_path=options.spool_path)
    assert names_of(sample.table) == sorted([*uploaded, *waiting])


def test_what_cannot_be_read_is_told(tmp_path):
    [name] = put(tmp_path, [make_row()])
    (tmp_path / name).write_bytes(b"damaged")
    sample = sample_log(str(tmp_path), most=9, columns=COLUMNS)
    assert [one.path for one in sample.problems] == [str(tmp_path / name)]
    assert len(sample.table) == 0
