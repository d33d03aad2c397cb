"""A batch is read in one go when nothing is wrong with it: what is read is always the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import asking
from api.asking import read_batch
from api.errors import ProblemError
from api.schemas import request_types
from libelle.settings import Settings

SETTINGS = Settings.model_construct(max_text_characters=12, max_batch_texts=4, max_top_k=9)
TYPES = request_types(SETTINGS)
HALVES = st.sampled_from("\ud800\udfff\0é\U0001f600")
WORDS = st.lists(st.characters() | HALVES, max_size=14).map("".join)
ODD = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
FIELDS = {"text": WORDS | ODD, "id": ODD}
ITEMS = st.fixed_dictionaries({}, optional={**FIELDS, "texte": ODD}) | ODD
BATCHES = st.fixed_dictionaries(
    {}, optional={"items": st.lists(ITEMS, max_size=5) | ODD, "top_k": ODD, "other": ODD}
)
SOUND = st.fixed_dictionaries(
    {"items": st.lists(st.fixed_dictionaries({"text": WORDS}, optional={"id": WORDS}), max_size=4)},
    optional={"top_k": st.integers(0, 10)},
)


def read_with(monkeypatch, body, *, in_one_go):
    with monkeypatch.context() as patch:
        if not in_one_go:
            patch.setattr(asking, "_read_flawless_batch", lambda *_: None)
        try:
            asked = read_batch(body, TYPES, max_total_characters=40)
        except ProblemError as problem:
            return problem.kind, problem.detail, problem.field_errors
    return (list(asked.positions), asked.texts, asked.ids, asked.refused, asked.top_k)


@given(batch=BATCHES | SOUND, ascii_only=st.booleans())
def test_in_one_go_or_not_the_same_is_read(batch, ascii_only):
    body = json.dumps(batch, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patch:
        quick = read_with(patch, body, in_one_go=True)
        assert quick == read_with(patch, body, in_one_go=False)


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": [{"text": "a", "text": "b"}]}',
        b'{"items": [{"text": "a"}], "items": []}',
        b'{"items": [{"text": "a"}], "top_k": 3.0}',
        b'{"items": [{"text": "a"}], "top_k": 3e0}',
        b'{"items": [{"text": "a"}], "top_k": "3"}',
        b'{"items": [{"text": "a"}], "top_k": true}',
        b'{"items": [{"text": "a"}], "top_k": null}',
        b'{"items": [{"text": "a", "id": 1}]}',
        b'{"items": [{"text": "\\ud800"}]}',
        b'{"items": [{"text": "a\\u0000"}]}',
        b'{"items": [{"text": "a\0"}]}',
        b'{"items": [{"text": "a\xff"}]}',
        b'{"items": [{"text": "\xed\xa0\x80"}]}',
        b'\xef\xbb\xbf{"items": []}',
        b'{"items": []} x',
        b'{"items": [],}',
        b'{"items": [NaN]}',
        b'{"items": ' + b"[" * 100_000,
        b'{"items": [' + b'{"text": "a"},' * 4 + b'{"text": "a"}]}',
        b"",
    ],
)
def test_odd_bodies_are_read_the_same_in_one_go_or_not(body, monkeypatch):
    quick = read_with(monkeypatch, body, in_one_go=True)
    assert quick == read_with(monkeypatch, body, in_one_go=False)


def test_a_sound_batch_is_read_in_one_go(monkeypatch):
    def fail(*_):
        raise AssertionError("read twice")

    monkeypatch.setattr(asking, "_read_batch_with_flaws", fail)
    asked = read_batch(
        '{"items": [{"text": "été", "id": "7"}, {"text": ""}]}'.encode(),
        TYPES,
        max_total_characters=40,
    )
    assert (asked.texts, asked.ids, asked.top_k) == (["été", ""], ["7", None], 5)
