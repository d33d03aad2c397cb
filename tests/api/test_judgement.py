"""A verdict can only suspend: what was found broken stays so, whatever is published later."""

import json
import time
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from api.judgement import SEVERITIES, STATUSES, DriftNotice, Judgement, look, look_for_drift
from api.loading import ModelSource, load_model
from api.main import create_app
from api.server.board import Board
from libelle.decision import Guarantee, GuaranteeStatus
from libelle.errors import UsageError
from libelle.monitoring.audit import Verdict, publish
from libelle.monitoring.audit.evidence import Status
from libelle.monitoring.drift import PublishedDrift, Severity, drift_beside, publish_drift
from libelle.monitoring.published import SHORT_CHARACTERS
from libelle.storage import DEFAULT_OPTIONS
from tests.api.conftest import Client
from tests.api.test_metrics_served import scrape_until
from tests.api.test_serve import call, serving
from tests.evaluated import make_threshold
from tests.exposition import total
from tests.servers import free_port
from tests.test_predictor import make_predictor

NEVER = Judgement()


def make_verdict(digest, status=Status.BROKEN, *, threshold_id="t1"):
    against, favour = {"broken": (99, 0), "holds": (0, 99), "in_doubt": (1, 1)}[status.value]
    return Verdict(
        status=status,
        model_name="demo",
        model_digest=digest,
        threshold_id=threshold_id,
        target_error=0.05,
        delta=0.05,
        n_population=1000,
        n_judged=400,
        n_wrong=40,
        n_undecided=0,
        error_rate=0.1,
        low=0.07,
        high=0.14,
        evidence_against=against,
        evidence_for=favour,
        n_more_texts=None,
        since="2026-10-01",
        until="2026-10-31",
        written_at=datetime.now(UTC).isoformat(),
        written_by="a head of unit",
    )


def make_drift(digest, severity=Severity.HIGH):
    return PublishedDrift(
        severity=severity,
        model_name="demo",
        model_digest=digest,
        n_texts=1000,
        since="2026-10-01",
        until="2026-10-28",
        written_at="2026-10-29T05:00:00+00:00",
    )


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """Return a folder whose model codes everything automatically, under a promise."""
    threshold = make_threshold(threshold=0.0) | {"id": "t1"}
    predictor = make_predictor()
    return predictor.promising({"thresholds": [threshold]}).save(
        tmp_path_factory.mktemp("certified") / "demo"
    )


def test_metrics_name_every_status_and_every_severity():
    assert (set(STATUSES), SEVERITIES) == (set(Status), tuple(Severity))


def test_what_was_found_broken_stays_so(tmp_path):
    uri = str(tmp_path / "verdict.json")
    publish(make_verdict("d1"), uri)
    seen = look(uri, DEFAULT_OPTIONS, before=NEVER)
    assert (seen.status, seen.failed) == ("broken", False)
    assert seen.condemns("d1", "t1")
    (tmp_path / "verdict.json").unlink()
    publish(make_verdict("d1", Status.HOLDS), uri)
    later = look(uri, DEFAULT_OPTIONS, before=seen)
    assert later.status_of("d1", "t1") == "broken"
    assert later.condemns("d1", "t1")
    assert not later.condemns("d1", "t2")
    assert not later.condemns("d2", "t1")


def test_a_verdict_of_version_1_is_still_heard(tmp_path):
    uri = tmp_path / "verdict.json"
    document = make_verdict("d" * 64).to_dict()
    del document["review"]
    uri.write_text(json.dumps(document | {"verdict_version": 1}))
    seen = look(str(uri), DEFAULT_OPTIONS, before=NEVER)
    assert seen.broken == [["d" * 64, "t1"]]


def test_the_largest_judgement_that_can_be_has_room_on_its_board():
    longest = "\U0001f600" * SHORT_CHARACTERS
    told = Judgement(True, "in_doubt", longest, longest, [[longest, longest]] * 16, longest)
    board = Board(NEVER)
    board.write(told)
    assert board.read() == told


def test_another_sample_does_not_mend_a_broken_promise(tmp_path):
    uri = tmp_path / "verdict.json"
    publish(make_verdict("d1"), uri)
    before = uri.read_bytes()
    with pytest.raises(UsageError, match="does not mend"):
        publish(make_verdict("d1", Status.IN_DOUBT), uri)
    assert uri.read_bytes() == before
    publish(make_verdict("d2", Status.HOLDS), uri)
    assert b'"d2"' in uri.read_bytes()


def test_no_verdict_says_nothing_and_one_that_is_damaged_leaves_the_one_before(tmp_path):
    uri = str(tmp_path / "verdict.json")
    assert look(uri, DEFAULT_OPTIONS, before=NEVER) == Judgement(looked=True)
    publish(make_verdict("d1"), uri)
    seen = look(uri, DEFAULT_OPTIONS, before=NEVER)
    (tmp_path / "verdict.json").write_text('{"status": "holds"}')
    damaged = look(uri, DEFAULT_OPTIONS, before=seen)
    assert damaged.failed
    assert damaged.condemns("d1", "t1")


