"""`libelle deploy`: what it writes, what it leaves, and what it refuses before writing anything."""

import json
import os
import re
import shlex
import subprocess

import pytest
import yaml

from libelle.cli import deploy as door
from libelle.cli import models
from libelle.deployment.scalars import YamlText
from libelle.errors import DataError, StorageError, TrackingError, UsageError
from libelle.settings import Settings
from libelle.tracking.registry import ModelVersion, RegisteredModel
from tests.deployment.conftest import CONFIGURED, DIGEST, IMAGES, ROOT, deploy

OTHER = "f" * 64
SSPCLOUD = CONFIGURED["sspcloud"]
OVERLAY, APPLICATION = "kubernetes/overlays/sspcloud/kustomization.yaml", "argocd/application.yaml"


@pytest.fixture
def told(clone):
    """A clone that was configured and committed."""
    deploy("configure", f"--folder={clone}", *SSPCLOUD)
    git(clone, "init", "--quiet")
    commit(clone)
    return clone


def git(folder, *arguments):
    identity = ["-c", "user.name=jdoe", "-c", "user.email=jdoe@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commit(folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "As it is")


def content(clone):
    return {name: (clone / name).read_text() for name in (OVERLAY, APPLICATION)}


def comments(text):
    return [line for line in text.splitlines() if line.strip().startswith("#")]


def without(option):
    return [one for one in SSPCLOUD if not one.startswith(option)]


def test_configure_writes_the_values_and_leaves_comments_and_layout(clone):
    before = content(clone)
    deploy("configure", f"--folder={clone}", *SSPCLOUD)
    after = content(clone)
    for name in (OVERLAY, APPLICATION):
        assert comments(after[name]) == comments(before[name])
        pairs = zip(before[name].splitlines(), after[name].splitlines(), strict=True)
        changed = [was for was, now in pairs if was != now]
        assert changed
        assert all("<" in was for was in changed)
    overlay = yaml.safe_load(after[OVERLAY])
    assert overlay["namespace"] == "user-jdoe"
    pinned = {f"{one['newName']}@{one['digest']}" for one in overlay["images"]}
    assert pinned == set(IMAGES)
    settings = overlay["configMapGenerator"][0]["literals"]
    assert f"LIBELLE_MODEL_DIGEST={DIGEST}" in settings
    assert "LIBELLE_VERDICT_URI=s3://jdoe/libelle/verdict.json" in settings
    assert "MLFLOW_TRACKING_URI=https://user-jdoe-mlflow.user.lab.sspcloud.fr" in settings


def test_configure_twice_changes_nothing_more(clone, capsys):
    deploy("configure", f"--folder={clone}", *SSPCLOUD)
    first = content(clone)
    capsys.readouterr()
    deploy("configure", f"--folder={clone}", *SSPCLOUD)
    assert content(clone) == first
    assert capsys.readouterr().out == "Nothing changes: the files say so already.\n"


def test_another_namespace_bucket_and_mlflow_may_be_said(clone):
    others = ["--namespace=projet-naf", "--bucket=projet-naf", "--mlflow=http://mlflow:5000"]
    deploy("configure", f"--folder={clone}", *SSPCLOUD, *others)
    text = content(clone)[OVERLAY]
    assert "namespace: projet-naf" in text
    assert text.count("s3://projet-naf/libelle/") == 6
    assert "MLFLOW_TRACKING_URI=http://mlflow:5000" in text
    assert "namespace: projet-naf" in content(clone)[APPLICATION]


def test_what_is_the_users_follows_another_user(told):
    deploy("configure", f"--folder={told}", "--user=bob")
    text = "".join(content(told).values())
    assert "jdoe" not in re.sub("ghcr.io/jdoe|github.com/jdoe|libelle-jdoe.lab", "", text)
    assert text.count("s3://bob/libelle/") == 6
    assert "MLFLOW_TRACKING_URI=https://user-bob-mlflow.user.lab.sspcloud.fr" in text
    assert text.count("namespace: user-bob") == 2


def test_two_images_for_one_place_are_refused(told):
    before = content(told)
    images = [f"--image=ghcr.io/{who}/libelle-api@sha256:{OTHER}" for who in ("jdoe", "bob")]
    for command in ("bump", "configure"):
        with pytest.raises(UsageError, match="two images are for api"):
            deploy(command, f"--folder={told}", *images)
    assert content(told) == before


@pytest.mark.parametrize(
    ("option", "placeholder"),
    [
        ("--user", "<bucket>"),
        ("--host", "<host>"),
        ("--repo", "<repo>"),
        ("--model", "<model>"),
        ("--image=ghcr.io/jdoe/libelle-train", "<image-train>"),
    ],
)
def test_configure_writes_nothing_when_something_is_missing(clone, option, placeholder):
    before = content(clone)
    given = [one for one in without(option) if option != "--model" or "--digest" not in one]
    with pytest.raises(UsageError, match="Nothing was written") as raised:
        deploy("configure", f"--folder={clone}", *given)
    assert placeholder in str(raised.value)
    assert option.partition("=")[0] in str(raised.value)
    assert content(clone) == before


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--image=ghcr.io/jdoe/libelle-api:latest", "the tag latest may be another image"),
        ("--image=ghcr.io/jdoe/libelle-api", "without a digest"),
        ("--image=ghcr.io/jdoe/libelle-api@sha256:0123", "64 digits"),
        (f"--image=ghcr.io/jdoe/libelle-api@sha256:{'G' * 64}", "64 digits"),
        (f"--image=ghcr.io/JDoe/libelle-api@sha256:{DIGEST}", "small letters"),
        (f"--image=ghcr.io/jdoe/naf@sha256:{DIGEST}", "has to end in -api, -train, -dashboard"),
        ("--model=models:/naf@champion", "is an alias"),
        ("--model=models:/naf@anything", "is an alias"),
        ("--model=models:/naf/latest", "give a version"),
        ("--model=s3://jdoe/models/naf", "give a version"),
        ("--model=models", "give a version"),
        ("--model=/nowhere/naf", "no such folder here"),
        ("--model=models:/$(id)/3", "give a version"),
        ("--model=models:/<naf>/3", "give a version"),
    ],
)
def test_what_is_not_pinned_is_refused(told, argument, complaint):
    before = content(told)
    for command in ("bump", "configure"):
        with pytest.raises(UsageError, match=complaint):
            deploy(command, f"--folder={told}", argument)
    assert content(told) == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--host=https://libelle.lab.sspcloud.fr"], "name of a host alone"),
        (["--host=<host>.lab.sspcloud.fr"], "name of a host alone"),
        (["--host=Libelle.lab.sspcloud.fr"], "name of a host alone"),
        (["--host=libelle.jdoe.lab.sspcloud.fr"], "libelle-jdoe.lab.sspcloud.fr"),
        (["--user=<user>"], "--user <user>"),
        (["--user=J.Doe"], "--user J.Doe"),
        (["--namespace=user_jdoe"], "--namespace user_jdoe"),
        (["--repo=github.com/jdoe/libelle"], "--repo"),
        (["--repo=https://jdoe:planted@github.com/jdoe/libelle"], "without any password"),
        (["--mlflow=https://jdoe:planted@mlflow"], "without any password"),
        (["--bucket=s3://jdoe"], "name alone of a bucket"),
        (["--model=models:/naf/4", "--digest=0123"], "64 digits"),
        ([f"--digest={DIGEST}"], "give --model too"),
        (["--overlay=nowhere"], "holds local, sspcloud"),
        (["--overlay=../base"], "holds local, sspcloud"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_give(told, arguments, complaint):
    before = content(told)
    with pytest.raises(UsageError, match=complaint) as raised:
        deploy("configure", f"--folder={told}", *arguments)
    assert "planted" not in str(raised.value)
    assert content(told) == before


def test_a_folder_that_is_no_clone_is_refused(tmp_path):
    with pytest.raises(UsageError, match="run this in a clone"):
        deploy("bump", f"--folder={tmp_path}", f"--image={IMAGES[0]}")


def test_bump_changes_the_pins_alone_and_says_what_to_commit(told, capsys):
    capsys.readouterr()
    image = f"ghcr.io/jdoe/libelle-api:1.2.3@sha256:{OTHER}"
    model = ["--model=models:/naf/4", f"--digest={OTHER}"]
    deploy("bump", f"--folder={told}", f"--image={image}", *model)
    shown = capsys.readouterr().out
    diff = git(told, "diff", "--unified=0").splitlines()
    added = [line[1:].strip() for line in diff if line.startswith("+") and line[1] != "+"]
    assert added == [
        f"digest: sha256:{OTHER}",
        "- LIBELLE_MODEL=models:/naf/4",
        f"- LIBELLE_MODEL_DIGEST={OTHER}",
    ]
    assert "LIBELLE_MODEL=models:/naf/3 → LIBELLE_MODEL=models:/naf/4" in shown
    lines = [line.strip() for line in shown.partition("Then:\n")[2].splitlines()]
    assert lines == [
        f"git add {OVERLAY}",
        'git commit -m "Deploy libelle-api, models:/naf/4"',
        "git push",
    ]


def test_the_lines_to_commit_can_be_run_and_reverted(told, capsys):
    before = content(told)
    capsys.readouterr()
    deploy("bump", f"--folder={told}", "--model=models:/naf/4", f"--digest={OTHER}", "--json")
    said = json.loads(capsys.readouterr().out)
    assert [one["after"] for one in said["changes"]] == [
        "LIBELLE_MODEL=models:/naf/4",
        f"LIBELLE_MODEL_DIGEST={OTHER}",
    ]
    add, save, push = said["commands"]
    identity = {
        f"GIT_{who}_{what}": "jdoe" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    subprocess.run(
        f"{add} && {save} --quiet", cwd=told, shell=True, check=True, env=os.environ | identity
    )
    assert push == "git push"
    assert git(told, "status", "--porcelain") == ""
    git(told, "revert", "--no-edit", "HEAD")
    assert content(told) == before


def test_a_model_whose_name_holds_blanks_is_deployed_by_the_command_that_is_told(
    told, capsys, monkeypatch
):
    version = ModelVersion("4", (), OTHER, "2026-11-24", {}, True, None)
    champion = RegisteredModel("demandes de la ville", (version,))
    monkeypatch.setattr("libelle.tracking.registry.show_model", lambda *_, **__: champion)
    models._say_how_to_deploy(champion.name, Settings(model_digest=DIGEST))
    libelle, group, *command = shlex.split(capsys.readouterr().err.splitlines()[-1])
    assert (libelle, group) == ("libelle", "deploy")
    deploy(*command, f"--folder={told}")
    overlay = yaml.safe_load(content(told)[OVERLAY])
    settings = overlay["configMapGenerator"][0]["literals"]
    assert "LIBELLE_MODEL=models:/demandes de la ville/4" in settings


def test_bump_to_what_stands_changes_nothing(told, capsys):
    capsys.readouterr()
    deploy("bump", f"--folder={told}", f"--image={IMAGES[1]}")
    assert capsys.readouterr().out.startswith("Nothing changes")
    with pytest.raises(UsageError, match="Nothing to change"):
        deploy("bump", f"--folder={told}")


def test_bump_refuses_to_mix_with_what_is_not_committed(told):
    path = told / OVERLAY
    path.write_text(path.read_text() + "# mine\n")
    before = content(told)
    with pytest.raises(UsageError, match="not committed") as raised:
        deploy("bump", f"--folder={told}", "--model=models:/naf/4", f"--digest={OTHER}")
    assert OVERLAY in str(raised.value)
    assert content(told) == before


def test_bump_refuses_what_was_never_configured(clone):
    with pytest.raises(UsageError, match=r"would still hold .*<host>"):
        deploy("bump", f"--folder={clone}", "--model=models:/naf/4", f"--digest={OTHER}")


def test_an_overlay_that_pins_no_image_is_not_bumped(clone):
    with pytest.raises(UsageError, match="pins no libelle-api by its digest"):
        deploy("configure", f"--folder={clone}", *CONFIGURED["local"], f"--image={IMAGES[0]}")


def test_the_digest_of_a_version_is_asked_of_the_registry(told, monkeypatch):
    asked = []

    def show_model(uri, *, tracking_uri):
        asked.append(uri)
        version = ModelVersion("4", (), answers.pop(), "2026-11-24", {}, False, None)
        return RegisteredModel("naf", (version,))

    answers = [OTHER, None]
    monkeypatch.setattr("libelle.tracking.registry.show_model", show_model)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingError, match="was not made by libelle"):
        deploy("bump", f"--folder={told}", "--model=models:/naf/4")
    deploy("bump", f"--folder={told}", "--model=models:/naf/4")
    assert f"LIBELLE_MODEL_DIGEST={OTHER}" in content(told)[OVERLAY]
    assert asked == ["models:/naf/4"] * 2


def test_the_digest_of_a_folder_is_read_there(tmp_path):
    folder = tmp_path / "naf"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"format_version": 2, "files": {}}')
    assert door._pin(str(folder), None).name == "naf"
    assert len(door._pin(str(folder), None).digest) == 64


