"""Reading: what is libelle's is read once, of whatever version; the rest is named and left out."""

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.errors import StorageError, UsageError
from libelle.monitoring.prediction_log import PredictionLog, backlog, reading
from libelle.monitoring.prediction_log.reading import iter_days, read_log
from libelle.monitoring.prediction_log.schema import NAMES, arrow_schema
from libelle.monitoring.prediction_log.store import LogStore
from libelle.monitoring.prediction_log.upload import Uploader
from tests.monitoring.predictions import NOON, fill, make_options, make_rows

DAY = timedelta(days=1)
MOMENTS = [NOON + n * DAY / 2 for n in range(4)]


@pytest.fixture
def options(tmp_path):
    """Three days of two rows."""
    options = make_options(tmp_path)
    for day in range(3):
        fill(options, make_rows("a", "b", received_at=NOON + day * DAY))
        Uploader(options).run_once()
    return options


@pytest.fixture(scope="module")
def half_days(tmp_path_factory):
    """A row each half day."""
    options = make_options(tmp_path_factory.mktemp("log"))
    fill(options, *[make_rows("a", received_at=moment) for moment in MOMENTS])
    Uploader(options).run_once()
    return options


def a_file(options):
    return min((options.spool_path.parent / "log").rglob("*.parquet"))


def rewrite(path, change):
    table = pq.read_table(path, partitioning=None)
    pq.write_table(change(table), path)


@pytest.mark.parametrize("exists", [True, False])
def test_an_empty_log_is_an_empty_table(tmp_path, exists):
    if exists:
        (tmp_path / "log").mkdir()
    content = read_log(str(tmp_path / "log"))
    assert content.table.num_rows == 0
    assert content.table.schema.types == arrow_schema().types
    assert list(iter_days(str(tmp_path / "log"))) == []


@given(limits=st.lists(st.integers(-30, 90), min_size=2, max_size=2), naive=st.booleans())
def test_rows_are_those_of_the_time_asked(half_days, limits, naive):
    since, until = (NOON + timedelta(hours=hours) for hours in limits)
    expected = [moment for moment in MOMENTS if since <= moment < until]
    if naive:
        since, until = since.replace(tzinfo=None), until.replace(tzinfo=None)
    content = read_log(half_days.uri, since=since, until=until)
    assert sorted(content.table["received_at"].to_pylist()) == expected


def test_days_out_of_the_time_asked_are_not_opened(options):
    a_file(options).write_bytes(b"damaged")
    assert read_log(options.uri, since=NOON + DAY).problems == []
    assert len(read_log(options.uri).problems) == 1


def test_only_the_columns_asked_are_there(options):
    table = read_log(options.uri, columns=["decision", "text_hash"]).table
    assert table.column_names == ["decision", "text_hash"]
    assert table.num_rows == 6
    with pytest.raises(UsageError, match=r"\['texte'\] are no columns of the log"):
        read_log(options.uri, columns=["texte"])


def test_days_come_one_by_one(options):
    days = list(iter_days(options.uri, since=NOON + DAY, columns=["id"]))
    assert [(day, content.table.num_rows) for day, content in days] == [
        (date(2026, 3, 15), 2),
        (date(2026, 3, 16), 2),
    ]


def test_columns_that_an_older_version_had_not_are_null(options):
    rewrite(a_file(options), lambda table: table.drop_columns(["text_hash", "n_words"]))
    content = read_log(options.uri)
    assert content.problems == []
    assert content.table.column_names == list(NAMES)
    assert (content.table["text_hash"].null_count, content.table["n_words"].null_count) == (2, 2)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-5]), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:300] + b"x" * 300), "damaged"),
        (lambda path: rewrite(path, lambda table: table.replace_schema_metadata({})), "no file of"),
        (
            lambda path: rewrite(
                path,
                lambda table: table.replace_schema_metadata({"libelle_schema_version": "2"}),
            ),
            "version 2, this libelle reads 1",
        ),
        (
            lambda path: rewrite(
                path, lambda table: table.set_column(0, "prediction_id", pa.array([[1], [2]]))
            ),
            "damaged",
        ),
        (lambda path: path.rename(path.with_suffix(".csv")), "no Parquet file"),
    ],
)
def test_fault_33_a_file_that_is_not_libelles_is_named_and_left_out(options, damage, why):
    damage(a_file(options))
    content = read_log(options.uri)
    assert content.table.num_rows == 4
    [problem] = content.problems
    assert why in problem.why
    assert "date=2026-03-14/" in problem.path


