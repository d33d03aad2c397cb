"""What is published of a drift study: read back whole, and nothing else is taken for one."""

import json
from dataclasses import replace

import pytest

from libelle.errors import DataError
from libelle.monitoring.drift import PublishedDrift, drift_beside, publish_drift, read_drift
from libelle.monitoring.drift.severity import Severity

RESULT = PublishedDrift(
    severity=Severity.MEDIUM,
    model_name="demo",
    model_digest="d1",
    n_texts=1200,
    since="2026-10-01",
    until="2026-10-28",
    written_at="2026-10-29T05:00:00+00:00",
)


def test_it_stands_beside_the_verdict_under_its_name():
    assert (
        drift_beside("s3://bucket/libelle/verdict.json") == "s3://bucket/libelle/verdict.drift.json"
    )
    assert drift_beside("/shared/naf") == "/shared/naf.drift.json"


@pytest.mark.parametrize("severity", Severity)
def test_what_is_published_is_read_back(tmp_path, severity):
    uri = tmp_path / "verdict.drift.json"
    publish_drift(replace(RESULT, severity=severity), uri)
    assert read_drift(uri) == replace(RESULT, severity=severity)
    assert [path.name for path in tmp_path.iterdir()] == [uri.name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("severity", "grave"),
        ("n_texts", -1),
        ("n_texts", True),
        ("n_texts", "12"),
        ("since", "yesterday"),
        ("until", 20261028),
        ("written_at", "2026-10-29T05:00:00"),
        ("model_digest", None),
        ("model_digest", "d" * 101),
        ("model_digest", "\ud800"),
        ("drift_version", 2),
        ("drift_version", True),
        ("by", "somebody"),
    ],
)
def test_what_is_not_one_is_refused_by_name(tmp_path, name, value):
    path = tmp_path / "verdict.drift.json"
    path.write_text(json.dumps(RESULT.to_dict() | {name: value}))
    with pytest.raises(DataError, match=r"verdict\.drift\.json: The drift result.*libelle"):
        read_drift(path)


@pytest.mark.parametrize("name", sorted(RESULT.to_dict()))
def test_one_that_lacks_a_value_is_refused(tmp_path, name):
    path = tmp_path / "verdict.drift.json"
    path.write_text(
        json.dumps({key: value for key, value in RESULT.to_dict().items() if key != name})
    )
    with pytest.raises(DataError, match="The drift result"):
        read_drift(path)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, " " * (2**20 + 1)])
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "verdict.drift.json"
    path.write_text(content)
    with pytest.raises(DataError, match="libelle drift --publish"):
        read_drift(path)
