"""Pages: what a page names, held against the files; each check returns its complaints."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from typer.main import get_command

from api.main import OPEN_ADDRESSES
from libelle.cli.app import app
from libelle.deployment.pins import TARGETS
from libelle.settings import example_environment
from tests.deployment.conftest import DIGEST, ROOT
from tests.deployment.manifests import secrets, workloads
from tests.deployment.policies import parse

_BLOCK = re.compile(r"^ *```(?P<language>\w+)\n(?P<body>.*?)^ *```", re.DOTALL | re.MULTILINE)
_HASH = re.compile(r"-[0-9a-z]{10}$")  # What kustomize adds to the name of a ConfigMap.
_NAME = r"libelle-[a-z]+(?:-[a-z]+)*"
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.(com|io|fr|local)(/|$)")
_RESOURCE = re.compile(r"\b(deployment|service|cronjob|job)/([a-z][a-z0-9-]*)")
_OF_READERS = {"libelle-jdoe"}  # Names that a page tells its readers to replace.


@dataclass(frozen=True)
class Page:
    """A page, and the objects that are deployed when one does what it says."""

    path: Path
    text: str
    objects: list[dict]

    def blocks(self, language: str) -> list[str]:
        return [
            found["body"] for found in _BLOCK.finditer(self.text) if found["language"] == language
        ]

    def commands(self) -> list[str]:
        """Return the command lines of the page, one each, continued lines joined."""
        lines = "\n".join(self.blocks("bash")).replace("\\\n", " ").replace(" && ", "\n")
        return [line.strip() for line in lines.splitlines() if line.strip()]

    def quoted(self) -> list[str]:
        """Return what stands between backquotes, outside blocks."""
        return re.findall("`([^`\n]+)`", _BLOCK.sub("", self.text))

    def told_secrets(self) -> set[tuple[str, str]]:
        """Return the Secrets that the page makes, with their keys."""
        made = re.findall(r"kubectl create secret generic ([\w-]+) (.*)", self.text)
        return {
            (name, key)
            for name, rest in made
            for key in re.findall(r"--from-(?:literal|file)=([\w-]+)=", rest)
        }

    def manifests(self) -> list[dict]:
        """Return the objects that the page holds."""
        found = (one for block in self.blocks("yaml") for one in yaml.safe_load_all(block))
        return [one for one in found if "kind" in one]

    def asked_secrets(self) -> set[tuple[str, str]]:
        """Return the Secrets that pods ask for, those of the page included."""
        asked = set().union(*(secrets(one) for one in workloads(self.objects)))
        for one in workloads(self.manifests()):
            refs = [
                each["valueFrom"]["secretKeyRef"]
                for each in one.container["env"]
                if "valueFrom" in each
            ]
            asked |= {(ref["name"], ref["key"]) for ref in refs}
        return asked

    def names(self) -> set[str]:
        """Return the names of all objects."""
        every = [one["metadata"]["name"] for one in [*self.objects, *self.manifests()]]
        return {_HASH.sub("", name) for name in every}


def libelle_commands_parse(page: Page) -> Iterator[str]:
    for line in page.commands():
        if line.startswith("libelle "):
            filled = line.replace("sha256:…", f"sha256:{DIGEST}").replace("…", "x")
            try:
                parse(get_command(app), shlex.split(filled))
            except Exception as error:
                yield f"{line}: {error}"


def quoted_options_exist(page: Page) -> Iterator[str]:
    for quoted in page.quoted():
        program, *words = quoted.split()
        if program != "libelle":
            continue
        command = get_command(app)
        while words and words[0] in getattr(command, "commands", ()):
            command = command.commands[words.pop(0)]
        known = {one for param in command.params for one in (*param.opts, *param.secondary_opts)}
        for option in re.findall(r"--[a-z-]+", " ".join(words)):
            if option not in known:
                yield f"{quoted}: no {option}"


def objects_of_kubectl_exist(page: Page) -> Iterator[str]:
    lines = [one for one in (*page.commands(), *page.quoted()) if one.startswith("kubectl ")]
    made = {
        ("job", found[1])
        for line in lines
        if (found := re.search(r"create job --from=\S+ ([\w-]+)", line))
    }
    known = made | {
        (one["kind"].lower(), one["metadata"]["name"]) for one in (*page.objects, *page.manifests())
    }
    for line in lines:
        for kind, name in _RESOURCE.findall(line):
            # A StatefulSet stands for the Deployment where `durable-spool` was chosen.
            if (kind, name) not in known and ("statefulset", name) not in known:
                yield f"{line}: no {kind} {name}"
        if (found := re.search(r"apply -k (\S+)", line)) and not (
            ROOT / found[1] / "kustomization.yaml"
        ).exists():
            yield f"{line}: nothing to build there"
        if found := re.search(r"delete secret (.*)", line):
            unknown = set(found[1].split()) - {name for name, _ in page.asked_secrets()}
            yield from (f"{line}: no pod asks for {name}" for name in unknown)


def names_are_those_of_the_files(page: Page) -> Iterator[str]:
    known = page.names() | {f"libelle-{target}" for target in TARGETS} | _OF_READERS
    for name in sorted(set(re.findall(_NAME, page.text)) - known):
        yield f"nothing is named {name}"


def secrets_are_those_that_pods_ask_for(page: Page) -> Iterator[str]:
    told, asked = page.told_secrets(), page.asked_secrets()
    if told and told != asked:
        yield f"secrets asked for and made differ: {sorted(asked ^ told)}"
    words = {name for pair in asked for name in pair}
    for quoted in page.quoted():
        if re.fullmatch(r"[a-z0-9]+-(creds|keys?)", quoted) and quoted not in words:
            yield f"no Secret is named {quoted}"


def variables_exist(page: Page) -> Iterator[str]:
    known = set(re.findall("^#([A-Z0-9_]+)=", example_environment(), re.MULTILINE))
    known |= {name for one in page.objects if one["kind"] == "ConfigMap" for name in one["data"]}
    known |= set(re.findall(r"(?:vars|secrets)\.(\w+)", _workflow()))
    prefixes = "LIBELLE|AWS|MLFLOW|TRAINING|REPORTS|BULK|DEPLOY|DOCKERHUB"
    for name in sorted(set(re.findall(rf"\b(?:{prefixes})_[A-Z0-9_]+", page.text)) - known):
        yield f"nothing reads {name}"


def _workflow() -> str:
    return (ROOT / ".github/workflows/release.yml").read_text()


def files_exist(page: Page) -> Iterator[str]:
    """Look for each path, from the root of the repository or from the folder of the page."""
    for quoted in page.quoted():
        is_path = re.fullmatch(r"\.?\w[\w.-]*(/[\w.-]+)+/?|[\w-]+/", quoted)
        if not is_path or _HOST.match(quoted) or _RESOURCE.fullmatch(quoted):
            continue
        if not any((folder / quoted).exists() for folder in (ROOT, page.path.parent)):
            yield f"no file {quoted}"


def images_are_built(page: Page) -> Iterator[str]:
    built = re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for target in sorted(set(re.findall(r"libelle-(\w+)(?:@sha256|\.reference)", page.text))):
        if target not in built or target not in TARGETS:
            yield f"no image {target} is built"


def addresses_are_answered(page: Page) -> Iterator[str]:
    routes = re.findall(r'"(/[\w/{}]+)": \{', (ROOT / "api/openapi.json").read_text())
    known = {*routes, *OPEN_ADDRESSES, "/metrics"}
    for line in (*page.commands(), *page.quoted()):
        if line.startswith("curl "):
            for path in re.findall(
                r"(?:https?://[\w.-]+|127\.0\.0\.1|HOST)(?::\d+)?(/[\w/]*)", line
            ):
                if path not in known:
                    yield f"{line}: nothing answers at {path}"


CHECKS = (
    libelle_commands_parse,
    quoted_options_exist,
    objects_of_kubectl_exist,
    names_are_those_of_the_files,
    secrets_are_those_that_pods_ask_for,
    variables_exist,
    files_exist,
    images_are_built,
    addresses_are_answered,
)
