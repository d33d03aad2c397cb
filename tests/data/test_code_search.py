"""Finding codes by their words."""

from hypothesis import given
from hypothesis import strategies as st

from libelle.data.code_search import CodeSearch
from libelle.data.nomenclature import Nomenclature

# Halves of surrogate pairs are too rare among all characters to be met by chance.
HALVES = st.sampled_from("\ud800\udbff\udc00\udfff")
WILD_TEXT = st.lists(st.characters() | HALVES, max_size=20).map("".join)
NOMENCLATURE = Nomenclature.from_rows(
    ["01", "02", "0201", "10"],
    ["Voirie, sauf 02", "Enfance", "Crèche et garde d'enfants", "Écoles"],
    [None, None, "02", None],
)
SEARCH = CodeSearch(NOMENCLATURE)


def test_accents_case_and_order_do_not_count():
    assert SEARCH.find("ENFANTS crèche") == SEARCH.find("creche enfants") == ("0201",)


def test_codes_that_begin_with_the_query_come_first():
    assert SEARCH.find("02") == ("02", "0201", "01")


@given(query=WILD_TEXT)
def test_any_query_finds_codes_of_the_nomenclature(query):
    assert set(SEARCH.find(query)) <= set(NOMENCLATURE.codes)


def test_every_code_is_found_by_its_title():
    for code in NOMENCLATURE.codes:
        assert code in SEARCH.find(NOMENCLATURE.title_of(code))
