"""Every overlay keeps every policy, as an operator gets it; each policy sees what breaks it."""

import copy
import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from tests.deployment import policies
from tests.deployment.breaks import BREAKS, put
from tests.deployment.conftest import ROOT, VARIANTS, build, choose
from tests.deployment.manifests import API, DASHBOARD, of_kind, quantity, workload, workloads
from tests.deployment.policies import POLICIES

OLDEST, NEWEST = "1.30", "1.37"
README = (ROOT / "kubernetes/README.md").read_text()


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_every_overlay_keeps_every_policy(objects, policy):
    assert list(policy(objects)) == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_objects_are_those_of_kubernetes_and_nothing_else(objects, version):
    for one in objects:
        kubernetes_validate.validate(one, version, strict=True)


def test_a_field_that_does_not_exist_is_refused(everything):
    workload(everything, API).spec["terminationGracePeriod"] = 60
    with pytest.raises(kubernetes_validate.ValidationError, match="terminationGracePeriod"):
        test_objects_are_those_of_kubernetes_and_nothing_else(everything, NEWEST)


def test_the_readme_names_the_versions():
    assert f"Kubernetes {OLDEST} or newer" in README
    assert kubernetes_validate.latest_version().startswith(NEWEST)


def test_a_second_build_is_the_same(configured, tmp_path):
    again = shutil.copytree(configured, tmp_path / "clone")
    folder = "kubernetes/overlays/sspcloud"
    assert build(configured / folder) == build(again / folder)


def test_another_model_makes_other_pods(configured, tmp_path):
    clone = shutil.copytree(configured, tmp_path / "clone")
    folder = choose(clone, "sspcloud", ())
    path = folder / "kustomization.yaml"
    before = list(yaml.safe_load_all(build(folder)))
    path.write_text(path.read_text().replace("models:/naf/3", "models:/naf/4"))
    after = list(yaml.safe_load_all(build(folder)))
    names = [workload(one, API).container["envFrom"] for one in (before, after)]
    assert names[0] != names[1]


def test_secrets_are_those_of_the_readme(built):
    assert list(policies.secrets_are_documented(built["everything"], README)) == []
    less = README.replace("create secret generic log-key", "create secret generic key")
    assert list(policies.secrets_are_documented(built["everything"], less))


def total(objects, names, side, resource):
    return sum(
        n * quantity(workload(objects, name).container["resources"][side][resource])
        for name, n in names.items()
    )


JOBS = {"libelle-drift": 1, "libelle-log-retention": 1, "libelle-training": 1}


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("at rest", {API: 2, DASHBOARD: 1}),
        ("at most", {API: 5, DASHBOARD: 1, **JOBS}),
        ("`bulk-prediction`", {"libelle-bulk-prediction": 1}),
    ],
)
def test_the_readme_says_what_a_quota_must_allow(built, row, names):
    objects = built["everything"]
    (line,) = re.findall(rf"^\| {re.escape(row)}.*$", README, re.MULTILINE)
    told = [quantity(cell.strip()) for cell in line.strip("| ").split("|")[1:]]
    sums = [
        total(objects, names, side, resource)
        for side in ("requests", "limits")
        for resource in ("cpu", "memory")
    ]
    assert told == pytest.approx(sums)


def test_the_readme_counts_every_replica_and_job(built):
    objects = built["everything"]
    (scaler,) = of_kind(objects, "HorizontalPodAutoscaler")
    assert scaler["spec"]["maxReplicas"] + 1 == 5
    assert {one["metadata"]["name"] for one in of_kind(objects, "CronJob")} == set(JOBS)


def test_the_readme_says_how_long_a_pod_takes_to_end(built):
    one = workload(built["sspcloud"], API)
    settings = policies.settings_of(built["sspcloud"], one)
    grace = one.spec["terminationGracePeriodSeconds"]
    assert f"under the {grace} of `terminationGracePeriodSeconds`" in " ".join(README.split())
    assert f"{settings.drain_seconds:g} s during which it answers" in README
    assert f"{settings.shutdown_seconds:g} s at most for what is in flight" in README


def test_the_image_and_the_manifests_agree(built):
    path = ROOT / "Dockerfile"
    if not path.is_file():
        pytest.skip("there is no Dockerfile")
    text = path.read_text()
    stages = {
        stage.split()[0]: stage
        for stage in re.split(r"^FROM \S+ AS ", text, flags=re.MULTILINE | re.IGNORECASE)[1:]
    }
    for one in workloads(built["everything"]):
        stage = stages[one.container["image"].partition("@")[0].rpartition("-")[2]]
        lines = re.findall("^EXPOSE (.*)", stage, re.MULTILINE)
        exposed = {int(port) for line in lines for port in line.split()}
        if one.is_service:
            assert exposed == {port["containerPort"] for port in one.container["ports"]}
    user = one.spec["securityContext"]["runAsUser"]
    assert re.search(rf"^USER {user}(:{user})?$", text, re.MULTILINE)
    assert policies.settings_of(built["everything"], one).home.as_posix() in text


@pytest.mark.parametrize(("policy", "break_it"), BREAKS.values(), ids=BREAKS)
def test_each_policy_sees_what_breaks_it(everything, policy, break_it):
    break_it(everything)
    assert list(getattr(policies, policy)(everything))


@pytest.mark.parametrize("purge_ends_with", [0, 1])
def test_a_purge_that_fails_is_told_and_the_rest_is_done(built, tmp_path, purge_ends_with):
    container = workload(built["sspcloud"], "libelle-log-retention").container
    program = tmp_path / "libelle"
    program.write_text(f'#!/bin/sh\necho "$@"\n[ "$2" != purge ] || exit {purge_ends_with}\n')
    program.chmod(0o755)
    command = [*container["command"], *container["args"]]
    done = subprocess.run(command, env={"PATH": f"{tmp_path}:/bin"}, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["log purge", "log compact"]
    assert done.returncode == purge_ends_with


def test_a_gap_between_replicas_is_seen(built):
    objects = copy.deepcopy(built["sspcloud"])
    put(workload(objects, API).object, "spec", "strategy", "rollingUpdate", "maxUnavailable", 1)
    assert list(policies.replacing_leaves_no_gap(objects))


def test_every_policy_was_seen_to_fail():
    assert {policy for policy, _ in BREAKS.values()} == {policy.__name__ for policy in POLICIES}


def test_every_component_is_built():
    known = {path.name for path in (ROOT / "kubernetes/components").iterdir()}
    assert known == set(VARIANTS["everything"][1])


def test_each_file_of_the_base_holds_one_object():
    for path in sorted((ROOT / "kubernetes").rglob("*.yaml")):
        documents = list(yaml.safe_load_all(path.read_text()))
        assert len(documents) == 1, path
        assert path.read_text().startswith("# "), path
