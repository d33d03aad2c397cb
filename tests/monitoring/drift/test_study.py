"""A study of drift: silent while nothing changes, and clear when something does."""

import json
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from libelle.data.nomenclature import Nomenclature
from libelle.errors import DataError, UsageError
from libelle.monitoring.drift import Severity, study_drift
from libelle.monitoring.drift.windows import Window
from tests.monitoring.rows import FIRST_DAY, SHARES, make_log, with_column

LATER = FIRST_DAY + timedelta(days=28)
TOPICS = Nomenclature.from_rows(
    ["01", "02", "03", "0101", "0102", "0201", "0202", "0301", "0302"],
    ["Voirie", "Écoles", "Urbanisme", "Chaussée", "Éclairage", "", "", "Permis", "Plan"],
    [None, None, None, "01", "01", "02", "02", "03", "03"],
)


def study(seed=0, *, n_earlier=2000, n_current=800, with_log=True, **changes):
    generator = np.random.default_rng(seed)
    reference = Window.of(make_log(n_earlier, generator)).profile
    earlier = make_log(n_earlier, generator, n_days=28)
    current = make_log(n_current, generator, first_day=LATER, n_days=28, **changes)
    return study_drift(
        current,
        reference=reference,
        earlier=earlier if with_log else None,
        nomenclature=TOPICS,
    )


def severity_of(found, name):
    [finding] = [one for one in found.findings if one.comparison.name == name]
    return finding.severity


@pytest.mark.parametrize("with_log", [True, False])
def test_stable_weeks_raise_no_more_alarms_than_promised(with_log, request):
    n_weeks = 200 if request.config.getoption("--long") else (10 if with_log else 50)
    n_alarms = 0
    for seed in range(n_weeks):
        found = study(seed, n_current=400, n_earlier=1000, with_log=with_log)
        n_alarms += any(one.p_adjusted <= found.alpha for one in found.findings)
    assert binom.sf(n_alarms - 1, n_weeks, 0.05) > 1e-3


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("confidence", {"doubt": 1.6}),
        ("decisions", {"doubt": 1.6}),
        ("codes", {"shares": SHARES[::-1]}),
        ("refusals", {"refused": 0.12}),
        ("unknown_words", {"unknown": 0.2}),
        ("domain", {"unknown": 0.6}),
    ],
)
def test_what_changes_is_named(name, changes):
    found = study(**changes)
    assert severity_of(found, name).rank >= 1
    assert found.severity.rank >= severity_of(found, name).rank
    assert severity_of(study(), name) is Severity.NONE


def test_longer_texts_are_seen():
    rows = make_log(800, np.random.default_rng(1))
    longer = with_column(rows, "n_characters", [2 * n for n in rows["n_characters"].to_pylist()])
    found = study_drift(longer, reference=Window.of(rows).profile)
    assert severity_of(found, "length") is Severity.HIGH


def test_a_code_that_doubles_is_said_with_its_week():
    generator = np.random.default_rng(3)
    doubled = SHARES.copy()
    doubled[4:] *= 3
    earlier = make_log(3000, generator, n_days=28)
    calm = make_log(800, generator, first_day=LATER, n_days=14)
    moved = make_log(1600, generator, shares=doubled, first_day=LATER + timedelta(14), n_days=28)
    found = study_drift(pa.concat_tables([calm, moved]), earlier=earlier, nomenclature=TOPICS)
    [above] = [change for change in found.codes if change.name == "03"]
    assert above.since == (LATER + timedelta(14)).date().isoformat() == "2026-04-13"
    assert 1.7 < above.ratio < 2.5
    assert any(
        one.startswith("« Urbanisme » a ") and "depuis mi-avril 2026" in one
        for one in found.sentences.fr
    )
    assert any("since mid-April 2026" in one for one in found.sentences.en)


def test_words_that_rise_are_listed():
    generator = np.random.default_rng(4)
    current = make_log(800, generator, first_day=LATER)
    texts = [f"{text} biodechets" for text in current["text"].to_pylist()[:200]]
    current = with_column(current, "text", texts + current["text"].to_pylist()[200:])
    found = study_drift(current, earlier=make_log(2000, generator))
    assert found.words[0].name == "biodechets"
    assert found.domain.basis == "words"
    assert severity_of(found, "domain").rank >= 1
    assert "Mots plus fréquents : biodechets." in found.sentences.fr


