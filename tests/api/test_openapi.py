"""The description is written down, whole, and only grows."""

import copy
import json

import pytest

from api.promises import find_lost_promises
from api.write_openapi import COMMITTED


@pytest.fixture(scope="module")
def committed():
    return json.loads(COMMITTED.read_bytes())


def test_the_committed_description_is_that_of_the_application(client):
    served = client.get("/openapi.json")
    assert served.content == COMMITTED.read_bytes(), "run `python -m api.write_openapi`"


def test_bounds_of_the_settings_are_described(make_client):
    client = make_client(max_batch_texts=7, max_text_characters=8, max_top_k=3)
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["BatchRequest"]["properties"]["items"]["maxItems"] == 7
    assert schemas["BatchItem"]["properties"]["text"]["maxLength"] == 8
    assert schemas["PredictRequest"]["properties"]["top_k"]["maximum"] == 3


def references(node):
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else []
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_somewhere(committed):
    known = {f"#/components/schemas/{name}" for name in committed["components"]["schemas"]}
    assert set(references(committed)) <= known


def test_every_operation_has_its_own_name(committed):
    operations = [op for path in committed["paths"].values() for op in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert {"predict", "predict_batch", "predict_of_model"} <= set(names)


def test_examples_are_valid_requests(client, committed):
    schemas = committed["components"]["schemas"]
    for path, schema in (("/v1/predict", "PredictRequest"), ("/v1/predict/batch", "BatchRequest")):
        for example in schemas[schema]["examples"]:
            assert client.post(path, json=example).status_code == 200


def remove_route(description):
    del description["paths"]["/v1/predict"]


def remove_method(description):
    del description["paths"]["/v1/predict"]["post"]


def remove_answer(description):
    del description["paths"]["/v1/predict"]["post"]["responses"]["422"]


def remove_parameter(description):
    description["paths"]["/v1/codes"]["get"]["parameters"].pop()


def remove_field(description):
    del description["components"]["schemas"]["Prediction"]["properties"]["confidence"]


def remove_input(description):
    del description["components"]["schemas"]["BatchItem"]["properties"]["id"]


def remove_value(description):
    description["components"]["schemas"]["Decision"]["enum"].remove("review")


def require_input(description):
    description["components"]["schemas"]["PredictRequest"]["required"].append("id")


def require_parameter(description):
    description["paths"]["/v1/codes"]["get"]["parameters"][0]["required"] = True


def change_type(description):
    schemas = description["components"]["schemas"]
    schemas["Candidate"]["properties"]["code"]["type"] = "integer"


def change_items(description):
    schemas = description["components"]["schemas"]
    schemas["Prediction"]["properties"]["candidates"]["items"]["$ref"] = "elsewhere"


def change_parameter(description):
    description["paths"]["/v1/codes"]["get"]["parameters"][1]["schema"]["type"] = "string"


def forbid_null(description):
    schemas = description["components"]["schemas"]
    schemas["PredictRequest"]["properties"]["id"]["anyOf"].pop()


BREAKS = [
    remove_route,
    remove_method,
    remove_answer,
    remove_parameter,
    remove_field,
    remove_input,
    remove_value,
    require_input,
    require_parameter,
    change_type,
    change_items,
    change_parameter,
    forbid_null,
]


@pytest.mark.parametrize("change", BREAKS)
def test_a_lost_promise_is_found(committed, change):
    changed = copy.deepcopy(committed)
    change(changed)
    assert len(find_lost_promises(committed, changed)) == 1


def test_what_grows_loses_nothing(committed):
    grown = copy.deepcopy(committed)
    schemas = grown["components"]["schemas"]
    grown["paths"]["/v1/later"] = {"post": {"responses": {}}}
    schemas["Prediction"]["properties"]["more"] = {"type": "string"}
    schemas["PredictRequest"]["properties"]["more"] = {"type": "string"}
    schemas["Decision"]["enum"].append("later")
    schemas["PredictRequest"]["properties"]["text"]["maxLength"] = 20
    schemas["PredictRequest"]["description"] = "Another sentence."
    assert find_lost_promises(committed, grown) == []


def test_the_description_is_always_the_same_bytes(client, make_client):
    assert client.get("/openapi.json").content == make_client().get("/openapi.json").content


def test_an_object_may_be_described_by_a_new_schema(committed):
    freer = copy.deepcopy(committed)
    del freer["components"]["schemas"]["RollUp"]
    free = {"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}]}
    freer["components"]["schemas"]["Prediction"]["properties"]["roll_up"] = free
    freer["components"]["schemas"]["SinglePrediction"]["properties"]["roll_up"] = free
    assert find_lost_promises(freer, committed) == []
    assert "Prediction, field roll_up has another type" in find_lost_promises(committed, freer)
