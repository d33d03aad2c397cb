"""What every test may use."""

from pathlib import Path

import pytest

from tests.classifiers.corpus import make_corpus

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run long repetitions in full")


def pytest_configure(config):
    from hypothesis import settings

    settings.register_profile("short", max_examples=50, deadline=None)
    settings.register_profile("long", max_examples=1000, deadline=None)
    settings.load_profile("long" if config.getoption("--long") else "short")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="long: run by `make test-long`")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)


@pytest.fixture
def shared_data() -> Path:
    """Real public sets, where they lie beside the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real public sets are absent: {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def corpus() -> tuple[list[str], list[str]]:
    """Made-up normalised texts and their codes."""
    return make_corpus()
