"""Workflows: valid, pinned, and allowed no more than they need."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
PROGRAMS = Path(sys.executable).parent
USE = re.compile(r"^\s*(?:- )?uses:\s*(\S+)(.*)$", re.MULTILINE)


def read(name) -> dict:
    return yaml.safe_load((FOLDER / name).read_text())


def run(program, *arguments):
    command = [PROGRAMS / program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def steps(name):
    return [step for job in read(name)["jobs"].values() for step in job.get("steps", [])]


def test_zizmor_finds_nothing():
    finished = run("zizmor", "--offline", "--no-progress", "--persona=pedantic", str(FOLDER))
    assert finished.returncode == 0, finished.stdout


def test_workflows_are_those_that_github_reads():
    schema = ["--builtin-schema", "vendor.github-workflows"]
    finished = run("check-jsonschema", *schema, *map(str, WORKFLOWS))
    assert finished.returncode == 0, finished.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_their_version_is_said(path):
    uses = [use for use in USE.findall(path.read_text()) if not use[0].startswith("$/")]
    assert uses
    for action, comment in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_an_action_has_one_version_everywhere():
    uses = {use for path in WORKFLOWS for use in USE.findall(path.read_text())}
    names = [action.partition("@")[0] for action, _ in uses]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_has_the_rights_that_it_names_and_an_end(path):
    workflow = read(path.name)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]
    for job in workflow["jobs"].values():
        assert job["permissions"]
        # Another workflow of ours has its own.
        assert "uses" in job or job["timeout-minutes"] <= 60


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_clone_keeps_no_credentials(path):
    clones = [step for step in steps(path.name) if "actions/checkout" in step.get("uses", "")]
    assert clones
    assert all(step["with"]["persist-credentials"] is False for step in clones)


def test_every_supported_python_is_tested():
    project = (ROOT / "pyproject.toml").read_text()
    (oldest,) = re.findall(r'requires-python = ">=3\.(\d+)"', project)
    tested = read("tests.yml")["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{minor}" for minor in range(int(oldest), int(oldest) + len(tested))]
    assert len(tested) >= 4


def test_every_target_of_the_dockerfile_is_released():
    targets = read("release.yml")["jobs"]["image"]["strategy"]["matrix"]["target"]
    assert sorted(targets) == ["api", "dashboard", "train"]


def test_every_lock_is_audited():
    locks = read("audit.yml")["jobs"]["audit"]["strategy"]["matrix"]["lock"]
    assert sorted(locks) == sorted(path.stem for path in (ROOT / "locks").glob("*.txt"))


def test_an_image_is_scanned_before_it_is_pushed_and_attested_after():
    names = [
        step.get("uses", "").partition("@")[0] or step.get("name") for step in steps_of_image()
    ]
    scanned = names.index("aquasecurity/trivy-action")
    pushed = names.index("Push what was scanned")
    attested = names.index("actions/attest-build-provenance")
    assert scanned < pushed < attested
    scan = steps_of_image()[scanned]["with"]
    assert (scan["exit-code"], scan["severity"]) == ("1", "HIGH,CRITICAL")
    assert "push" not in steps_of_image()[names.index("docker/build-push-action")]["with"]


def steps_of_image():
    return read("release.yml")["jobs"]["image"]["steps"]


def test_nothing_is_released_that_fails_a_test():
    jobs = read("release.yml")["jobs"]
    assert jobs["tests"]["uses"] == "$/.github/workflows/tests.yml"
    assert "workflow_call" in read("tests.yml")[True]
    assert jobs["image"]["needs"] == "tests"
    assert jobs["release"]["needs"] == jobs["deploy"]["needs"] == "image"


def test_a_deployment_does_not_start_the_workflows_again():
    ignored = read("tests.yml")[True]["push"]["paths-ignore"]  # YAML reads `on` as true.
    assert ignored == ["argocd/**", "kubernetes/overlays/**"]
    assert all((ROOT / pattern.removesuffix("/**")).is_dir() for pattern in ignored)
    assert read("release.yml")[True] == {"push": {"tags": ["v*"]}}


def test_the_bump_commit_is_made_by_our_own_command():
    (bump,) = [step["run"] for step in steps("release.yml") if "deploy bump" in step.get("run", "")]
    assert '--overlay "$OVERLAY" "${images[@]}"' in bump
    assert "${{" not in bump