@pytest.mark.parametrize("n_flips", range(1, 40, 3))
def test_a_damaged_file_never_ends_the_reading(options, n_flips):
    content = bytearray(a_file(options).read_bytes())
    for flip in range(n_flips):
        content[(flip * 7919 + n_flips * 104729) % len(content)] ^= 0xFF
    a_file(options).write_bytes(content)
    found = read_log(options.uri)
    assert (found.table.num_rows, len(found.problems)) == (4, 1)


def test_no_flipped_byte_of_the_data_is_believed(options):
    original, content = read_log(options.uri).table, a_file(options).read_bytes()
    n_data_bytes = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for place in range(4, n_data_bytes, 97):
        damaged = bytearray(content)
        damaged[place] ^= 0x01
        a_file(options).write_bytes(damaged)
        found = read_log(options.uri)
        assert found.table.equals(original) or len(found.problems) == 1, place


def test_what_stands_beside_the_days_is_not_looked_at(options):
    log = a_file(options).parent.parent
    (log / "notes.txt").write_text("?")
    (log / "date=yesterday").mkdir()
    (log / "date=2026-99-99").mkdir()
    (a_file(options).parent / ".a.part").touch()
    content = read_log(options.uri)
    assert (content.table.num_rows, content.problems) == (6, [])


def test_a_file_that_goes_while_it_is_read_is_looked_for_again(options, monkeypatch):
    real, store_files = LogStore.files, []

    def one_that_went(store, day):
        store_files.append(day)
        names = real(store, day)
        return [*names, "date=2026-03-14/gone.parquet"] if len(store_files) == 1 else names

    monkeypatch.setattr(LogStore, "files", one_that_went)
    content = read_log(options.uri)
    assert (content.table.num_rows, content.problems) == (6, [])


def test_a_log_that_never_stays_the_same_is_told(options, monkeypatch):
    monkeypatch.setattr(LogStore, "files", lambda store, day: ["date=2026-03-14/gone.parquet"])
    with pytest.raises(StorageError, match="Try later"):
        read_log(options.uri)


def test_rows_of_the_spool_come_with_those_of_the_log(options):
    kept = fill(options, make_rows("c", received_at=NOON))
    both = read_log(options.uri, since=NOON, until=NOON + DAY, spool_path=options.spool_path)
    assert both.table.num_rows == 3
    assert set(kept) < set(both.table["prediction_id"].to_pylist())


def test_a_segment_that_is_sealed_while_it_is_looked_for_is_read(tmp_path, monkeypatch):
    options = make_options(tmp_path)
    log = PredictionLog(options)
    log.append(rows := make_rows("a"))
    log.sync()

    def seal_then_read(paths):
        log._spool.tend(seal=True)
        return backlog.read_segments(paths)

    monkeypatch.setattr(reading, "read_segments", seal_then_read)
    table = read_log(options.uri, spool_path=options.spool_path).table
    assert table["prediction_id"].to_pylist() == rows.prediction_ids
    log.close()


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 3)), max_size=12
    )
)
def test_of_rows_with_one_identifier_the_first_is_kept(rows):
    table = pa.table(
        {
            "prediction_id": pa.array([one[0] for one in rows], pa.string()),
            "received_at": pa.array([one[1] for one in rows], pa.int64()),
            "order": pa.array([one[2] for one in rows], pa.int64()),
        }
    )
    kept = reading.keep_first(table).to_pylist()
    first = {}
    for one in sorted(rows, key=lambda row: row[1:]):
        first.setdefault(one[0], one[1:])
    assert {one["prediction_id"]: (one["received_at"], one["order"]) for one in kept} == first
    assert len(kept) == len(first)
