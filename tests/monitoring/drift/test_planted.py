"""Changes that are known to be there are found, with a real model that answers real texts."""

from collections.abc import Sequence

import numpy as np
import pytest

from libelle.classifiers.calibrated import CalibratedClassifier, Calibration
from libelle.classifiers.tfidf import TfidfClassifier
from libelle.data.datasets import Dataset
from libelle.data.demo import demo_nomenclature, make_demo
from libelle.data.nomenclature import Nomenclature
from libelle.data.text import Normalizer, NormalizerOptions
from libelle.monitoring.drift import Severity, study_drift
from libelle.predictor import Predictor
from libelle.training.reference import make_reference
from tests.evaluated import make_threshold
from tests.monitoring.rows import log_of

# Of the demonstration: a new theme since the first day, other words for parking since the second.
NEW_THEME, NEW_WORDS = "2026-03-03", "2026-04-17"


def learn(texts: Sequence[str], codes: Sequence[str], nomenclature: Nomenclature) -> Predictor:
    normalizer = Normalizer(NormalizerOptions())
    inside = CalibratedClassifier(classifier=TfidfClassifier(), calibration=Calibration(3.0))
    return Predictor(
        normalizer=normalizer,
        classifier=inside.fit(normalizer.normalize_many(texts), list(codes)),
        nomenclature=nomenclature,
        about={"name": "demo", "thresholds": [make_threshold(threshold=0.6)], "levels": {}},
    )


def study_demo(learnt, held_out, current):
    """Study the demonstration, with a model that learnt from some of its texts."""
    nomenclature = Nomenclature.from_rows(*map(list, zip(*demo_nomenclature(), strict=True)))
    predictor = learn([row.text for row in learnt], [row.code for row in learnt], nomenclature)
    generator = np.random.default_rng(0)
    earlier, late = (
        log_of(predictor, [row.text for row in part], generator, days=[row.date for row in part])
        for part in (held_out, current)
    )
    texts, codes = [row.text for row in held_out], [row.code for row in held_out]
    reference = make_reference(predictor, [Dataset(texts=texts, codes=codes)], seed=0)
    return study_drift(late, reference=reference, earlier=earlier, nomenclature=nomenclature)


@pytest.fixture(scope="module")
def demo():
    return make_demo(n_texts=8000)


def test_words_that_change_in_the_demonstration_are_found(demo):
    early = [row for row in demo if row.date < NEW_THEME]
    late = [row for row in demo if row.date >= NEW_WORDS]
    found = study_demo(early[::2], early[1::2], late)
    severities = {one.comparison.name: one.severity for one in found.findings}
    assert severities["unknown_words"].rank >= 1
    assert severities["codes"].rank >= 1
    assert "vignette" in {change.name for change in found.words if change.rises}
    assert "stationnement" in {change.name for change in found.words if not change.rises}
    [parking] = [change for change in found.codes if change.name == "0105"]
    assert parking.ratio < 0.6  # It takes the new words for others.


def test_the_new_theme_of_the_demonstration_is_found_by_a_model_that_knows_it(demo):
    held_out = [row for row in demo[1::2] if row.date < NEW_THEME]
    late = [row for row in demo[1::2] if row.date >= NEW_THEME]
    found = study_demo(demo[::2], held_out, late)
    [compost] = [change for change in found.codes if change.name == "0206"]
    assert compost.rises
    assert "2026-02-23" <= compost.since <= "2026-03-30"
    assert any("« Compostage collectif »" in sentence for sentence in found.sentences.fr)


def test_the_demonstration_before_the_changes_is_calm(demo):
    early = [row for row in demo if row.date < NEW_THEME]
    learnt, others = early[::2], early[1::2]
    before = [row for row in others if row.date < "2025-11-01"]
    after = [row for row in others if row.date >= "2025-11-01"]
    assert study_demo(learnt, before, after).severity is Severity.NONE


@pytest.mark.real_data
def test_the_change_of_the_parliamentary_reserve_is_found(shared_data):
    import pyarrow.parquet as pq

    path = shared_data / "reserve_parlementaire" / "train.parquet"
    rows = pq.read_table(path, columns=["text", "label", "year"]).to_pylist()
    generator = np.random.default_rng(0)
    generator.shuffle(rows)
    then, now = ([row for row in rows if row["year"] == year] for year in (2013, 2015))
    learnt, held_out, calm = then[:3000], then[3000:5500], then[5500:7500]
    codes = sorted({row["label"] for row in rows})
    predictor = learn(
        [row["text"] for row in learnt],
        [row["label"] for row in learnt],
        Nomenclature.from_codes(codes),
    )
    reference = make_reference(
        predictor,
        [
            Dataset(
                texts=[row["text"] for row in held_out], codes=[row["label"] for row in held_out]
            )
        ],
        seed=0,
    )
    logs = [
        log_of(
            predictor,
            [row["text"] for row in part],
            generator,
            days=[f"{row['year']}-06-15" for row in part],
        )
        for part in (held_out, calm, now[:2000])
    ]
    still = study_drift(logs[1], reference=reference, earlier=logs[0])
    assert still.severity is Severity.NONE
    found = study_drift(logs[2], reference=reference, earlier=logs[0])
    severities = {one.comparison.name: one.severity for one in found.findings}
    assert severities["codes"].rank >= 1
    assert severities["domain"].rank >= 1
    assert severities["unknown_words"].rank >= 1
    changed = {change.name: change.rises for change in found.codes}
    assert (changed["122"], changed["224"]) == (False, True)
    assert found.expected.why_not == ("other_texts",)
