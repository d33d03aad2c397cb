"""The run book: a heading for each alert, and no name that does not exist."""

import re
from pathlib import Path

from api.errors import KINDS
from api.main import create_app
from api.metrics import report
from api.metrics.families import Family
from libelle.monitoring.alerts import ALERTS
from libelle.monitoring.prediction_log.store import FailureKind
from libelle.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
RUN_BOOK = (ROOT / "docs" / "operate.md").read_text()


def test_each_alert_has_its_heading_and_each_heading_its_alert():
    headings = re.findall(r"^### (\w+)$", RUN_BOOK, re.MULTILINE)
    assert headings == [alert.name for alert in ALERTS]


def test_each_alert_says_something_to_do():
    for section in RUN_BOOK.split("\n### ")[1:]:
        name, _, text = section.partition("\n")
        assert len(text.split()) > 30, name


def test_the_metrics_that_it_names_exist():
    layout = create_app(Settings(auth="none"), None).state.service.meter.layout
    families = {one.name for one in vars(report).values() if isinstance(one, Family)}
    families |= {family.name for family in layout.families}
    named = set(re.findall(r"libelle_[a-z_]+", RUN_BOOK))
    assert named
    assert named <= families


def test_the_problems_and_failures_that_it_names_exist():
    known = {kind.slug for kind in KINDS} | set(FailureKind)
    for section, names in (
        ("LibelleErrors", ("busy", "not-ready", "internal-error")),
        ("LibelleLogBacklog", ("refused", "not_found", "slow_down", "unreachable", "no_space")),
    ):
        text = RUN_BOOK.split(f"### {section}\n")[1].split("\n### ")[0]
        for name in names:
            assert f"`{name}`" in text
            assert name in known


def test_the_settings_that_it_names_exist():
    named = set(re.findall(r"LIBELLE_([A-Z_]+)", RUN_BOOK))
    assert {name.lower() for name in named} <= set(Settings.model_fields)
