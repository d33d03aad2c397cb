"""Telling two periods apart: by chance when they are alike, surely when they are not."""

import numpy as np
import pytest
from scipy.stats import binom

from libelle.monitoring.drift.domain import tell_apart
from libelle.monitoring.drift.windows import Window
from tests.monitoring.rows import make_log, with_column


def windows(seed, *, n_texts=300, without_texts=False, **changes):
    generator = np.random.default_rng(seed)
    kept = {"text": [None] * n_texts, "text_probability": [0.0] * n_texts} if without_texts else {}
    before = make_log(n_texts, generator, **kept)
    return Window.of(before), Window.of(make_log(n_texts, generator, **kept, **changes))


@pytest.mark.parametrize("without_texts", [True, False])
def test_periods_that_are_alike_are_told_apart_by_chance_only(without_texts, request):
    n_draws = 300 if request.config.getoption("--long") else 20
    found = [
        tell_apart(*windows(seed, without_texts=without_texts), seed=seed)
        for seed in range(n_draws)
    ]
    assert {one.basis for one in found} == {"features" if without_texts else "words"}
    assert abs(np.mean([one.auc for one in found]) - 0.5) < 0.02
    n_alarms = sum(one.p_value <= 0.05 for one in found)
    assert binom.sf(n_alarms - 1, n_draws, 0.05) > 1e-3


def test_other_words_are_told_apart():
    before, after = windows(0)
    texts = [f"{text} biodechets compost" for text in after.rows["text"].to_pylist()]
    changed = Window.of(with_column(after.rows, "text", texts))
    found = tell_apart(before, changed, seed=0)
    assert found.auc > 0.95
    assert found.p_value == 1 / 200
    assert tell_apart(changed, before, seed=0).auc > 0.95


def test_other_features_are_told_apart_without_any_text():
    found = tell_apart(*windows(0, without_texts=True, unknown=0.5), seed=0)
    assert (found.basis, found.p_value) == ("features", 1 / 200)
    assert found.auc > 0.8


def test_too_few_texts_tell_nothing():
    assert tell_apart(*windows(0, n_texts=60), seed=0) is None
