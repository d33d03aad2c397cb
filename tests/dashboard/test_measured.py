"""What is measured elsewhere reaches the pages: verdicts of audits and of coders, drift."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from pydantic import SecretStr

from api.security.keys import make_key
from libelle.dashboard.clients import name_clients
from libelle.dashboard.drift_seen import study
from libelle.dashboard.measured import ROWS_PER_DAY, MeasuredParts
from libelle.data.nomenclature import Nomenclature
from libelle.monitoring.audit import publish
from libelle.monitoring.audit.evidence import Status
from libelle.monitoring.drift.windows import Window
from libelle.monitoring.feedback import (
    FeedbackSource,
    FeedbackStore,
    FeedbackVerdict,
    NewFeedback,
    give_feedback,
)
from libelle.monitoring.privacy import Pseudonyms
from tests.api.test_judgement import make_verdict
from tests.dashboard.conftest import NOW, make_settings
from tests.evaluated import make_model
from tests.monitoring.log_rows import make_row, put
from tests.monitoring.rows import make_log, with_column

CODES = ["0101", "0102", "0103"]


@pytest.fixture
def measured(tmp_path):
    def open_(**changes):
        return MeasuredParts(make_settings(tmp_path, **changes), clock=lambda: NOW)

    return open_


def test_nothing_is_measured_where_nothing_was(measured):
    parts = measured().wait(20)
    assert (parts.audit, parts.drift, parts.feedback) == (None, None, None)
    off = measured(log_uri=None).wait(20)
    assert (off.audit, off.drift, off.feedback) == (None, None, None)


def test_a_first_measure_is_said_to_be_going_on(measured, monkeypatch):
    may_end = Event()
    monkeypatch.setattr(MeasuredParts, "_read_drift", lambda _: may_end.wait(20) and None)
    source = measured()
    assert source.read().is_measuring
    may_end.set()
    assert not source.wait(20).is_measuring


def test_a_published_verdict_is_seen(measured, tmp_path):
    verdict = tmp_path / "verdict.json"
    publish(make_verdict("d" * 64, Status.HOLDS), verdict)
    seen = measured(verdict_uri=str(verdict)).wait(20).audit
    assert (seen.status, seen.model_digest, seen.published) == ("holds", "d" * 64, True)
    assert (seen.n_judged, seen.n_wrong, seen.low, seen.high) == (400, 40, 0.07, 0.14)
    assert seen.until == datetime(2026, 10, 31, tzinfo=UTC)


def test_a_damaged_verdict_is_not_seen(measured, tmp_path):
    (tmp_path / "verdict.json").write_text("{}")
    assert measured(verdict_uri=str(tmp_path / "verdict.json")).wait(20).audit is None


def test_what_coders_said_is_counted_by_likeliest_code(measured, tmp_path):
    names = [f"00000000-0000-8000-8000-{number:012d}" for number in range(4)]
    put(
        tmp_path / "log",
        [make_row(prediction_id=name, top_code="0101", received_at=NOW) for name in names],
    )
    store = FeedbackStore(str(tmp_path / "log"))
    said = [("0101", "confirmed"), ("0102", "corrected"), (None, "not_enough_information")]
    for name, (code, verdict) in zip(names, said, strict=False):
        give_feedback(
            store,
            NewFeedback(
                prediction_id=name,
                coder=Pseudonyms(b"k").of_client("ada"),
                verdict=FeedbackVerdict(verdict),
                code=code,
                given_at=NOW,
                source=FeedbackSource.API,
            ),
        )
    feedback = measured().wait(20).feedback
    assert {code: (one.n_verdicts, one.n_corrected) for code, one in feedback.items()} == {
        "0101": (2, 1)
    }


def weeks(generator, n_texts, *, start, codes, share):
    rows = make_log(n_texts, generator)
    days = [start + timedelta(days=int(day)) for day in generator.integers(0, 28, n_texts)]
    chosen = generator.choice(codes, n_texts, p=share).tolist()
    for name, values in (
        ("received_at", days),
        ("top_code", chosen),
        ("text_hash", [f"{start:%j}-{place}" for place in range(n_texts)]),
    ):
        rows = with_column(rows, name, values)
    return rows


def changed_codes():
    """Return four weeks, and the four before, in which a code was rarer."""
    generator = np.random.default_rng(0)
    before = weeks(
        generator, 3000, start=NOW - timedelta(days=56), codes=CODES, share=[0.6, 0.3, 0.1]
    )
    after = weeks(
        generator, 3000, start=NOW - timedelta(days=28), codes=CODES, share=[0.3, 0.3, 0.4]
    )
    return after, before


def test_a_change_is_said_in_both_languages_gravest_first():
    seen = study(*changed_codes(), None, now=NOW, clients={})
    assert seen.severity == "high"
    severities = [severity for severity, _ in seen.sentences]
    order = ["high", "medium", "low"]
    assert severities == sorted(severities, key=order.index)
    french, english = seen.sentences[0][1]
    assert french != english
    assert any("0103" in french for _, (french, _) in seen.sentences)
    assert seen.tables[0].rows[0][0] in [(code, code) for code in CODES]
    assert seen.measured_at == NOW


def test_cells_are_written_in_the_language_of_the_page():
    seen = study(*changed_codes(), None, now=NOW, clients={})
    codes = next(one for one in seen.tables if one.title[1] == "Codes whose share changed")
    for name, *shares, since in codes.rows:
        assert name[0] == name[1]
        assert all(re.fullmatch(r"\d+,\d\u202f%", french) for french, _ in shares)
        assert all(re.fullmatch(r"\d+\.\d%", english) for _, english in shares)
        assert re.fullmatch(r"\d\d/\d\d/2026", since[0])
        assert re.fullmatch(r"2026-\d\d-\d\d", since[1])
    assert seen.current[0].endswith("du 19 février 2026 au 18 mars 2026")
    assert seen.current[1].startswith("3,000 distinct texts from 19 February 2026")


def test_segments_are_shown_by_code_above_week_after_week_and_by_application():
    nomenclature = Nomenclature.from_rows(
        ["A", "B", *CODES], ["Voirie", "Écoles", *CODES], [None, None, "A", "A", "B"]
    )
    after, before = changed_codes()
    after = with_column(after, "client", ["a" * 32] * 2000 + [None] * 1000)
    model = SimpleNamespace(nomenclature=nomenclature, digest="another")
    seen = study(after, before, model, now=NOW, clients={"a" * 32: "guichet"})
    by_code, by_client = seen.tables[-2:]
    assert by_code.title == ("Par code de premier niveau", "By top-level code")
    assert [row[0][0] for row in by_code.rows] == ["A Voirie", "B Écoles"]
    assert by_code.rows[1][1][1] == "9.9% → 41.9%"
    mondays = sorted({day for day, *_ in by_code.points})
    assert len(mondays) >= 8
    assert [name for day, name, _ in by_code.points if day == mondays[0]] == [
        "A Voirie",
        "B Écoles",
    ]
    assert [row[0] for row in by_client.rows] == [
        ("guichet", "guichet"),
        ("sans clé", "without a key"),
    ]
    assert not by_client.points


def test_the_reference_of_the_model_that_answered_says_what_to_expect():
    after, before = calm()
    profile = Window.of(before).profile
    reference = replace(profile, right=profile.confidences)
    model = make_model(reference=reference.to_dict())
    digest = after["model_digest"][0].as_py()
    here = SimpleNamespace(nomenclature=None, digest=digest, manifest=model.manifest)
    assert "100.0%" in study(after, before, here, now=NOW, clients={}).expectation[1]
    bare = SimpleNamespace(nomenclature=None, digest=digest, manifest=make_model().manifest)
    assert "not valid" in study(after, before, bare, now=NOW, clients={}).expectation[1]


def test_applications_have_their_names_and_people_do_not(tmp_path):
    entries = [
        make_key(*one)[1].entry()
        for one in (
            ("guichet", ["predict"]),
            ("ada", ["predict", "review"]),
            ("bob", ["predict"]),
            ("bob", ["read"]),
        )
    ]
    settings = make_settings(tmp_path, auth="keys", api_keys=SecretStr(",".join(entries)))
    names = name_clients(settings)
    assert set(names.values()) == {"guichet", "libelle predict", "libelle demo"}
    pseudonym = Pseudonyms(settings.log_key_bytes()).of_client("guichet")
    assert names[pseudonym] == "guichet"
    assert name_clients(make_settings(tmp_path, log_key=None)) == {}


def test_without_weeks_before_the_reference_of_the_model_is_taken():
    predictor = make_model()
    rows = make_log(400, np.random.default_rng(1))
    nothing = rows.slice(0, 0)
    assert study(rows, nothing, None, now=NOW, clients={}) is None
    assert study(nothing, nothing, predictor, now=NOW, clients={}) is None


def calm():
    generator = np.random.default_rng(2)
    same = {"codes": ["0101", "0102"], "share": [0.6, 0.4]}
    before = weeks(generator, 1200, start=NOW - timedelta(days=56), **same)
    return weeks(generator, 1200, start=NOW - timedelta(days=28), **same), before


def test_a_calm_period_says_so():
    seen = study(*calm(), None, now=NOW, clients={})
    assert (seen.severity, seen.sentences) == ("none", ())
    assert "not valid" in seen.expectation[1]


def test_many_rows_are_thinned_the_same_way_each_time(measured, tmp_path):
    from libelle.dashboard.measured import _sample

    put(
        tmp_path / "log",
        [make_row(prediction_id=f"{n:05d}", received_at=NOW) for n in range(ROWS_PER_DAY + 50)],
    )
    options = make_settings(tmp_path).log_options()
    window = {"since": NOW - timedelta(days=1), "until": NOW + timedelta(days=1)}
    first = _sample(options, **window)
    assert len(first) == ROWS_PER_DAY
    assert isinstance(first, pa.Table)
    assert _sample(options, **window).equals(first)
