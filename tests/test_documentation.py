"""What is written is true: commands run, files exist, outputs are those shown."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
from typer.main import get_command

from libelle.cli.app import app
from libelle.data.datasets import read_dataset
from libelle.data.demo import write_demo
from libelle.settings import example_environment
from tests.servers import free_port, moto, serving_files

ROOT = Path(__file__).resolve().parent.parent
READMES = ["README.md", "README.fr.md"]
PAGES = sorted(
    path
    for folder in (".", "docs", "benchmarks", "kubernetes")
    for path in ROOT.glob(f"{folder}/*.md")
)
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[\w: -]+) -->\n)?```(?P<language>\w+)\n(?P<body>.*?)```", re.DOTALL
)
IDENTIFIER = re.compile(r"[0-9a-f]{12,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBER = re.compile(r"\d[\d,]*\.?\d*")
BUILD_BACKEND = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
FROM_ELSEWHERE = ("LIBELLE_", "AWS_", "MLFLOW_")


@dataclass(frozen=True)
class Block:
    mark: str | None
    language: str
    body: str


def blocks(name) -> list[Block]:
    return [Block(**found.groupdict()) for found in BLOCK.finditer((ROOT / name).read_text())]


def marked(mark) -> list[Block]:
    return [block for block in blocks("README.md") if block.mark == mark]


def environment(**variables) -> dict[str, str]:
    """Return the environment of a user who set nothing, with our commands in its path."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FROM_ELSEWHERE)}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", **variables}


def bash(commands, folder, **variables) -> str:
    """Run commands as written, in a folder of their own; return what they print."""
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@dataclass(frozen=True)
class Journey:
    """What `make run` starts, running."""

    address: str
    dashboard: str
    screen: str
    folder: Path


@pytest.fixture(scope="module")
def journey(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journey")
    screen, messages = folder / "screen", folder / "messages"
    port, dashboard_port = free_port(), free_port()
    command = [sys.executable, "-m", "libelle.cli", "demo", "run"]
    variables = environment(LIBELLE_PORT=str(port), LIBELLE_DASHBOARD_PORT=str(dashboard_port))
    with screen.open("w") as out, messages.open("w") as err:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=out, stderr=err)
    deadline = time.monotonic() + 240
    while "startup complete" not in messages.read_text() and time.monotonic() < deadline:
        assert process.poll() is None, messages.read_text()
        time.sleep(0.2)
    addresses = (f"http://127.0.0.1:{one}" for one in (port, dashboard_port))
    yield Journey(*addresses, screen.read_text(), folder)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0, messages.read_text()
    assert "Traceback" not in messages.read_text()
    with pytest.raises(ConnectionRefusedError):  # The dashboard ends with the service.
        socket.create_connection(("127.0.0.1", dashboard_port), timeout=2)


def assert_alike(shown, seen):
    """Refuse other words; numbers may differ by what another processor changes."""
    assert NUMBER.sub("#", IDENTIFIER.sub("ID", shown)) == NUMBER.sub(
        "#", IDENTIFIER.sub("ID", seen)
    )
    for left, right in zip(*map(numbers_of, (shown, seen)), strict=True):
        assert left == pytest.approx(right, rel=0.03, abs=0.02)


def numbers_of(text) -> list[float]:
    found = NUMBER.findall(IDENTIFIER.sub("ID", text))
    return [float(number.replace(",", "").rstrip(".")) for number in found]


def test_the_last_screen_is_the_one_shown(journey):
    (shown,) = marked("output: make run")
    seen = journey.screen.replace(journey.address, "http://127.0.0.1:8000")
    seen = seen.replace(journey.dashboard, "http://127.0.0.1:8001")
    seen = seen.replace(str(journey.folder), "/home/me/libelle")
    seen = re.sub(r":\d+/metrics", ":41873/metrics", seen)  # A port that was free.
    assert_alike(shown.body.strip(), seen[seen.index("Model models:") :].strip())


def test_the_dashboard_shows_the_journey_and_lends_texts_to_review(journey):
    for path, words in (("", "of the texts are coded automatically"), ("review", "judged by you")):
        until = time.monotonic() + 40  # It counts the log first.
        while words not in (page := read(f"{journey.dashboard}/{path}?lang=en")):
            assert time.monotonic() < until, page
            time.sleep(0.5)
    assert 'name="prediction_id"' in page