def test_a_write_that_fails_leaves_the_file_before(told, monkeypatch):
    before = content(told)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(StorageError, match="space"):
        deploy("bump", f"--folder={told}", "--model=models:/naf/4", f"--digest={OTHER}")
    assert content(told) == before
    assert [path.name for path in (told / OVERLAY).parent.iterdir()] == ["kustomization.yaml"]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("a: 1 # one\nb: 'x'\n", {("b",): "y"}, "a: 1 # one\nb: 'y'\n"),
        ('- "x"\n-   y   # why\n', {(1,): "z", (0,): "w"}, '- "w"\n-   z   # why\n'),
        ("é: à\nb: {c: [d, e]}\n", {("b", "c", 1): "f"}, "é: à\nb: {c: [d, f]}\n"),
    ],
)
def test_a_value_is_replaced_and_no_other_character(text, values, expected):
    assert YamlText(text, name="x.yaml").replace(values).text == expected


@pytest.mark.parametrize("value", ["x: y", "x # y", "true", "12", "", "'", "x\ny", "*x"])
def test_a_value_that_would_be_read_otherwise_is_refused(value):
    with pytest.raises(DataError, match=r"x\.yaml"):
        YamlText("a: b\nc: d\n", name="x.yaml").replace({("a",): value})


def test_a_value_that_has_no_place_is_refused():
    with pytest.raises(DataError, match=r"x\.yaml has no spec\.source"):
        YamlText("a: b\n", name="x.yaml").replace({("spec", "source"): "x"})


def test_what_is_not_yaml_is_told_with_its_line():
    with pytest.raises(DataError, match=r"x\.yaml, line 3 is not YAML"):
        YamlText("a: b\nc: [\n", name="x.yaml")


def test_an_overlay_without_a_setting_is_refused(told):
    path = told / OVERLAY
    path.write_text(path.read_text().replace("LIBELLE_MODEL_DIGEST", "LIBELLE_MODEL_DIGESTS"))
    with pytest.raises(DataError, match="has no literal LIBELLE_MODEL_DIGEST"):
        deploy("bump", f"--folder={told}", "--model=models:/naf/4", f"--digest={OTHER}")


def test_the_files_of_the_repository_hold_placeholders_only():
    text = (ROOT / OVERLAY).read_text() + (ROOT / APPLICATION).read_text()
    assert "jdoe" not in text
    assert "<user>" in text
