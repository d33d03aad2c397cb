"""Split and folds: whole keys, every row counted, each code in its share."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libelle.data.datasets import Dataset, make_folds, split_dataset
from libelle.data.datasets.split import MAX_HELD_OUT_TEXTS
from libelle.errors import DataError

# Few words, so that keys repeat; "É"/"e" and "a."/"a" share theirs; "" and "?" are empty keys.
TEXTS = st.sampled_from(["", "?", "É", "e", "a.", "a", *(f"mot {n}" for n in range(60))])
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from("ABCD")), min_size=1, max_size=150)


def dataset_of(rows, *, dates=None, groups=None):
    texts, codes = map(list, zip(*rows, strict=True))
    return Dataset(texts=texts, codes=codes, dates=dates, groups=groups)


def split_or_refuse(dataset, **options):
    try:
        return split_dataset(dataset, seed=0, **options)
    except DataError:
        return None


def sides(split):
    return split.fit, split.certify, split.test


def rows_of(*datasets):
    return Counter(row for data in datasets for row in zip(data.texts, data.codes, strict=True))


def different_texts(n_texts, n_codes):
    return [(f"libellé {n}", f"{n % n_codes:02}") for n in range(n_texts)]


@given(rows=ROWS)
def test_no_key_stands_on_two_sides_and_no_row_is_lost(rows):
    dataset = dataset_of(rows)
    split = split_or_refuse(dataset)
    if split is not None:
        assert split.n_leaked_keys == 0
        assert sum(len(set(side.keys)) for side in sides(split)) == len(set(dataset.keys))
        assert rows_of(*sides(split)) == rows_of(dataset)


@given(rows=ROWS)
def test_every_code_is_learnt(rows):
    split = split_or_refuse(dataset_of(rows))
    if split is not None:
        assert set(split.fit.codes) >= set(split.certify.codes) | set(split.test.codes)


@given(n_texts=st.integers(90, 2000), n_codes=st.integers(2, 30), seed=st.integers(0, 99))
def test_each_code_has_its_share_on_each_side(n_texts, n_codes, seed):
    split = split_dataset(dataset_of(different_texts(n_texts, n_codes)), seed=seed)
    for side, share in zip(sides(split), (0.75, 0.15, 0.10), strict=True):
        assert len(side) == pytest.approx(share * n_texts, abs=2)
        for code, n_rows in Counter(side.codes).items():
            wanted = share * len(range(int(code), n_texts, n_codes))
            assert n_rows == pytest.approx(wanted, abs=2)


def test_the_same_seed_gives_the_same_split_and_another_does_not():
    dataset = dataset_of(different_texts(500, 5))
    once, again = split_dataset(dataset, seed=1), split_dataset(dataset, seed=1)
    assert [side.texts for side in sides(once)] == [side.texts for side in sides(again)]
    assert split_dataset(dataset, seed=2).test.texts != once.test.texts


def test_each_key_is_held_out_with_the_same_probability():
    rows = different_texts(40, 3)
    drawn = Counter()
    for seed in range(400):
        drawn.update(split_dataset(dataset_of(rows), seed=seed).test.texts)
    assert min(drawn[text] for text, _ in rows) > 15  # 40 are expected, give or take 6.
    assert max(drawn.values()) < 65


def test_held_out_sides_are_capped_and_the_surplus_is_learnt():
    split = split_dataset(dataset_of(different_texts(60_000, 7)), seed=0)
    assert MAX_HELD_OUT_TEXTS * 0.99 < len(split.certify) <= MAX_HELD_OUT_TEXTS
    assert MAX_HELD_OUT_TEXTS * 0.99 < len(split.test) <= MAX_HELD_OUT_TEXTS
    assert len(split.fit) + len(split.certify) + len(split.test) == 60_000


@pytest.mark.parametrize("seed", range(5))
def test_the_cap_counts_texts_and_not_keys(seed):
    rows = [row for n, row in enumerate(different_texts(9_000, 7)) for _ in range(1 + n % 9)]
    split = split_dataset(dataset_of(rows), seed=seed)
    assert len(split.certify) <= MAX_HELD_OUT_TEXTS
    assert len(split.certify) + len(split.test) > 0.19 * len(rows)


def test_a_code_of_one_key_is_learnt():
    rows = [*different_texts(100, 4), ("seul", "99"), ("Seul !", "99")]
    for seed in range(20):
        assert split_dataset(dataset_of(rows), seed=seed).fit.codes.count("99") == 2


def test_a_text_repeated_beyond_the_size_of_a_side_is_learnt():
    rows = [*different_texts(100, 4), *([("pain", "00")] * 60)]
    for seed in range(20):
        assert split_dataset(dataset_of(rows), seed=seed).fit.texts.count("pain") == 60


@given(rows=ROWS, days=st.data())
def test_with_dates_time_goes_from_fit_to_test(rows, days):
    day = st.integers(1, 28).map("2024-02-{:02}".format)
    dates = days.draw(st.lists(day, min_size=len(rows), max_size=len(rows)))
    dataset = dataset_of(rows, dates=dates)
    split = split_or_refuse(dataset)
    if split is not None:
        assert split.n_leaked_keys == 0
        assert max(split.fit.dates) < min(split.certify.dates)
        assert max(split.certify.dates) < min(split.test.dates)
        left_out = sum(split.n_left_out.values())
        assert sum(map(len, sides(split))) + left_out == len(dataset)


def test_a_key_stands_where_its_earliest_text_stands():
    dates = [f"2024-01-{day:02}" for day in range(1, 21)]
    rows = different_texts(20, 2)
    rows[19] = ("LIBELLÉ 0", "00")
    split = split_dataset(dataset_of(rows, dates=dates), seed=0)
    assert "libellé 0" in split.fit.texts
    assert "LIBELLÉ 0" not in split.test.texts
    assert split.n_left_out["later_repeats"] == 1


def test_a_row_without_date_is_left_out_and_counted():
    dates = ["", *(f"2024-01-{day:02}" for day in range(1, 20))]
    split = split_dataset(dataset_of(different_texts(20, 2), dates=dates), seed=0)
    assert split.n_left_out["without_date"] == 1


def test_two_dates_cannot_be_cut_in_three():
    dates = ["2024-01-01", "2024-01-02"] * 10
    with pytest.raises(DataError, match="2 different dates: 3 are needed"):
        split_dataset(dataset_of(different_texts(20, 2), dates=dates), seed=0)


@given(rows=ROWS, test_rows=ROWS)
def test_a_test_file_is_kept_whole_and_its_keys_are_left_out(rows, test_rows):
    dataset, test = dataset_of(rows), dataset_of(test_rows)
    split = split_or_refuse(dataset, test=test)
    if split is not None:
        assert split.test is test
        assert split.n_leaked_keys == 0
        n_rest = len(split.fit) + len(split.certify)
        assert n_rest + split.n_left_out["keys_in_test"] == len(dataset)


@given(rows=ROWS, n_groups=st.integers(1, 30))
def test_groups_alone_make_the_sides(rows, n_groups):
    groups = [str(place * 7 % n_groups) if place % 5 else "" for place in range(len(rows))]
    dataset = dataset_of(rows, groups=groups)
    split = split_or_refuse(dataset)
    if split is not None:
        fit, certify, test = (set(side.groups) - {""} for side in sides(split))
        assert not fit & certify
        assert not fit & test
        assert not certify & test
        assert not set(split.fit.keys) & set(split.certify.keys + split.test.keys)
        left_out = sum(split.n_left_out.values())
        assert sum(map(len, sides(split))) + left_out == len(dataset)


def test_a_row_without_group_follows_its_own_text():
    groups = ["1", "2", *[""] * 98]
    split = split_dataset(dataset_of(different_texts(100, 4), groups=groups), seed=0)
    assert (len(split.certify), len(split.test)) == (15, 10)


def test_a_row_left_out_for_two_reasons_is_counted_once():
    dates = ["", *(f"2024-01-{day:02}" for day in range(1, 20))]
    dataset = dataset_of(different_texts(20, 2), dates=dates)
    split = split_dataset(dataset, seed=0, test=dataset_of([("libellé 0", "00")]))
    assert sum(split.n_left_out.values()) == 1


def test_keys_that_groups_leave_on_two_sides_are_counted_and_said():
    rows = different_texts(80, 3)
    rows[10], rows[30] = ("même texte", "00"), ("même texte", "00")
    dataset = dataset_of(rows, groups=[str(place // 20) for place in range(80)])
    splits = [split_dataset(dataset, seed=seed) for seed in range(40)]
    leaked = [split for split in splits if split.n_leaked_keys]
    assert leaked
    assert all(split.n_shared_keys["certify_test"] == 1 for split in leaked)
    assert leaked[0].lines()[-1] == "Keys on two sides: 1."


def test_one_code_only_teaches_nothing():
    with pytest.raises(DataError, match="one code only"):
        split_dataset(dataset_of(different_texts(50, 1)), seed=0)


def test_too_few_texts_are_refused():
    with pytest.raises(DataError, match="are needed to cut it"):
        split_dataset(dataset_of(different_texts(3, 2)), seed=0)


@given(rows=ROWS, n_folds=st.integers(2, 10), seed=st.integers(0, 9))
def test_folds_keep_keys_whole_and_are_never_empty(rows, n_folds, seed):
    dataset = dataset_of(rows)
    if len(set(dataset.keys)) < n_folds:
        with pytest.raises(DataError, match="fewer than"):
            make_folds(dataset, n_folds=n_folds, seed=seed)
        return
    folds = make_folds(dataset, n_folds=n_folds, seed=seed)
    assert len(set(zip(dataset.keys, folds.tolist(), strict=True))) == len(set(dataset.keys))
    assert set(folds.tolist()) == set(range(n_folds))


@given(sizes=st.lists(st.integers(1, 40), min_size=2, max_size=12), n_folds=st.integers(2, 6))
def test_each_fold_has_its_part_of_each_code(sizes, n_folds):
    rows = [(f"{code} {n}", str(code)) for code, size in enumerate(sizes) for n in range(size)]
    if len(rows) < n_folds:
        return
    folds = make_folds(dataset_of(rows), n_folds=n_folds, seed=0)
    for code, size in enumerate(sizes):
        in_fold = Counter(folds[[own == str(code) for _, own in rows]].tolist())
        assert max(in_fold.values()) <= -(-size // n_folds)
        assert min(in_fold[fold] for fold in range(n_folds)) >= size // n_folds


def test_a_code_whose_keys_are_all_contradictory_is_still_in_every_fold():
    generator = np.random.default_rng(0)
    rows = [(f"texte {n}", str(generator.integers(10))) for n in range(2000)]
    rows += [(f"texte {n}", "rare") for n in range(0, 2000, 400)]
    folds = make_folds(dataset_of(rows), n_folds=5, seed=0)
    assert sorted(folds[-5:].tolist()) == [0, 1, 2, 3, 4]


def test_folds_of_groups_keep_groups_whole_and_codes_spread():
    generator = np.random.default_rng(0)
    groups = [str(group) for group in generator.integers(60, size=1500)]
    rows = [(f"texte {n}", str(code)) for n, code in enumerate(generator.integers(8, size=1500))]
    folds = make_folds(dataset_of(rows, groups=groups), n_folds=5, seed=0)
    assert len(set(zip(groups, folds.tolist(), strict=True))) == len(set(groups))
    assert min(Counter(folds.tolist()).values()) > 270  # 300 are expected.
    for code in range(8):
        in_fold = Counter(folds[[own == str(code) for _, own in rows]].tolist())
        assert min(in_fold.values()) > 25  # 37 are expected.


def test_folds_are_the_same_for_the_same_seed():
    dataset = dataset_of(different_texts(300, 7))
    once = make_folds(dataset, n_folds=5, seed=3)
    assert (once == make_folds(dataset, n_folds=5, seed=3)).all()
    assert (once != make_folds(dataset, n_folds=5, seed=4)).any()


@settings(max_examples=20)
@given(rows=ROWS)
def test_the_digest_follows_the_rows(rows):
    dataset = dataset_of(rows)
    assert dataset.digest == dataset_of(rows).digest
    assert dataset.digest != dataset_of([*rows, ("de plus", "A")]).digest
    twice = [text for text, _ in rows]
    assert dataset_of(rows, dates=twice).digest != dataset_of(rows, groups=twice).digest
