"""What recognises a text without keeping it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.data.fingerprints import Fingerprints
from libelle.errors import DataError

KEYS = st.lists(st.text(), max_size=8)


@given(seen=KEYS, others=KEYS)
def test_only_what_was_seen_is_recognised(seen, others):
    prints = Fingerprints.from_bytes(Fingerprints().adding(seen).to_bytes())
    assert all(key in prints for key in seen)
    assert not [key for key in others if key not in seen and key in prints]


def test_no_text_stands_in_the_file():
    content = Fingerprints().adding(["nid de poule"]).to_bytes()
    assert b"nid" not in content


def test_two_files_of_the_same_texts_have_nothing_in_common():
    assert not Fingerprints().adding(["a"]).prints & Fingerprints().adding(["a"]).prints


@pytest.mark.parametrize("damage", [b"", b"else", lambda c: c[:-1], lambda c: b"x" + c])
def test_a_damaged_file_is_refused(damage):
    content = Fingerprints().adding(["a"]).to_bytes()
    with pytest.raises(DataError, match="damaged"):
        Fingerprints.from_bytes(damage(content) if callable(damage) else damage)


def test_another_version_of_the_keys_is_refused():
    content = bytearray(Fingerprints().to_bytes())
    content[len(b"libelle-fingerprints-2:") + 1] += 1
    with pytest.raises(DataError, match="split keys of version"):
        Fingerprints.from_bytes(bytes(content))


@pytest.mark.parametrize("complete", [True, False])
def test_what_may_be_missing_is_remembered(complete):
    prints = Fingerprints(complete=complete).adding(["a"])
    assert Fingerprints.from_bytes(prints.to_bytes()) == prints
