"""The overlays as `libelle deploy configure` writes them, built by kubectl."""

import copy
import functools
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from libelle.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "0123456789abcdef" * 4
IMAGES = [f"ghcr.io/jdoe/libelle-{name}@sha256:{DIGEST}" for name in ("api", "train", "dashboard")]
CONFIGURED = {
    "sspcloud": [
        "--user=jdoe",
        "--host=libelle-jdoe.lab.sspcloud.fr",
        "--repo=https://github.com/jdoe/libelle.git",
        "--model=models:/naf/3",
        f"--digest={DIGEST}",
        *(f"--image={image}" for image in IMAGES),
    ],
    "local": ["--overlay=local", "--model=models:/naf/3", f"--digest={DIGEST}"],
}
# What is built: an overlay, and the components that it chooses.
VARIANTS = {
    "local": ("local", ()),
    "sspcloud": ("sspcloud", ()),
    "everything": ("sspcloud", ("dashboard-ingress", "durable-spool", "bulk-prediction")),
}


def deploy(*arguments):
    """Run `libelle deploy` in this process; a refusal raises."""
    return app(["deploy", *map(str, arguments)], prog_name="libelle", standalone_mode=False)


def copy_clone(folder: Path) -> Path:
    """Copy what `libelle deploy` edits, as the repository has it."""
    for name in ("kubernetes", "argocd"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def choose(clone: Path, overlay: str, components) -> Path:
    """Uncomment the components of an overlay; return its folder."""
    path = clone / "kubernetes/overlays" / overlay / "kustomization.yaml"
    text = path.read_text()
    for component in components:
        text = text.replace("# components:", "components:")
        text = text.replace(
            f"#   - ../../components/{component}\n", f"  - ../../components/{component}\n"
        )
    path.write_text(text)
    return path.parent


@functools.cache
def refuse_old_kubectl():
    """Skip where kubectl is absent, or its kustomize has neither components nor replacements."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is absent: overlays are not built")
    command = ["kubectl", "version", "--client"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    found = re.search(r"Kustomize Version: v(\d+)", said)
    if found is None or int(found[1]) < 5:
        pytest.skip("kubectl is older than 1.27, whose kustomize is 5: overlays are not built")


def build(folder: Path) -> str:
    """Return what kubectl makes of an overlay."""
    refuse_old_kubectl()
    command = ["kubectl", "kustomize", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert built.returncode == 0, built.stderr
    assert "Warning" not in built.stderr
    return built.stdout


@pytest.fixture(scope="session")
def configured(tmp_path_factory) -> Path:
    """A clone whose two overlays were configured."""
    clone = copy_clone(tmp_path_factory.mktemp("clone"))
    for arguments in CONFIGURED.values():
        deploy("configure", f"--folder={clone}", *arguments)
    return clone


@pytest.fixture(scope="session")
def built(configured, tmp_path_factory):
    """What each variant is made of, by its name: do not change it."""
    found = {}
    for name, (overlay, components) in VARIANTS.items():
        clone = tmp_path_factory.mktemp(name) / "clone"
        shutil.copytree(configured, clone)
        found[name] = list(yaml.safe_load_all(build(choose(clone, overlay, components))))
    return found


@pytest.fixture(params=VARIANTS)
def objects(request, built):
    """The objects of each variant."""
    return copy.deepcopy(built[request.param])


@pytest.fixture
def everything(built):
    """The objects of the SSP Cloud with every component, to be broken."""
    return copy.deepcopy(built["everything"])


@pytest.fixture
def clone(tmp_path) -> Path:
    """A clone as the repository has it."""
    return copy_clone(tmp_path)
