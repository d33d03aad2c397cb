"""Which models answered: the last one first, each with its rows and no other's."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from libelle.errors import DataError, UsageError
from libelle.monitoring.logged_models import (
    find_logged_model,
    list_logged_models,
    rows_of_last_threshold,
    rows_of_model,
)
from tests.monitoring.rows import FIRST_DAY, make_log

DIGESTS = {"a" * 64: 40, "b" * 64: 30, "ab" * 32: 20}


@pytest.fixture(scope="module")
def rows():
    """Rows of three models, one after the other, in no order."""
    generator = np.random.default_rng(0)
    parts = [
        make_log(
            n_rows,
            generator,
            model_digest=[digest] * n_rows,
            model_version=[str(week)] * n_rows,
            first_day=FIRST_DAY + timedelta(weeks=week),
        )
        for week, (digest, n_rows) in enumerate(DIGESTS.items())
    ]
    table = pa.concat_tables(parts)
    return table.take(generator.permutation(len(table)))


def test_models_are_listed_the_last_that_answered_first(rows):
    models = list_logged_models(rows)
    assert [model.digest for model in models] == list(reversed(DIGESTS))
    assert [model.n_rows for model in models] == [20, 30, 40]
    assert models[0].uri == "models:/demo/2"


def test_a_model_without_a_version_is_looked_for_as_champion():
    [model] = list_logged_models(make_log(3, np.random.default_rng(0)))
    assert model.uri == "models:/demo@champion"


def test_the_rows_of_a_model_are_all_of_its_own(rows):
    for model in list_logged_models(rows):
        own = rows_of_model(rows, model)
        assert set(own["model_digest"].to_pylist()) == {model.digest}
        assert len(own) == model.n_rows


@pytest.mark.parametrize(
    ("digest", "found"), [(None, "ab" * 32), ("a" * 8, "a" * 64), ("b" * 64, "b" * 64)]
)
def test_a_model_is_found_by_the_beginning_of_its_digest(rows, digest, found):
    assert find_logged_model(list_logged_models(rows), digest).digest == found


@pytest.mark.parametrize("digest", ["a", "b" * 7, "c" * 12])
def test_a_digest_that_names_none_or_too_little_is_refused(rows, digest):
    with pytest.raises(UsageError, match="Those that did: demo abababababab"):
        find_logged_model(list_logged_models(rows), digest)


def test_no_row_is_no_data_yet(rows):
    with pytest.raises(DataError, match="No data yet"):
        list_logged_models(rows.slice(0, 0))


def test_of_several_thresholds_the_last_one_is_kept():
    days = [FIRST_DAY + timedelta(days=day) for day in range(6)]
    thresholds = [None, "old", "old", "new", None, "new"]
    rows = make_log(6, np.random.default_rng(0), received_at=days, threshold_id=thresholds)
    kept = rows_of_last_threshold(rows.take([5, 0, 3, 1, 4, 2]))
    assert set(kept["threshold_id"].to_pylist()) == {"new"}
    assert len(kept) == 2


def test_rows_that_no_threshold_decided_are_kept_together():
    rows = make_log(4, np.random.default_rng(0), threshold_id=[None] * 4)
    assert len(rows_of_last_threshold(rows)) == 4
