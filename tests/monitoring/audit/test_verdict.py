"""The verdict: published whole, read back as it was, refused when it is anything else."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from libelle.errors import DataError, StorageError, UsageError
from libelle.monitoring.audit import Status, Verdict, draw, estimate, publish, read_verdict
from tests.monitoring.rows import make_log

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


def make_verdict(**changes):
    sample = draw(make_log(300, np.random.default_rng(0)), n_automatic=40, n_review=20, seed=0)
    pairs = zip(sample["prediction_id"].to_pylist(), sample["top_code"].to_pylist(), strict=True)
    found = estimate(sample, dict(pairs), target_error=0.05)
    about = {
        "model_name": "demo",
        "since": "2026-03-02",
        "until": "2026-03-08",
        "now": NOW,
        "written_by": "Mme Durand",
    }
    return Verdict.of(found, **about | changes)


def test_a_verdict_is_read_as_it_was_published(tmp_path):
    verdict = make_verdict()
    publish(verdict, tmp_path / "verdict.json")
    assert read_verdict(tmp_path / "verdict.json") == verdict
    assert verdict.status is Status.IN_DOUBT
    assert verdict.model_digest == "d" * 64
    assert [path.name for path in tmp_path.iterdir()] == ["verdict.json"]


def test_a_verdict_stands_at_remote_addresses_too():
    verdict = make_verdict()
    publish(verdict, "memory://audit/verdict.json")
    assert read_verdict("memory://audit/verdict.json") == verdict


@pytest.mark.parametrize("name", list(make_verdict().to_dict()))
def test_a_field_that_is_missing_or_wrong_is_refused(name):
    document = make_verdict().to_dict()
    for value in ([], -1, True, "maybe" if name == "status" else {}):
        with pytest.raises(DataError, match="verdict"):
            Verdict.from_dict({**document, name: value})
    del document[name]
    with pytest.raises(DataError, match="verdict"):
        Verdict.from_dict(document)


@pytest.mark.parametrize("name", ["model_digest", "threshold_id", "written_at"])
@pytest.mark.parametrize("value", ["d" * 101, "\ud800", "a\nb"])
def test_an_identifier_that_is_none_is_refused(name, value):
    with pytest.raises(DataError, match=name):
        Verdict.from_dict(make_verdict().to_dict() | {name: value})


def test_a_status_that_its_evidence_does_not_bear_is_refused():
    document = make_verdict().to_dict()
    for status in ("broken", "holds"):
        with pytest.raises(DataError, match="evidence"):
            Verdict.from_dict({**document, "status": status})
    broken = Verdict.from_dict({**document, "status": "broken", "evidence_against": 20.0})
    assert broken.status is Status.BROKEN


def test_an_unknown_field_or_version_is_refused():
    document = make_verdict().to_dict()
    with pytest.raises(DataError, match="enable"):
        Verdict.from_dict({**document, "enable": True})
    with pytest.raises(DataError, match="version 3"):
        Verdict.from_dict({**document, "verdict_version": 3})


def test_a_verdict_of_version_1_says_nothing_of_review():
    document = make_verdict().to_dict()
    del document["review"]
    first = {**document, "verdict_version": 1}
    assert Verdict.from_dict(first) == replace(make_verdict(), review=None)
    for wrong in (document, {**first, "review": None}):
        with pytest.raises(DataError, match="review"):
            Verdict.from_dict(wrong)


@pytest.mark.parametrize("name", list(make_verdict().to_dict()["review"]))
def test_what_is_said_of_review_is_checked_too(name):
    document = make_verdict().to_dict()
    for value in ([], -1, True, 2.5):
        with pytest.raises(DataError, match=name):
            Verdict.from_dict({**document, "review": {**document["review"], name: value}})
    with pytest.raises(DataError, match="enable"):
        Verdict.from_dict({**document, "review": {**document["review"], "enable": True}})


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"status": NaN}', b"[" * 9999])
def test_anything_else_is_refused_and_named(tmp_path, content):
    path = tmp_path / "verdict.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"verdict\.json"):
        read_verdict(path)


def test_a_place_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot be read"):
        read_verdict(tmp_path / "none.json")
    with pytest.raises(StorageError, match="cannot be written"):
        publish(make_verdict(), tmp_path / "no" / "verdict.json")


def test_somebody_signs_a_verdict_on_some_model():
    with pytest.raises(UsageError, match="signs"):
        make_verdict(written_by=" ")


def test_a_published_verdict_is_plain_json(tmp_path):
    publish(make_verdict(), tmp_path / "verdict.json")
    document = json.loads((tmp_path / "verdict.json").read_bytes())
    assert document["written_at"] == "2026-04-01T12:00:00+00:00"
    assert document["status"] == "in_doubt"
