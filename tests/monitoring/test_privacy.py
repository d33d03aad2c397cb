"""Privacy: hashes that tell nothing without the key, and texts kept as was said beforehand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.decision import Decision
from libelle.monitoring.privacy import Pseudonyms, TextPolicy, text_probability

WILD_TEXT = st.lists(st.characters() | st.sampled_from("\ud800\udfff"), max_size=20).map("".join)


@given(text=WILD_TEXT, key=st.binary(max_size=100))
def test_a_value_has_one_hash_for_each_use_and_key(text, key):
    hashes = [
        hashed
        for one in (Pseudonyms(key), Pseudonyms(key + b"2"))
        for hashed in (one.of_text(text), one.of_client("c" + text), one.of_id(text))
    ]
    again = Pseudonyms(key)
    assert len(set(hashes)) == 6
    assert hashes[:3] == [again.of_text(text), again.of_client("c" + text), again.of_id(text)]


def test_nobody_has_no_hash():
    assert Pseudonyms(b"key").of_client("") is None
    assert Pseudonyms(b"key").of_id(None) is None


@given(one=WILD_TEXT, other=WILD_TEXT)
def test_different_texts_have_different_hashes(one, other):
    hash_of = Pseudonyms(b"key").of_text
    assert (hash_of(one) == hash_of(other)) == (one == other)


def test_draws_are_uniform_and_the_same_again():
    pseudonyms = Pseudonyms(b"key")
    draws = [pseudonyms.draw(f"prediction-{n}") for n in range(10_000)]
    assert draws == [pseudonyms.draw(f"prediction-{n}") for n in range(10_000)]
    for share in (0.02, 0.5, 0.9):  # Four standard deviations.
        n_below = sum(draw < share for draw in draws)
        assert abs(n_below - 10_000 * share) < 4 * (10_000 * share * (1 - share)) ** 0.5
    assert all(0 <= draw < 1 for draw in draws)


@pytest.mark.parametrize(
    ("policy", "automatic", "review", "refused"),
    [("none", 0, 0, 0), ("review", 0.1, 1, 0), ("redacted", 1, 1, 1), ("full", 1, 1, 1)],
)
def test_the_probability_of_keeping_a_text_is_known(policy, automatic, review, refused):
    decisions = [Decision.AUTOMATIC, Decision.REVIEW, Decision.REFUSED, None]
    policy = TextPolicy(policy)
    found = [text_probability(policy, one, review_share=0.1) for one in decisions]
    assert found == [automatic, review, refused, 0]
