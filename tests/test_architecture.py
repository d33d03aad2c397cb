"""The page on architecture names each folder once, and reckons from what is measured."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from libelle.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/architecture.md").read_text()
PACKAGES = ("api", "src/libelle")
SECONDS_A_DAY = 86_400


def described() -> list[str]:
    return re.findall(r"^\| `([\w./-]+)/` \| .{10,} \|$", PAGE, re.MULTILINE)


def top_folders() -> set[str]:
    """Return the folders of the repository, without those that tools leave behind."""
    command = ["git", "-C", str(ROOT), "ls-files"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no clone: its folders cannot be told from what tools leave")
    return {line.partition("/")[0] for line in listed.stdout.splitlines() if "/" in line}


def packages() -> set[str]:
    inside = (path.parent for one in PACKAGES for path in (ROOT / one).rglob("__init__.py"))
    return {path.relative_to(ROOT).as_posix() for path in inside} - set(PACKAGES)


def test_each_folder_and_package_has_one_sentence_and_none_is_made_up():
    assert sorted(described()) == sorted(top_folders() | packages())


def test_the_files_that_it_names_exist():
    named = [one for one in re.findall(r"`([\w./-]+)`", PAGE) if "/" in one and one[0] != "/"]
    assert len(named) > 50
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_each_page_stands_in_the_index():
    index = (ROOT / "docs/README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"]({page.name})" in index, page.name


def number(text) -> float:
    return float(text.replace(",", ""))


def rates() -> tuple[float, float]:
    """Return the single texts, and those of batches, that a replica with a log answers a second."""
    benchmarks = (ROOT / "benchmarks/README.md").read_text()
    (row,) = re.findall(r"^\| libelle, log on \|.*$", benchmarks, re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("| ").split("|")]
    for cell in (cells[2], cells[6], cells[9]):
        assert re.search(rf"\b{cell}\b", PAGE), cell
    return number(cells[2]), number(cells[6])


def test_the_load_and_the_replicas_follow_from_the_benchmarks():
    single, batch = (rate / 2 for rate in rates())
    average, peak = 1e7 / SECONDS_A_DAY, 1e8 / SECONDS_A_DAY
    assert f"{average:.0f} a second" in PAGE
    assert f"{peak:,.0f} a second" in PAGE
    assert f"| {average / single:.1f} | {peak / single:.1f} |" in PAGE
    assert f"| {average / batch:.2f} | {peak / batch:.1f} |" in PAGE
    assert f"the peak takes {-(-10 * peak // single):.0f} replicas" in PAGE


def test_the_replicas_are_those_of_the_manifests():
    base = ROOT / "kubernetes/base/api"
    scaler = yaml.safe_load((base / "horizontal-pod-autoscaler.yaml").read_text())["spec"]
    container = yaml.safe_load((base / "deployment.yaml").read_text())["spec"]["template"]["spec"]
    asked = container["containers"][0]["resources"]["requests"]
    assert f"run {scaler['minReplicas']} to {scaler['maxReplicas']}:" in PAGE
    average = scaler["metrics"][0]["resource"]["target"]["averageUtilization"]
    assert f"{average} % of the {asked['cpu']}" in PAGE
    single, peak = rates()[0] / 2, 1e8 / SECONDS_A_DAY
    assert (
        f"two hold {scaler['minReplicas'] * single / peak:.0%} of the peak".replace("%", " %")
        in PAGE
    )
    assert f"four hold {4 * single / peak:.1f} times the peak" in PAGE


def test_the_log_and_the_money_follow_from_their_assumptions():
    table = re.findall(r"^\| (?:290|580|20,000).*\| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    sizes = [int(size) for row in table for size in row]
    assert f"{min(sizes) / 100:.1f} to {max(sizes) / 100:.1f} GB" in PAGE
    year = sizes[-1] * 1e7 * 365 / 1e12
    assert PAGE.count(f"{year:.2f} TB") == 2
    files = 2 * SECONDS_A_DAY // 5
    assert f"{files:,} files a day" in PAGE
    writes = files * 30 / 1e6
    assert f"{writes:.2f} million writes" in PAGE
    held = Settings.model_fields["log_spool_bytes"].default / int(
        re.findall(r"in (\d+) bytes", PAGE)[0]
    )
    assert f"holds {held / 1e6:.1f} million rows" in PAGE
    hours = held / (1e7 / SECONDS_A_DAY / 2) / 3600
    assert (
        f"{int(hours)} hours of two replicas at the average, {int(hours / 10)} at the peak"
        in " ".join(PAGE.split())
    )
    told = [int(cost) for cost in re.findall(r"^\| .* \| (\d+) \|$", PAGE, re.MULTILINE)[-4:]]
    assert told == [round(1.1 * 30 + 2.5 * 4), 30 + 4 * 4, round(year * 25), round(writes * 5)]
    assert f"{sum(told) / 300:.1f} € for a million texts" in PAGE
