"""A profile: counts that agree with one another, and nothing of a single text."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.errors import ModelError
from libelle.profile import Profile, confidence_bins, read_reference


def make_profile(seed=0, n_texts=50, *, right=True):
    generator = np.random.default_rng(seed)
    confidences = np.round(generator.random(n_texts), 6)
    n_words = generator.integers(0, 100, n_texts)
    return Profile.of(
        codes=generator.choice(["01", "02"], n_texts).tolist(),
        confidences=confidences,
        refusals=[None if chance < 0.8 else "empty" for chance in generator.random(n_texts)],
        n_characters=generator.integers(0, 10**6, n_texts),
        n_words=n_words,
        n_unknown_words=generator.binomial(n_words, 0.2),
        automatic={"t": confidences >= 0.5},
        right=generator.random(n_texts) < 0.9 if right else None,
        days=[f"2026-03-{1 + n % 28:02}T10:00:00" for n in range(n_texts)],
    )


@given(seed=st.integers(0, 999), n_texts=st.integers(0, 60), right=st.booleans())
def test_counts_agree_and_survive_json(seed, n_texts, right):
    profile = make_profile(seed, n_texts, right=right)
    assert sum(profile.confidences) == sum(profile.codes.values()) == profile.n_answered
    assert sum(profile.lengths) == sum(profile.words) == profile.n_texts == n_texts
    assert profile.automatic["t"] <= profile.n_answered
    assert Profile.from_dict(json.loads(json.dumps(profile.to_dict()))) == profile
    if right:
        assert all(
            one <= other for one, other in zip(profile.right, profile.confidences, strict=True)
        )


@given(thousandths=st.integers(0, 1000))
def test_a_confidence_on_an_edge_stands_above_it(thousandths):
    [place] = confidence_bins(np.array([thousandths / 1000]))
    assert place == min(199, thousandths // 5)


def test_days_are_those_of_the_first_and_of_the_last_text():
    profile = make_profile()
    assert (profile.since, profile.until) == ("2026-03-01", "2026-03-28")


def test_a_model_without_reference_is_to_be_retrained():
    for manifest in ({"name": "demo"}, {"name": "demo", "reference": None}):
        with pytest.raises(ModelError, match=r"no reference[^\n]*Retrain it"):
            read_reference(manifest)


@pytest.mark.parametrize(
    "name", sorted(set(make_profile().to_dict()) - {"since", "until", "profile_version"})
)
def test_a_damaged_profile_is_refused(name):
    document = make_profile().to_dict()
    with pytest.raises(ModelError, match=r"damaged|version"):
        Profile.from_dict({**document, name: 1})
    del document[name]
    with pytest.raises(ModelError, match=r"damaged|version"):
        Profile.from_dict(document)
