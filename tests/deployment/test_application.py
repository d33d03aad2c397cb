"""The Application of ArgoCD has the fields that are meant, and no other."""

import copy
import json

import jsonschema
import pytest
import yaml

from tests.deployment.conftest import ROOT
from tests.deployment.manifests import API, of_kind

SCHEMA = json.loads((ROOT / "argocd/application.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def application(configured):
    return yaml.safe_load((configured / "argocd/application.yaml").read_text())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_application_is_what_the_schema_says(application):
    VALIDATOR.validate(application)


def test_it_follows_the_overlay_that_is_configured(application, built):
    spec = application["spec"]
    assert (ROOT / spec["source"]["path"] / "kustomization.yaml").is_file()
    assert spec["source"]["repoURL"] == "https://github.com/jdoe/libelle.git"
    namespaces = {one["metadata"]["namespace"] for one in built["sspcloud"]}
    assert namespaces == {spec["destination"]["namespace"]}


@pytest.mark.parametrize("variant", ["sspcloud", "everything"])
def test_the_replicas_that_the_autoscaler_chooses_are_no_difference(application, built, variant):
    (scaler,) = of_kind(built[variant], "HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    ignored = {(one["kind"], one["name"]) for one in application["spec"]["ignoreDifferences"]}
    assert (target["kind"], API) in ignored
    assert "RespectIgnoreDifferences=true" in application["spec"]["syncPolicy"]["syncOptions"]


def rename(mapping, name, other):
    mapping[other] = mapping.pop(name)


WRONG = {
    "selfHeel": lambda spec: rename(spec["syncPolicy"]["automated"], "selfHeal", "selfHeel"),
    "repoUrl": lambda spec: rename(spec["source"], "repoURL", "repoUrl"),
    "prune is text": lambda spec: spec["syncPolicy"]["automated"].update(prune="yes"),
    "prune is not said": lambda spec: spec["syncPolicy"]["automated"].pop("prune"),
    "a placeholder": lambda spec: spec["destination"].update(namespace="user-<user>"),
    "no address": lambda spec: spec["source"].update(repoURL="<repo>"),
    "another project": lambda spec: spec.update(project="libelle"),
    "another cluster": lambda spec: spec["destination"].update(server="https://elsewhere"),
    "an option that is not": lambda spec: spec["syncPolicy"]["syncOptions"].append("Prune=yes"),
    "a retry without end": lambda spec: spec["syncPolicy"]["retry"].update(limit=-1),
    "no backoff": lambda spec: spec["syncPolicy"]["retry"].pop("backoff"),
    "a duration that is not": lambda spec: spec["syncPolicy"]["retry"]["backoff"].update(
        duration="10 s"
    ),
}


@pytest.mark.parametrize("break_it", WRONG.values(), ids=WRONG)
def test_what_is_misspelt_is_refused(application, break_it):
    broken = copy.deepcopy(application)
    break_it(broken["spec"])
    assert list(VALIDATOR.iter_errors(broken))
