"""Images: what the Dockerfile says, then what is really in the image where one can be built."""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from image.bases import STAND_IN, named_base
from image.building import TARGETS, added_bytes, build
from image.engines import ImageError, find_engine, fitted
from image.trying import USER, try_api

from libelle.settings import Settings
from tests.api.conftest import make_predictor

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "Dockerfile"
AIM_BYTES = 400_000_000
SECRETS = re.compile(rb"AKIA[0-9A-Z]{16}|ghp_\w{36}|-----BEGIN [A-Z ]*PRIVATE KEY-----")
PASSWORDS = re.compile(r"(?i)(password|secret|token|api_?key)\w*=\S")


def instructions() -> list[tuple[str, str]]:
    """Return each instruction and what follows it, lines joined and comments left out."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line]


def stages() -> dict[str, list[tuple[str, str]]]:
    found = {}
    for name, rest in instructions()[1:]:
        if name == "FROM":
            stage = found.setdefault(rest.split(" AS ")[1], [])
        stage.append((name, rest))
    return found


def said(target, instruction) -> list[str]:
    """Return what a target says, after what it is made from says."""
    stage = stages()[target]
    parent = stage[0][1].split()[0]
    inherited = said(parent, instruction) if parent in stages() else []
    return inherited + [rest for name, rest in stage if name == instruction]


def variables(target) -> dict[str, str]:
    return dict(re.findall(r"([A-Z_]+)=(\S+)", " ".join(said(target, "ENV"))))


def test_hadolint_finds_nothing():
    hadolint = Path(sys.executable).parent / "hadolint"
    finished = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout


def test_the_api_is_built_by_default_and_each_target_has_its_stage():
    assert list(stages())[-1] == "api"
    assert set(TARGETS) < set(stages())


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_run_by_nobody_and_started_without_a_shell(target):
    assert said(target, "USER")[-1] == f"{USER}:{USER}"
    assert json.loads(said(target, "ENTRYPOINT")[-1]) == ["libelle"]
    assert isinstance(json.loads(said(target, "CMD")[-1]), list)
    assert re.match(r"NONE$|--.*CMD \[", said(target, "HEALTHCHECK")[-1])


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_made_of_locked_packages_and_of_nothing_that_builds(target):
    (copied,) = said(target, "COPY")
    assert copied == f"--from={target}-environment /opt/libelle /opt/libelle"
    runs = [run for name, run in stages()[f"{target}-environment"] if name == "RUN"]
    installs = [part for run in runs for part in run.split("&&") if " install " in part]
    for install in installs:
        locked = "--require-hashes" in install and f"locks/{target}.txt" in install
        assert locked or "--no-index --no-deps" in install, install
    assert not [run for run in said(target, "RUN") if re.search(r"apt|pip install|git", run)]


def test_names_ports_and_paths_are_those_of_the_settings():
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    api, dashboard = variables("api"), variables("dashboard")
    assert api["LIBELLE_PORT"] == str(defaults["port"]) == "8000"
    assert dashboard["LIBELLE_DASHBOARD_PORT"] == str(defaults["dashboard_port"])
    assert said("api", "EXPOSE") == [f"{api['LIBELLE_PORT']} {api['LIBELLE_METRICS_PORT']}"]
    assert said("dashboard", "EXPOSE") == [dashboard["LIBELLE_DASHBOARD_PORT"]]
    for target in TARGETS:
        ours = {name for name in variables(target) if name.startswith("LIBELLE_")}
        assert {name.removeprefix("LIBELLE_").lower() for name in ours} <= set(defaults)
        assert said(target, "WORKDIR")[-1] == variables(target)["LIBELLE_HOME"]


def test_no_secret_is_given_to_a_build():
    assert [rest for name, rest in instructions() if name == "ARG"] == [
        f"BASE={named_base().removeprefix('docker.io/library/')}"
    ]
    assert not PASSWORDS.search(DOCKERFILE.read_text())


def test_the_context_of_the_build_holds_no_data_secret_nor_history():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if not line.startswith("#")]
    assert rules[0] == "*"
    kept = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        source
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert {path for path in copied if not path.startswith("locks/")} == kept - {"locks/*.txt"}


@pytest.fixture(scope="module")
def engine_and_base():
    try:
        engine = find_engine()
    except ImageError as error:
        pytest.skip(f"{error} No image is built.")
    bases = [name for name in (named_base(), STAND_IN) if engine.has(name)]
    if not bases or not engine.runs:
        pytest.skip("neither the base image nor a stand-in is here (`make image` finds one)")
    return fitted(engine, bases[0]), bases[0]


@pytest.fixture(scope="module")
def image(engine_and_base):
    engine, base = engine_and_base
    return build(engine, "api", base=base)


@pytest.fixture(scope="module")
def layers(engine_and_base, image, tmp_path_factory):
    """Save the image, and give the layers that are ours, opened."""
    engine, base = engine_and_base
    folder = tmp_path_factory.mktemp("image")
    archive = folder / "image.tar"
    engine.tell("save", "--output", str(archive), image)
    with tarfile.open(archive) as saved:
        saved.extractall(folder, filter="data")
    (manifest,) = json.loads((folder / "manifest.json").read_text())
    n_of_base = len(engine.inspect(base)["RootFS"]["Layers"])
    return [folder / name for name in manifest["Layers"][n_of_base:]]


def members(layers):
    for layer in layers:
        with tarfile.open(layer) as opened:
            yield from opened


built = pytest.mark.timeout(1500)


@built
def test_an_image_answers_without_rights_nor_network_and_drains(engine_and_base, image, tmp_path):
    try_api(engine_and_base[0], image, make_predictor().save(tmp_path / "demo"))


@built
def test_the_api_adds_little_to_its_base(engine_and_base, image):
    engine, base = engine_and_base
    assert added_bytes(engine, image, base=base) < AIM_BYTES


@built
def test_no_layer_of_ours_gives_rights_nor_holds_what_builds(layers):
    found = list(members(layers))
    assert len(found) > 1_000
    assert not [member.name for member in found if member.mode & 0o6000]
    programs = r"(^|/)(pip[\d.]*|g?cc|c\+\+|ld|as|make|git|strip)$"
    folders = r"(^|/)(\.git|tests?)(/|$)|site-packages/(pip|setuptools|sklearn|pandas)(/|$)"
    files = [member.name for member in found if not member.isdir()]
    assert not [name for name in files if re.search(programs, name)]
    assert not [member.name for member in found if re.search(folders, member.name)]


@built
def test_files_of_ours_belong_to_root_but_one_folder(layers):
    owned = [member.name for member in members(layers) if member.uid == USER]
    assert owned == ["var/lib/libelle/"] or owned == ["var/lib/libelle"]


@built
def test_what_is_installed_is_what_is_locked(engine_and_base, image):
    engine, _ = engine_and_base
    listed = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"
    options = [*engine.run_options, "--rm", "--network=none", "--entrypoint=python"]
    told = engine.tell("run", *options, image, "-c", listed).splitlines()
    lock = (ROOT / "locks" / "api.txt").read_text()
    locked = {tuple(pin) for pin in re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)}
    installed = {
        (re.sub(r"[-_.]+", "-", name.lower()), version) for name, version in map(str.split, told)
    }
    assert {name for name, _ in installed - locked} == {"libelle-codes"}


@built
def test_no_secret_is_in_the_history_nor_in_the_variables(engine_and_base, image, layers):
    engine, _ = engine_and_base
    told = engine.inspect(image)
    assert not PASSWORDS.search(json.dumps([told["Config"], told.get("History")]))
    history = engine.tell("history", "--no-trunc", "--format={{.CreatedBy}}", image)
    assert "libelle" in history
    assert not PASSWORDS.search(history)
    for layer in layers:
        with tarfile.open(layer) as opened:
            for member in filter(is_ours, opened):
                assert not SECRETS.search(opened.extractfile(member).read()), member.name


def is_ours(member) -> bool:
    """Tell a file of ours; packages of others hold examples of keys."""
    return member.isfile() and not re.search("site-packages/(?!libelle/|api/)", member.name)


def test_a_planted_secret_would_be_seen():
    assert PASSWORDS.search("ENV API_TOKEN=abc")
    assert SECRETS.search(b"key: AKIAIOSFODNN7EXAMPLE")


@built
@pytest.mark.long
def test_two_builds_make_the_same_image(engine_and_base, image):
    engine, base = engine_and_base
    first = engine.inspect(image)["Id"]
    build(engine, "api", base=base, cached=False)
    assert engine.inspect(image)["Id"] == first
