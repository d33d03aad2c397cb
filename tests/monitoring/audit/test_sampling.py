"""The draw of an audit: each text has the probability that is written beside it."""

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from libelle.errors import UsageError
from libelle.monitoring.audit import draw
from libelle.monitoring.audit.evidence import Judged
from tests.monitoring.rows import make_log, with_column


def one_arm(sample, arm="automatic"):
    return sample.filter(pc.equal(sample["arm"], arm))


def count_draws(rows, n_draws, first_seed=0, **options):
    """Return, of each text, how often it was drawn, and the sum of its inverse probabilities."""
    n_drawn, summed = {}, 0.0
    for seed in range(first_seed, first_seed + n_draws):
        sample = one_arm(draw(rows, n_review=0, seed=seed, **options))
        for name in sample["prediction_id"].to_pylist():
            n_drawn[name] = n_drawn.get(name, 0) + 1
        included = pc.multiply(sample["probability"], sample["text_probability"])
        summed += (1 / included.to_numpy()).sum()
    return n_drawn, summed / n_draws


@given(seed=st.integers(0, 99), n_automatic=st.integers(0, 400), n_review=st.integers(0, 100))
def test_a_draw_is_of_distinct_texts_as_many_as_asked_or_as_there_are(seed, n_automatic, n_review):
    rows = make_log(300, np.random.default_rng(seed))
    rows = with_column(rows, "text_hash", [f"h{row // 2}" for row in range(300)])
    sample = draw(rows, n_automatic=n_automatic, n_review=n_review, seed=seed)
    for arm, asked in (("automatic", n_automatic), ("review", n_review)):
        drawn = one_arm(sample, arm)
        n_population = drawn["n_population"].to_pylist()[0] if len(drawn) else asked
        assert len(drawn) == min(asked, n_population)
        assert drawn["position"].to_pylist() == list(range(len(drawn)))
    ids = sample["prediction_id"].to_pylist()
    hash_of = dict(
        zip(rows["prediction_id"].to_pylist(), rows["text_hash"].to_pylist(), strict=True)
    )
    assert len({hash_of[name] for name in ids}) == len(ids)


def test_the_same_rows_in_any_order_and_the_same_seed_give_the_same_texts():
    rows = make_log(500, np.random.default_rng(0))
    shuffled = rows.take(np.random.default_rng(1).permutation(500))
    options = {"n_automatic": 50, "n_review": 20}
    assert draw(rows, seed=3, **options).equals(draw(shuffled, seed=3, **options))
    assert not draw(rows, seed=4, **options).equals(draw(rows, seed=3, **options))


@pytest.mark.parametrize("keeping", [1.0, 0.5])
def test_inverse_probabilities_sum_to_the_population_on_average(keeping, request):
    n_draws = 2000 if request.config.getoption("--long") else 120
    generator = np.random.default_rng(0)
    rows = make_log(200, generator, refused=0.0, text_probability=[keeping] * 200)
    n_population = sum(one == "automatic" for one in rows["decision"].to_pylist())
    totals = []
    for seed in range(n_draws):
        kept = generator.random(200) < keeping
        texts = ["texte" if stands else None for stands in kept.tolist()]
        _, total = count_draws(with_column(rows, "text", texts), 1, first_seed=seed, n_automatic=30)
        totals.append(total)
    error = np.std(totals) / np.sqrt(n_draws)
    assert abs(np.mean(totals) - n_population) < 4 * error
    assert error < 0.03 * n_population


@pytest.mark.parametrize("keeping", [1.0, 0.4])
def test_weighted_errors_have_the_mean_that_the_proof_says(keeping, request):
    n_draws = 3000 if request.config.getoption("--long") else 150
    generator, excess = np.random.default_rng(0), []
    rows = make_log(300, generator, refused=0.0, text_probability=[keeping] * 300)
    automatic = rows.filter(pc.equal(rows["decision"], "automatic"))
    doubts = 1 - automatic["confidence"].to_numpy()
    wrong_ones = generator.random(len(automatic)) < 3 * doubts
    wrong_of = dict(zip(automatic["prediction_id"].to_pylist(), wrong_ones, strict=True))
    for seed in range(n_draws):
        kept = generator.random(300) < keeping
        texts = ["t" if stands else None for stands in kept.tolist()]
        sample = one_arm(
            draw(with_column(rows, "text", texts), n_automatic=20, n_review=0, seed=seed)
        )
        wrong = np.array([wrong_of[name] for name in sample["prediction_id"].to_pylist()])
        undecided = np.zeros(len(wrong), dtype=bool)
        judged = Judged(sample["rate"].to_numpy(), wrong, undecided, len(automatic), 0.0)
        found_before = wrong.cumsum() - wrong
        left = wrong_ones.mean() - found_before / len(automatic)
        excess.append((judged.weights * wrong - left).sum())
    assert abs(np.mean(excess)) < 4 * np.std(excess) / np.sqrt(n_draws)