def test_a_drift_study_speaks_of_one_model_and_one_that_is_damaged_leaves_the_one_before(tmp_path):
    verdict = str(tmp_path / "verdict.json")
    assert look_for_drift(verdict, DEFAULT_OPTIONS, before=DriftNotice()) == DriftNotice()
    publish_drift(make_drift("d1"), drift_beside(verdict))
    seen = look_for_drift(verdict, DEFAULT_OPTIONS, before=DriftNotice())
    assert (seen.severity_of("d1"), seen.severity_of("d2")) == ("high", None)
    assert datetime.fromtimestamp(seen.written_at, UTC) == datetime(2026, 10, 29, 5, tzinfo=UTC)
    (tmp_path / "verdict.drift.json").write_text('{"severity": "none"}')
    damaged = look_for_drift(verdict, DEFAULT_OPTIONS, before=seen)
    assert (damaged.failed, damaged.severity_of("d1")) == (True, "high")
    (tmp_path / "verdict.drift.json").unlink()
    assert look_for_drift(verdict, DEFAULT_OPTIONS, before=damaged) == seen


@pytest.mark.parametrize(("on_broken", "decision"), [("suspend", "review"), ("warn", "automatic")])
def test_the_settings_say_what_becomes_of_a_broken_promise(
    settings, make_client, certified, on_broken, decision
):
    client = make_client(certified, on_broken=on_broken, broken=["t1"])
    answer = client.post("/v1/predict", json={"text": "nid de poule"}).json()
    assert answer["decision"] == decision
    assert answer["reason"] == ("suspended" if on_broken == "suspend" else "above_threshold")
    assert answer["guarantee"]["status"] == (
        "suspended" if on_broken == "suspend" else "guaranteed"
    )
    described = client.get("/v1/model").json()
    assert described["verdict"] == "broken"


def test_a_verdict_on_another_promise_changes_nothing(settings, make_client, certified):
    client = make_client(certified, on_broken="suspend", broken=["t2"])
    answer = client.post("/v1/predict", json={"text": "nid de poule"}).json()
    assert answer["decision"] == "automatic"
    assert client.get("/v1/model").json()["verdict"] is None


@pytest.fixture
def make_client(settings, portal):
    """Return what makes a client of a service under a judgement."""
    with ExitStack() as opened:

        def make(folder, *, on_broken, broken):
            model = load_model(ModelSource(folder))
            digest = model.predictor.digest
            board = Board(Judgement(looked=True, broken=[[digest, one] for one in broken]))
            changed = settings.model_copy(update={"on_broken": on_broken})
            app = create_app(changed, model, judgements=board)
            lifespan = app.router.lifespan_context(app)
            opened.enter_context(portal.wrap_async_context_manager(lifespan))
            return Client(portal, app)

        yield make


def test_a_published_verdict_suspends_a_running_service_and_a_new_one(certified, tmp_path):
    verdict, metrics = tmp_path / "verdict.json", free_port()
    settings = {
        "LIBELLE_VERDICT_URI": str(verdict),
        "LIBELLE_ON_BROKEN": "suspend",
        "LIBELLE_FOLLOW_SECONDS": "1",
        "LIBELLE_METRICS_PORT": str(metrics),
    }
    ask = ("POST", "/v1/predict", {"text": "nid de poule"})
    with serving(certified, tmp_path, workers=2, **settings) as (port, process, log):
        before = call(port, *ask)[2]
        assert before["decision"] == "automatic"
        digest = before["model"]["digest"]
        shown = scrape_until(metrics, lambda found: total(found, "libelle_ready") == 1)
        assert total(shown, "libelle_drift_severity") == 0
        publish_drift(make_drift(digest, Severity.MEDIUM), drift_beside(str(verdict)))
        scrape_until(
            metrics, lambda found: total(found, "libelle_drift_severity", severity="medium") == 1
        )
        publish(make_verdict(digest), verdict)
        scrape_until(
            metrics, lambda found: total(found, "libelle_promise_verdict", status="broken") == 1
        )
        until = time.monotonic() + 20
        while call(port, *ask)[2]["reason"] != "suspended":
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(1.5)  # The other worker has looked as well.
        assert {call(port, *ask)[2]["decision"] for _ in range(20)} == {"review"}
        process.terminate()
        assert process.wait_for_end() == 0
        assert "suspended" in log.read_text()
    with serving(certified, tmp_path, **settings) as (port, _, _):
        first = call(port, *ask)[2]
        assert (first["decision"], first["guarantee"]["status"]) == ("review", "suspended")


def test_a_golden_check_passes_while_suspended(certified):
    from libelle.predictor import Predictor

    predictor = Predictor.load(certified)
    predictor.suspend()
    assert predictor.answers_golden_texts()


def test_a_suspended_promise_says_so(certified):
    promise = Guarantee(GuaranteeStatus.GUARANTEED, 0.05, 0.05, 0.05, "t1", 0.5)
    assert json.dumps(promise.suspended().status) == '"suspended"'