def test_a_word_of_few_texts_is_never_shown():
    generator = np.random.default_rng(4)
    current = make_log(800, generator, first_day=LATER)
    texts = [f"{text} dupont" for text in current["text"].to_pylist()[:9]]
    current = with_column(current, "text", texts + current["text"].to_pylist()[9:])
    found = study_drift(current, earlier=make_log(2000, generator))
    assert "dupont" not in json.dumps(found.to_dict())


def test_another_text_policy_is_no_drift():
    generator = np.random.default_rng(5)
    current = make_log(600, generator, first_day=LATER, text_kind=["redacted"] * 600)
    found = study_drift(current, earlier=make_log(1000, generator))
    assert found.domain.basis == "features"
    assert found.words == ()
    assert found.severity is Severity.NONE


def test_repeated_texts_count_once_and_are_told():
    generator = np.random.default_rng(6)
    rows = make_log(500, generator)
    repeated = pa.concat_tables([rows, rows, rows])
    assert Window.of(repeated).profile == Window.of(rows).profile
    found = study_drift(repeated, reference=Window.of(make_log(900, generator)).profile)
    assert "repeated_texts" in found.notes
    assert found.current.n_texts == 500


def test_two_periods_of_unequal_length_whose_texts_repeat_are_alike(request):
    n_draws = 100 if request.config.getoption("--long") else 5
    n_alarms = 0
    for seed in range(n_draws):
        generator = np.random.default_rng(seed)
        world = make_log(3000, generator)
        often = 1 / np.arange(1, 3001) ** 0.7
        confidences = np.sort(world["confidence"].to_numpy())[::-1]
        world = with_column(world, "confidence", confidences)  # Frequent texts are the sure ones.
        periods = []
        for n_rows in (8000, 800):
            drawn = generator.choice(3000, n_rows, p=often / often.sum())
            rows = world.take(drawn)
            periods.append(
                with_column(rows, "prediction_id", [f"{n_rows}-{row}" for row in range(n_rows)])
            )
        found = study_drift(periods[1], earlier=periods[0])
        n_alarms += found.severity is not Severity.NONE
    assert binom.sf(n_alarms - 1, n_draws, 0.05) > 1e-3


def test_a_suspension_is_no_drift():
    generator = np.random.default_rng(7)
    current = make_log(800, generator)
    moved = pa.array(
        ["review" if one == "automatic" else one for one in current["decision"].to_pylist()]
    )
    reasons = [
        "suspended" if one == "above_threshold" else one for one in current["reason"].to_pylist()
    ]
    current = with_column(with_column(current, "decision", moved), "reason", reasons)
    found = study_drift(current, reference=Window.of(make_log(2000, generator)).profile)
    assert severity_of(found, "decisions") is Severity.NONE


def test_another_threshold_is_not_compared():
    found = study(threshold_id=["other"] * 800)
    assert "decisions_not_compared" in found.notes
    assert "decisions" not in {one.comparison.name for one in found.findings}


def test_without_reference_nothing_is_guessed():
    with pytest.raises(DataError, match="Retrain"):
        study_drift(make_log(300, np.random.default_rng(0)))


def test_an_empty_log_has_no_data_yet():
    with pytest.raises(DataError, match="No data yet"):
        study_drift(make_log(0, np.random.default_rng(0)))


def test_two_models_are_not_compared():
    generator = np.random.default_rng(0)
    current, earlier = make_log(300, generator), make_log(300, generator)
    other = with_column(earlier, "model_digest", ["other"] * 300)
    with pytest.raises(UsageError, match="different models"):
        study_drift(current, earlier=other)
    with pytest.raises(UsageError, match="2 models"):
        study_drift(pa.concat_tables([current, other]), earlier=earlier)


def test_a_study_is_json_and_the_same_again():
    one, other = (study(8, shares=SHARES[::-1]) for _ in range(2))
    assert json.dumps(one.to_dict(), allow_nan=False) == json.dumps(other.to_dict())


def test_few_rows_are_studied_without_fuss():
    found = study(n_current=3)
    assert found.severity is Severity.NONE
    assert "too_few_texts" in found.notes
    assert found.sentences.fr[0] == "Il y a trop peu de libellés pour comparer quoi que ce soit."