def test_texts_in_doubt_are_drawn_more_often_and_no_weight_exceeds_two():
    rows = make_log(400, np.random.default_rng(0))
    n_drawn, _ = count_draws(rows, 100, n_automatic=40)
    confidence_of = dict(
        zip(rows["prediction_id"].to_pylist(), rows["confidence"].to_pylist(), strict=True)
    )
    doubtful = [n for name, n in n_drawn.items() if confidence_of[name] < 0.9]
    sure = [n for name, n in n_drawn.items() if confidence_of[name] >= 0.95]
    assert np.mean(doubtful) > 1.5 * np.mean(sure)
    sample = one_arm(draw(rows, n_automatic=40, n_review=0, seed=0))
    assert (sample["least_rate"].to_numpy() * sample["n_population"].to_numpy() >= 0.5).all()


def test_a_draw_without_share_for_doubt_is_uniform():
    rows = make_log(100, np.random.default_rng(0), refused=0.0)
    n_drawn, _ = count_draws(rows, 150, n_automatic=20, doubtful_share=0.0)
    n_population = sum(one == "automatic" for one in rows["decision"].to_pylist())
    tails = [binom.cdf(n, 150, 20 / n_population) for n in n_drawn.values()]
    assert len(n_drawn) == n_population
    assert 1e-4 < min(tails)
    assert max(tails) < 1 - 1e-4


def test_only_texts_that_the_log_kept_are_drawn_unless_the_caller_has_them():
    rows = make_log(300, np.random.default_rng(0), text_probability=[0.3] * 300)
    kept = np.random.default_rng(1).random(300) < 0.3
    rows = with_column(rows, "text", ["t" if stands else None for stands in kept.tolist()])
    assert None not in draw(rows, n_automatic=300, n_review=300, seed=0)["text"].to_pylist()
    everything = draw(rows, n_automatic=300, n_review=300, seed=0, texts="caller")
    assert None in everything["text"].to_pylist()
    assert set(everything["probability"].to_pylist()) == {1.0}
    assert set(everything["text_probability"].to_pylist()) == {1.0}


def test_texts_that_the_log_keeps_no_more_are_counted_apart():
    rows = make_log(200, np.random.default_rng(0), refused=0.0)
    purged = [None if row < 40 else "t" for row in range(200)]
    sample = draw(with_column(rows, "text", purged), n_automatic=300, n_review=300, seed=0)
    arms = [one_arm(sample, arm) for arm in ("automatic", "review")]
    assert sum(arm["n_out_of_reach"][0].as_py() for arm in arms) == 40
    assert len(sample) == sum(arm["n_population"][0].as_py() for arm in arms) == 160


def test_texts_that_left_at_their_verdicts_leave_the_other_arm_to_be_drawn():
    rows = make_log(200, np.random.default_rng(0), refused=0.0)
    decisions, texts = rows["decision"].to_pylist(), rows["text"].to_pylist()
    pairs = zip(decisions, texts, strict=True)
    left = [text if decision == "automatic" else None for decision, text in pairs]
    sample = draw(with_column(rows, "text", left), n_automatic=300, n_review=300, seed=0)
    assert set(sample["arm"].to_pylist()) == {"automatic"}
    assert len(sample) == decisions.count("automatic")


def test_a_text_answered_both_ways_belongs_to_the_automatic_ones():
    rows = make_log(40, np.random.default_rng(0), refused=0.0)
    rows = with_column(rows, "text_hash", ["same"] * 40)
    rows = with_column(rows, "decision", ["review"] * 20 + ["automatic"] * 20)
    sample = draw(rows, n_automatic=9, n_review=9, seed=0)
    assert sample["arm"].to_pylist() == ["automatic"]


def test_a_log_without_texts_says_what_to_do():
    rows = make_log(50, np.random.default_rng(0), text_probability=[0.0] * 50, text=[None] * 50)
    with pytest.raises(UsageError, match="LIBELLE_TEXT_POLICY"):
        draw(rows, n_automatic=5, n_review=5, seed=0)


@pytest.mark.parametrize("column", ["model_digest", "threshold_id"])
def test_an_audit_speaks_of_one_promise(column):
    rows = make_log(50, np.random.default_rng(0))
    rows = with_column(rows, column, ["a", "b"] * 25)
    with pytest.raises(UsageError, match=column):
        draw(rows, n_automatic=5, n_review=5, seed=0)


def test_an_empty_log_gives_an_empty_draw():
    assert len(draw(make_log(0, np.random.default_rng(0)), n_automatic=5, n_review=5, seed=0)) == 0


def test_a_draw_that_cannot_be_is_refused():
    rows = make_log(5, np.random.default_rng(0))
    for options in ({"n_automatic": -1}, {"n_automatic": 1, "doubtful_share": 1.0}):
        with pytest.raises(UsageError, match="cannot be made"):
            draw(rows, n_review=1, seed=0, **options)
