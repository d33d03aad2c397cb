"""Rows: predictions become rows of the published schema, less what is not to be kept."""

import json
import string
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.decision import Decision
from libelle.errors import DataError
from libelle.monitoring.prediction_log.rows import RowWriter, read_record
from libelle.monitoring.prediction_log.schema import json_schema, write_json_schema
from libelle.monitoring.prediction_log.tables import build_sound_table, build_table
from libelle.monitoring.privacy import Pseudonyms, TextPolicy
from tests.conftest import ROOT
from tests.monitoring.predictions import KEY, NOON, make_options, make_rows

DECISIONS = st.sampled_from(Decision)
WILD_TEXT = st.lists(st.characters() | st.sampled_from("\ud800\udfff"), max_size=20).map("".join)
REQUESTS = st.builds(
    lambda items, failed, moment, client: make_rows(
        *[text for text, _, _ in items],
        ids=[one for _, one, _ in items],
        decisions=[decision for _, _, decision in items],
        failed=failed,
        received_at=moment.replace(tzinfo=UTC),
        client=client,
    ),
    st.lists(st.tuples(WILD_TEXT, st.none() | WILD_TEXT, DECISIONS), max_size=5),
    st.lists(st.none() | WILD_TEXT, max_size=3),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),
    WILD_TEXT,
)
POLICIES = st.sampled_from(TextPolicy)


