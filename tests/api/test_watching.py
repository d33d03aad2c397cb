"""What the process that watches a registry says, and when it says nothing."""

from contextlib import suppress
from dataclasses import replace

import pytest

from api import watching
from api.loading import ModelSource
from api.watching import Failure, watch
from libelle.errors import TrackingError, UnreachableError
from libelle.tracking.registry import FetchedModel

FETCHED = {"name": "naf", "alias": "champion", "digest": "0" * 64}
DOWN = UnreachableError("nobody answers")


@pytest.fixture
def hear(settings, monkeypatch, tmp_path):
    """Return a function that lets a registry answer so many times, and gives what was said."""

    def hear(*answers, model="models:/naf@champion", cached=None):
        waited, left = [], list(answers)

        def fetch_model(uri, **_):
            if not left:
                raise StopWatching
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return FetchedModel(path=tmp_path / answer, version=answer, **FETCHED)

        monkeypatch.setattr("libelle.tracking.registry.fetch_model", fetch_model)
        monkeypatch.setattr("libelle.tracking.registry.cached_model", lambda *_, **__: cached)
        monkeypatch.setattr(watching, "_sleep", waited.append)
        asked = settings.model_copy(update={"model": model, "home": tmp_path})
        said = []
        with suppress(StopWatching):
            said.extend(watch(asked))
        return said, waited

    return hear


class StopWatching(BaseException):
    """The test heard enough."""


def test_an_alias_that_moves_is_said_once_for_each_model(hear, tmp_path):
    said, _ = hear("1", "1", "2", "2", "1")
    assert [source.version for source in said] == ["1", "2", "1"]
    assert said[0] == ModelSource(tmp_path / "1", "naf", "1")


def test_a_version_is_fetched_once(hear):
    said, waited = hear("3", model="models:/naf/3")
    assert ([source.version for source in said], waited) == (["3"], [])


def test_a_failure_is_said_once_and_tried_again_later_and_later(hear):
    said, waited = hear(DOWN, DOWN, DOWN, "1")
    assert said[0] == Failure("nobody answers", unreachable=True)
    assert [type(one) for one in said] == [Failure, ModelSource]
    assert waited[:3] == [2.0, 4.0, 8.0]


def test_what_does_not_exist_is_told_from_what_does_not_answer(hear):
    said, _ = hear(TrackingError("no alias"))
    assert said == [Failure("no alias", unreachable=False)]


def test_fault_12_the_last_model_is_taken_while_the_registry_is_down(hear, tmp_path):
    known = FetchedModel(path=tmp_path / "7", version="7", **FETCHED)
    said, _ = hear(DOWN, "8", cached=known)
    source = ModelSource(tmp_path / "7", "naf", "7", cached=True)
    assert said[0] == source
    assert said[-1].version == "8"


def test_a_failure_after_a_model_is_said_each_time_it_begins(hear):
    said, _ = hear("1", DOWN, DOWN, "1")
    assert [type(one) for one in said] == [ModelSource, Failure, ModelSource]


@pytest.mark.parametrize(
    "said",
    [Failure("é\n", unreachable=True), ModelSource(watching.Path("/a b/é"), "n", "1", cached=True)],
)
def test_what_is_said_is_what_is_heard(said):
    line = watching._render(said)
    assert line.count(b"\n") == 1
    assert watching._parse(line) == replace(said)
