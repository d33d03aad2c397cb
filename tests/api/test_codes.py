"""The nomenclature over HTTP."""

from dataclasses import replace

from api.schemas import CodeDetails, CodePage
from libelle.data.nomenclature import Nomenclature
from tests.api.conftest import TITLES, make_predictor


def test_codes_are_found_whatever_the_accents_and_the_case(client):
    page = CodePage.model_validate_json(client.get("/v1/codes?q=creches").content)
    assert page.total == 1
    [code] = page.codes
    assert (code.code, code.title, code.level, code.parent) == ("0201", "Crèches", 2, "02")


def test_without_words_the_nomenclature_is_listed_by_pages(client):
    listed = []
    for offset in range(0, 12, 4):
        page = client.get("/v1/codes", params={"limit": 4, "offset": offset}).json()
        assert (page["total"], page["limit"], page["offset"]) == (9, 4, offset)
        listed += [code["code"] for code in page["codes"]]
    assert listed == sorted(TITLES)


def test_a_code_tells_what_stands_around_it(client):
    details = CodeDetails.model_validate_json(client.get("/v1/codes/02").content)
    assert (details.title, details.level, details.parents) == ("Enfance", 1, [])
    assert [child.code for child in details.children] == ["0201", "0202"]
    below = client.get("/v1/codes/0201").json()
    assert below["parents"] == [{"code": "02", "title": "Enfance"}]


def test_a_code_keeps_its_leading_zero(client):
    assert client.get("/v1/codes/101").status_code == 404


def test_a_code_may_hold_a_slash(make_client, model):
    predictor = make_predictor()
    predictor.nomenclature = Nomenclature.from_codes(["A/1", "é 2"])
    client = make_client(replace(model, predictor=predictor))
    for path in ("A/1", "A%2F1", "%C3%A9%202"):
        assert client.get(f"/v1/codes/{path}").status_code == 200
