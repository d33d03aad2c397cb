"""The one model that answers, and its name in the address."""

import pytest

from api.loading import ModelSource, load_model
from api.schemas import ModelDescription


def test_the_model_describes_itself(client, model):
    described = ModelDescription.model_validate_json(client.get("/v1/model").content)
    assert (described.name, described.version) == ("demo", "3")
    assert described.digest == model.predictor.digest
    assert (described.nomenclature.n_codes, described.nomenclature.levels) == (9, [1, 2])
    assert described.n_codes == 6
    assert described.thresholds == []
    assert described.metrics == {"test": {"accuracy": 0.9}}
    assert described.loaded_at == model.loaded_at


def test_the_models_are_one(client, model):
    identity = {"name": "demo", "version": "3", "digest": model.predictor.digest}
    assert client.get("/v1/models").json() == {"models": [identity]}


@pytest.mark.parametrize("path", ["/model", "/codes", "/codes/0101"])
def test_the_name_in_the_address_changes_no_answer(client, path):
    assert client.get(f"/v1/models/demo{path}").json() == client.get(f"/v1{path}").json()


@pytest.mark.parametrize(
    ("path", "body"),
    [("/predict", {"text": "Crèche"}), ("/predict/batch", {"items": [{"text": "Crèche"}]})],
)
def test_the_name_in_the_address_changes_no_prediction(client, path, body):
    headers = {"X-Request-ID": "r"}
    named = client.post(f"/v1/models/demo{path}", json=body, headers=headers)
    assert named.status_code == 200
    assert named.json() == client.post(f"/v1{path}", json=body, headers=headers).json()
    assert client.post(f"/v1/models/Demo{path}", json=body).status_code == 404


def test_the_registry_names_the_model_before_its_folder(model_folder):
    model = load_model(ModelSource(model_folder, name="naf", version="12"))
    assert (model.name, model.version) == ("naf", "12")
    assert load_model(ModelSource(model_folder)).name == "demo"
