"""What the demonstration corpus promises: real enough to be hard, and the same everywhere."""

import csv
import hashlib
from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest

from libelle.data.datasets import read_dataset, split_dataset
from libelle.data.demo import (
    SYNTHETIC_NOTICE,
    SYNTHETIC_NOTICE_FR,
    demo_nomenclature,
    make_demo,
    write_demo,
)
from libelle.data.demo.generator import CHANGE_DAYS, FIRST_DAY, LATE_DAYS, N_DAYS
from libelle.data.nomenclature import Nomenclature, read_nomenclature
from libelle.data.text import repair_mojibake, split_key
from libelle.errors import StorageError

DIGEST = "2cec24065673a818de1437935197179e67f0308d6f128d2f4d43aacf1b230a01"
LAST_DAY = FIRST_DAY + timedelta(days=N_DAYS - 1)


@pytest.fixture(scope="module")
def corpus():
    return make_demo()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "demo.csv"
    write_demo(path)
    return path


def test_the_corpus_is_the_same_on_every_machine(written):
    assert hashlib.sha256(written.read_bytes()).hexdigest() == DIGEST


def test_another_seed_writes_another_corpus(corpus):
    assert make_demo(seed=1, n_texts=50) != corpus[:50]
    assert make_demo(seed=1, n_texts=50) == make_demo(seed=1, n_texts=50)


def test_the_nomenclature_has_two_levels_and_leading_zeros(corpus):
    nomenclature = Nomenclature.from_rows(*zip(*demo_nomenclature(), strict=True))
    themes = [code for code in nomenclature.codes if nomenclature.level_of(code) == 2]
    services = {nomenclature.parent_of(code) for code in themes}
    assert len(services) >= 8
    assert len(themes) >= 30
    assert all(code.startswith("0") for code in nomenclature.codes)
    assert {text.code for text in corpus} == set(themes)


def test_classes_are_unequal(corpus):
    counts = Counter(text.code for text in corpus).most_common()
    assert len(corpus) >= 6_000
    assert counts[0][1] >= 15 * counts[-1][1]
    assert counts[-1][1] >= 25


def test_texts_are_those_of_people(corpus):
    texts = [text.text for text in corpus]
    assert "" in texts
    assert "???" in texts
    assert any(text.isupper() and text.isascii() and len(text) > 30 for text in texts)
    assert any(repair_mojibake(text) != text for text in texts)
    assert any("d'" in text for text in texts)
    assert any("d’" in text for text in texts)
    assert any(" rdv " in f" {text} " for text in texts)


def test_some_texts_bear_contradictory_codes_and_most_are_unique(corpus):
    codes = defaultdict(set)
    for text in corpus:
        codes[split_key(text.text)].add(text.code)
    assert sum(len(found) > 1 for found in codes.values()) >= 50
    assert len(codes) >= 0.75 * len(corpus)


def test_dates_cover_eighteen_months_in_order(corpus):
    days = [date.fromisoformat(text.date) for text in corpus]
    assert days == sorted(days)
    assert (days[0], days[-1]) == (FIRST_DAY, LAST_DAY)


def test_a_theme_appears_and_another_changes_its_words(corpus):
    late = LAST_DAY - timedelta(days=LATE_DAYS)
    compost = [text.date for text in corpus if text.code == "0206"]
    assert min(compost) > late.isoformat()
    changed = (LAST_DAY - timedelta(days=CHANGE_DAYS)).isoformat()
    vignette = [text.date for text in corpus if "vignette digitale" in text.text]
    assert vignette
    assert min(vignette) > changed


def test_the_file_is_plain_csv(written, corpus):
    with written.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [text.text for text in corpus]
    assert [row["code"] for row in rows] == [text.code for text in corpus]
    nomenclature = read_nomenclature(written.with_name("demo-nomenclature.csv"))
    assert nomenclature.title_of("0103") == "Éclairage public"
    split = split_dataset(read_dataset(written, text="text", code="code", date="date"), seed=0)
    assert len(split.test) > 500


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(StorageError):
        write_demo(tmp_path / "absent" / "demo.csv")


def test_it_says_that_it_is_synthetic():
    assert "synthetic" in SYNTHETIC_NOTICE
    assert "synthétique" in SYNTHETIC_NOTICE_FR