def read(address) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read().decode()


def test_calls_of_the_readme_are_answered_as_shown(journey):
    asked = marked("test: served")
    shown = [block for block in blocks("README.md") if block.language == "json"]
    assert len(asked) == len(shown) == 3
    for call, answer in zip(asked, shown, strict=True):
        commands = call.body.replace("http://127.0.0.1:8000", journey.address)
        seen = json.loads(bash(commands, journey.folder))
        assert_alike(*(json.dumps(v, ensure_ascii=False) for v in (json.loads(answer.body), seen)))


def test_calls_of_the_last_screen_are_answered(journey):
    calls = re.findall("curl .*", journey.screen)
    single, batch = (json.loads(bash(call, journey.folder)) for call in calls)
    assert single["candidates"][0]["code"] == "0101"
    assert [result["id"] for result in batch["results"]] == ["1", "2"]


def test_a_second_journey_uses_the_first(journey):
    command = [sys.executable, "-m", "libelle.cli", "demo", "run", "--no-serve"]
    again = subprocess.run(
        command, cwd=journey.folder, env=environment(), capture_output=True, text=True, check=True
    )
    assert "learnt already: models:/demo/1" in again.stderr
    assert len(list(journey.folder.glob("results/*/model"))) <= 1


def test_another_promise_is_certified_and_promoted(journey):
    (block,) = marked("test: certify")
    printed = bash(block.body, journey.folder)
    assert "at most 5 % wrong (confidence 97.5 %)" in printed
    assert "Promoted: version 2 is champion, 1 was." in printed
    assert (journey.folder / "report.html").stat().st_size > 50_000


def test_commands_on_ones_own_file_run(tmp_path):
    (block,) = marked("test: run")
    assert "models:/mine" not in (printed := bash(block.body, tmp_path)).splitlines()[0]
    assert "champion" in printed
    assert (tmp_path / "coded.csv").stat().st_size > 100_000


@pytest.fixture(scope="module")
def receipts(tmp_path_factory) -> bytes:
    """A made-up stand-in for the published till receipts: their columns, other rows."""
    path = tmp_path_factory.mktemp("receipts") / "demo.csv"
    write_demo(path, n_texts=700)
    dataset = read_dataset(path, text="text", code="code")
    rows = [
        f'"{text.replace(chr(34), "")}";{code}'
        for text, code in zip(dataset.texts, dataset.codes, strict=True)
    ]
    return "\n".join(["product;Code coicop", *rows, ""]).encode()


def test_commands_on_a_published_set_run(tmp_path, receipts):
    (block,) = marked("test: network")
    content = (ROOT / "examples/coicop-tickets.toml").read_text()
    published = tomllib.loads(content)
    (tmp_path / "examples").mkdir()
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "receipts.csv").write_bytes(receipts)
    with serving_files(tmp_path) as site:
        content = content.replace(published["address"], f"{site}/receipts.csv")
        content = content.replace(published["sha256"], hashlib.sha256(receipts).hexdigest())
        (tmp_path / "examples/coicop-tickets.toml").write_text(content)
        assert "champion" in bash(block.body, tmp_path)


def test_commands_on_s3_run(tmp_path, receipts):
    (block,) = marked("test: s3")
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    with moto() as (endpoint, _):
        variables = {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1", **keys}
        (tmp_path / "tickets.csv").write_bytes(receipts)
        put = "import fsspec; fs = fsspec.filesystem('s3'); fs.mkdir('my-bucket'); "
        put += "fs.put('tickets.csv', 'my-bucket/tickets.csv')"
        bash(f'python -c "{put}"', tmp_path, **variables)
        assert "models:/coicop/1" in bash(block.body, tmp_path, **variables)


def test_both_readmes_show_the_same_blocks():
    english, french = (
        [block for block in blocks(name) if block.mark or block.language == "json"]
        for name in READMES
    )
    assert english == french
    assert {block.mark for block in english if block.mark} == {
        "test: make",
        "output: make run",
        "test: served",
        "test: certify",
        "test: network",
        "test: s3",
        "test: run",
    }


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


COMMANDS = get_command(app)


def command_names(command=COMMANDS, path=("libelle",)) -> set[str]:
    if not hasattr(command, "commands"):
        return {" ".join(path)}
    inside = (command_names(child, (*path, name)) for name, child in command.commands.items())
    return set().union(*inside)


def test_every_make_target_that_is_named_exists():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for page in PAGES:
        text = page.read_text()
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE):
            assert target in make_targets(), f"{page.name}: make {target}"
            assert f"make {target}" in shown.stdout


