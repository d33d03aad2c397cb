"""What identifies a prediction."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.monitoring.prediction_log import make_prediction_id, make_prediction_ids

KEY = b"key"
# Halves of surrogate pairs are too rare among all characters to be met by chance.
HALVES = st.sampled_from("\ud800\udbff\udc00\udfff")
WILD_TEXT = st.lists(st.characters() | HALVES, max_size=20).map("".join)
PARTS = st.fixed_dictionaries(
    {
        "client": WILD_TEXT,
        "request_id": WILD_TEXT,
        "position": st.integers(0, 10_000),
        "text": WILD_TEXT,
        "digest": WILD_TEXT,
    }
)


@given(parts=PARTS, key=st.binary(max_size=200))
def test_an_identifier_is_a_uuid_and_the_same_for_a_retry(parts, key):
    identifier = make_prediction_id(key, **parts)
    assert str(uuid.UUID(identifier)) == identifier
    assert uuid.UUID(identifier).version == 8
    assert uuid.UUID(identifier).variant == uuid.RFC_4122
    assert make_prediction_id(key, **parts) == identifier


@given(one=PARTS, other=PARTS)
def test_different_predictions_have_different_identifiers(one, other):
    same = make_prediction_id(KEY, **one) == make_prediction_id(KEY, **other)
    assert same == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"client": "a", "request_id": "b:c"}, {"client": "a:b", "request_id": "c"}),
        ({"request_id": "r:0", "digest": "d"}, {"request_id": "r", "digest": "0:d"}),
        ({"position": 1, "text": "2t"}, {"position": 12, "text": "t"}),
    ],
)
def test_parts_do_not_run_into_each_other(one, other):
    common = {"client": "", "request_id": "r", "position": 0, "text": "t", "digest": "d"}
    ids = {make_prediction_id(KEY, **{**common, **changes}) for changes in (one, other)}
    assert len(ids) == 2


def test_a_long_key_counts_whole():
    common = {"client": "", "request_id": "r", "position": 0, "text": "t", "digest": "d"}
    ids = {make_prediction_id(b"k" * 100 + end, **common) for end in (b"", b"1", b"2")}
    assert len(ids) == 3


@given(parts=PARTS, keys=st.sets(st.binary(max_size=100), min_size=2, max_size=2))
def test_another_key_gives_another_identifier(parts, keys):
    assert len({make_prediction_id(key, **parts) for key in keys}) == 2


@given(texts=st.lists(WILD_TEXT, max_size=5))
def test_the_texts_of_a_request_are_identified_one_by_one(texts):
    common = {"client": "c", "request_id": "r", "digest": "d"}
    assert make_prediction_ids(KEY, texts=enumerate(texts), **common) == [
        make_prediction_id(KEY, position=position, text=text, **common)
        for position, text in enumerate(texts)
    ]