VALIDATOR = jsonschema.Draft202012Validator(
    json_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def written(rows, order=0, **changes):
    return RowWriter(make_options(Path("/nowhere"), **changes)).write(rows, order=order)


def table_of(*requests, **changes):
    return build_table([read_record(written(rows, **changes)) for rows in requests])


@given(rows=REQUESTS, policy=POLICIES, hash_ids=st.booleans())
def test_every_row_follows_the_published_schema(rows, policy, hash_ids):
    table = table_of(rows, text_policy=policy, hash_ids=hash_ids)
    assert table.num_rows == len(rows.texts) + len(rows.failed)
    for row in table.to_pylist():
        row["received_at"] = row["received_at"].isoformat()
        VALIDATOR.validate(row)


def test_the_published_schema_is_that_of_the_code():
    published = ROOT / "docs" / "prediction-log.schema.json"
    assert published.read_text("utf-8") == write_json_schema()
    jsonschema.Draft202012Validator.check_schema(json.loads(published.read_text("utf-8")))


@given(rows=REQUESTS)
def test_what_was_answered_is_found_again(rows):
    table = table_of(rows)
    predictions = rows.predictions
    n_failed = len(rows.failed)
    column = {name: table[name].to_pylist() for name in table.column_names}
    assert column["prediction_id"][: len(predictions)] == rows.prediction_ids
    assert column["decision"] == [one.decision.value for one in predictions] + [None] * n_failed
    assert column["code"] == [one.code for one in predictions] + [None] * n_failed
    assert column["confidence"] == [one.confidence for one in predictions] + [None] * n_failed
    assert [[(one["code"], one["probability"]) for one in row] for row in column["candidates"]] == [
        [(one.code, one.probability) for one in prediction.candidates] for prediction in predictions
    ] + [[]] * n_failed
    assert column["top_code"] == [row[0]["code"] if row else None for row in column["candidates"]]
    assert set(column["received_at"]) <= {rows.received_at}


def test_orders_follow_each_other():
    rows = make_rows("a", "b", failed=["x"])
    assert table_of(rows, rows, order=7)["order"].to_pylist() == [7, 8, 9] * 2


@pytest.mark.parametrize(
    ("policy", "kept", "kind"),
    [
        ("none", [None] * 3, [None] * 3),
        ("review", [None, "M. Dupont", None], [None, "original", None]),
        ("redacted", ["M. [nom]"] * 3, ["redacted"] * 3),
        ("full", ["M. Dupont"] * 3, ["original"] * 3),
    ],
)
def test_a_text_is_kept_as_the_policy_says(policy, kept, kind):
    rows = make_rows(*["M. Dupont"] * 3, decisions=Decision)
    table = table_of(rows, text_policy=TextPolicy(policy), review_share=0.0)
    assert table["text"].to_pylist() == kept
    assert table["text_kind"].to_pylist() == kind
    assert set(table["text_hash"].to_pylist()) == {Pseudonyms(KEY).of_text("M. Dupont")}


def test_automatic_texts_are_kept_with_the_stated_probability_and_again_for_a_retry():
    rows = make_rows(*["a"] * 5000, decisions=[Decision.AUTOMATIC] * 5000)
    table = table_of(rows, text_policy=TextPolicy.REVIEW, review_share=0.1)
    assert set(table["text_probability"].to_pylist()) == {0.1}
    n_kept = 5000 - table["text"].null_count
    assert abs(n_kept - 500) < 4 * (5000 * 0.1 * 0.9) ** 0.5
    assert table_of(rows, text_policy=TextPolicy.REVIEW, review_share=0.1).equals(table)


@given(rows=REQUESTS, planted=st.text(string.ascii_letters, min_size=12, max_size=20))
def test_under_the_default_no_text_nor_client_is_in_a_record(rows, planted):
    rows.texts = [f"{text}{planted}" for text in rows.texts]
    rows.client = planted
    assert planted.encode() not in written(rows)


def test_identifiers_of_the_caller_are_plain_unless_they_are_to_be_hashed():
    rows = make_rows("a", ids=["FR-7"], failed=["FR-8"])
    assert table_of(rows)["id"].to_pylist() == ["FR-7", "FR-8"]
    assert table_of(rows, hash_ids=True)["id"].to_pylist() == [
        Pseudonyms(KEY).of_id("FR-7"),
        Pseudonyms(KEY).of_id("FR-8"),
    ]


def test_a_microsecond_is_not_lost():
    moment = NOON + timedelta(microseconds=1)
    assert table_of(make_rows("a", received_at=moment))["received_at"].to_pylist() == [moment]


@given(rows=REQUESTS, kept=st.randoms())
def test_a_record_may_lose_rows(rows, kept):
    record = read_record(written(rows))
    wanted = [kept.random() < 0.5 for _ in range(record.n_rows)]
    fewer = read_record(record.keep(wanted).to_bytes())
    assert build_table([fewer]).equals(build_table([record]).filter(pa.array(wanted, pa.bool_())))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"shared": {}, "rows": {}}',
        b'{"shared": {"schema_version": 1}, "rows": {"prediction_id": ["a"], "code": []}}',
        b'{"shared": {"schema_version": "x"}, "rows": {"prediction_id": ["a"]}}',
        b'{"shared": {"schema_version": 1}, "rows": []}',
    ],
)
def test_what_is_no_record_is_told(content):
    with pytest.raises(DataError, match="A record of the spool"):
        read_record(content)


def test_a_record_of_a_later_version_is_told():
    content = written(make_rows("a")).replace(b'"schema_version":1', b'"schema_version":2')
    with pytest.raises(DataError, match="has version 2, this libelle reads 1"):
        read_record(content)


def test_a_record_that_makes_no_rows_does_not_hide_the_others():
    good = read_record(written(make_rows("a")))
    bad = read_record(written(make_rows("b")).replace(b'"position":[0]', b'"position":["x"]'))
    table, n_bad = build_sound_table([bad, good, bad])
    assert (table.num_rows, n_bad) == (1, 2)


WORK = """
import sys
from pathlib import Path
from libelle.monitoring.prediction_log import PredictionLog, read_state
from tests.monitoring.predictions import make_options, make_rows
options = make_options(Path(sys.argv[1]))
log = PredictionLog(options)
log.append(make_rows("a"))
log.sync()
log.close()
read_state(options.spool_path)
assert not {"pyarrow", "fsspec", "s3fs", "pandas", "sklearn", "mlflow"} & set(sys.modules)
"""


def test_who_only_writes_rows_does_without_arrow(tmp_path):
    subprocess.run([sys.executable, "-c", WORK, str(tmp_path)], check=True)