@pytest.mark.parametrize("name", READMES)
def test_every_command_is_described_and_exists(name):
    table = set(re.findall(r"`(libelle [a-z ]+)`", (ROOT / name).read_text()))
    assert command_names() <= table
    for page in PAGES:
        for command in re.findall(r"`(libelle [a-z]+(?: [a-z]+)?)", page.read_text()):
            known = command_names()
            assert (
                command in known
                or any(one.startswith(f"{command} ") for one in known)
                or (command.rpartition(" ")[0] in known)
            ), f"{page.name}: {command}"


def test_every_link_to_a_file_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_line_of_the_checklist_shows_what_exists():
    rows = re.findall(
        r"^\| (?!Attendu|-)(.+?) \| (.+?) \| (.+?) \|$",
        (ROOT / "docs/checklist.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) >= 17
    for expected, places, command in rows:
        if places == "pas encore":
            continue
        paths = re.findall("`([^`]+)`", places)
        assert paths, expected
        for path in paths:
            assert (ROOT / path).exists(), f"{expected}: {path}"
        words = command.strip("`").split()
        assert (
            words == ["–"]
            or words[0] == "git"
            or words[1] in make_targets()
            or " ".join(words) in command_names()
        ), f"{expected}: {command}"


def test_the_example_of_settings_is_up_to_date():
    assert (ROOT / ".env.example").read_text() == example_environment(), "run `make env-example`"


def locked_versions(name) -> dict[str, str]:
    lock = (ROOT / "locks" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_conda_environment_installs_every_extra():
    text = (ROOT / "environment.yml").read_text()
    (extras,) = re.findall(r"--editable \.\[([\w,]+)\]", text)
    assert set(extras.split(",")) == set(project()["optional-dependencies"])
    (version,) = re.findall(r"- python=(\d+\.\d+)", text)
    assert tuple(map(int, version.split("."))) >= (3, 11)


LOCKED = {
    "all": None,
    "build": (),
    "api": ["api"],
    "dashboard": ["api", "report"],
    "train": ["train"],
}


@pytest.mark.parametrize("name", LOCKED)
def test_locks_hold_hashes_no_address_and_every_dependency(name):
    lock = (ROOT / "locks" / f"{name}.txt").read_text()
    assert "://" not in lock
    assert "--index" not in lock
    locked = locked_versions(name)
    entries = re.split(r"\n(?=[\w])", lock)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    extras = project()["optional-dependencies"]
    chosen = extras if LOCKED[name] is None else LOCKED[name]
    wanted = [*project()["dependencies"], *chain.from_iterable(map(extras.get, chosen))]
    for requirement in BUILD_BACKEND if name == "build" else wanted:
        package = re.match(r"[\w-]+", requirement)[0]
        assert package in locked or package == "libelle-codes", f"{requirement}: run `make locks`"


@pytest.mark.parametrize("name", LOCKED)
def test_locks_hold_the_same_versions(name):
    assert locked_versions(name).items() <= locked_versions("all").items()


def test_no_image_holds_what_only_development_needs():
    tools = {re.match(r"[\w-]+", tool)[0] for tool in project()["optional-dependencies"]["dev"]}
    for name in ("api", "dashboard", "train"):
        assert not (tools | {"pip", "setuptools", "hatchling"}) & set(locked_versions(name))
    assert not {"scikit-learn", "pandas"} & set(locked_versions("api"))


def test_examples_say_where_they_come_from():
    examples = sorted((ROOT / "examples").glob("*.toml"))
    assert examples
    for path in examples:
        example = tomllib.loads(path.read_text())
        assert {"publisher", "licence", "address", "sha256", "text", "code"} <= set(example)
        assert example["address"].startswith("https://")
        assert re.fullmatch("[0-9a-f]{64}", example["sha256"])
