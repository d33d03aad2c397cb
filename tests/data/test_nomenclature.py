"""Nomenclature: levels out of parents, contradictions refused by name."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libelle.data.nomenclature import Nomenclature, read_nomenclature
from libelle.errors import NomenclatureError

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def nomenclature(*rows):
    return Nomenclature.from_rows(*zip(*rows, strict=True))


FOOD = nomenclature(
    ("01.1", "Pain", "01"), ("01", "Aliments", ""), ("02", "", None), ("01.2", "Lait", "01")
)


def test_codes_are_sorted_and_know_their_place():
    assert FOOD.codes == ("01", "01.1", "01.2", "02")
    assert (FOOD.parent_of("01.1"), FOOD.parent_of("01")) == ("01", None)
    assert FOOD.children_of("01") == ("01.1", "01.2")
    assert FOOD.children_of(None) == ("01", "02")
    assert (FOOD.level_of("01"), FOOD.level_of("01.2"), FOOD.levels) == (1, 2, (1, 2))
    assert FOOD.ancestors_of("01.2") == ("01",)


def test_a_code_without_title_or_unknown_is_its_own_title():
    assert (FOOD.title_of("01"), FOOD.title_of("02"), FOOD.title_of("99")) == (
        "Aliments",
        "02",
        "99",
    )


def test_codes_alone_make_one_level():
    alone = Nomenclature.from_codes(["02", "01", "02"])
    assert alone.to_rows() == [("01", "01", ""), ("02", "02", "")]
    assert ("01" in alone, "1" in alone, len(alone)) == (True, False, 2)


@given(parents=st.lists(st.integers(0, 10**6), min_size=1, max_size=40), order=st.randoms())
def test_any_tree_is_read_back_from_its_rows_in_any_order(parents, order):
    codes = [f"{n:03}" for n in range(len(parents))]
    above = [codes[parent % n] if n and parent % 3 else "" for n, parent in enumerate(parents)]
    rows = list(zip(codes, codes, above, strict=True))
    shuffled = order.sample(rows, len(rows))
    tree = nomenclature(*shuffled)
    assert tree.to_rows() == rows
    for code in codes:
        assert tree.level_of(code) == len(tree.ancestors_of(code)) + 1
        assert code in tree.children_of(tree.parent_of(code))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("a", "", "b"), ("b", "", "c"), ("c", "", "a"), ("d", "", "a")],
            "themselves: 'a', 'b', 'c'",
        ),
        ([("a", "", "a")], "themselves: 'a'"),
        ([("a", "", ""), ("a", "x", "")], "stand twice: 'a'"),
        ([("a", "", "z")], "parent is not listed: 'a'"),
        ([("a", "", ""), (" ", "x", "")], "1 rows have no code"),
    ],
)
def test_contradictions_are_refused_by_name(rows, message):
    with pytest.raises(NomenclatureError, match=message):
        nomenclature(*rows)


def test_an_unknown_code_has_no_level():
    with pytest.raises(NomenclatureError, match="leading zero"):
        FOOD.level_of("1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("CODE;titre\n1;a\n", "no column 'code'. Its columns: CODE, titre"),
        ("code,title\n", "is empty"),
        ("code,parent\n1,2\n", r"nomen\.csv: Codes whose parent is not listed: '1'"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, content, message):
    path = tmp_path / "nomen.csv"
    path.write_text(content)
    with pytest.raises(NomenclatureError, match=message):
        read_nomenclature(path)


def test_any_delimiter_and_encoding_are_read(tmp_path):
    path = tmp_path / "nomen.csv"
    path.write_bytes("parent;title;code\n;Céréales;01\n01;Blé;011\n".encode("cp1252"))
    assert read_nomenclature(path).to_rows() == [("01", "Céréales", ""), ("011", "Blé", "01")]


@pytest.mark.real_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real public sets are not beside the project")
@pytest.mark.parametrize(
    "path", sorted(SHARED.glob("*/nomenclature.csv")), ids=lambda p: p.parent.name
)
def test_real_nomenclatures_are_read(path):
    real = read_nomenclature(path)
    assert real.levels == (1, 2, 3, 4, 5)
    assert all(real.title_of(code) for code in real.codes)
