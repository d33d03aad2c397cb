"""Alerts on the pages: from the metrics of a real service to a sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from libelle.dashboard import Parts, alerting
from libelle.dashboard.alerting import AlertsSeen, AlertWatch, read_metrics
from libelle.errors import DataError
from libelle.monitoring.alerts import ALERTS, AlertState, Status
from tests.api.conftest import make_predictor
from tests.api.test_metrics_served import measured, scrape_until
from tests.dashboard.conftest import NOW
from tests.dashboard.html import Page
from tests.exposition import total
from tests.servers import answering

CALM = AlertsSeen(tuple(AlertState(one, Status.CALM, None) for one in ALERTS), 2, NOW)


def raising(*names, status=Status.RAISED):
    at = NOW.timestamp() - 600
    states = tuple(
        AlertState(one.alert, status, at) if one.alert.name in names else one for one in CALM.states
    )
    return replace(CALM, states=states)


def test_the_metrics_of_a_service_are_watched_until_it_is_silent(tmp_path):
    model = make_predictor().save(tmp_path / "demo")
    moments = [datetime(2026, 11, 1, tzinfo=UTC)]
    with measured(model, tmp_path) as (_, process, _, metrics_port):
        scrape_until(metrics_port, lambda found: total(found, "libelle_ready") == 1)
        url = f"http://127.0.0.1:{metrics_port}/metrics"
        watch = AlertWatch(url, clock=lambda: moments[-1])
        watch.look()
        assert watch.seen.n_replicas == 1
        assert {one.status for one in watch.seen.states} == {Status.CALM}
        with pytest.raises(DataError, match="404"):
            read_metrics(f"http://127.0.0.1:{metrics_port}/", "127.0.0.1")
        process.terminate()
        process.wait(30)
    found = {}
    for minutes in (1, 4, 6, 12):
        moments.append(moments[0] + timedelta(minutes=minutes))
        watch.look()
        found[minutes] = {one.alert.name: one.status.value for one in watch.seen.states}
    silent = {minutes: states["LibelleSilent"] for minutes, states in found.items()}
    assert silent == {1: "pending", 4: "pending", 6: "raised", 12: "raised"}
    assert {name for name, status in found[12].items() if status != "calm"} == {"LibelleSilent"}
    assert watch.seen.n_replicas == 0


def test_metrics_without_end_are_cut_nowhere_but_refused(monkeypatch):
    page = b"libelle_ready 1\nlibelle_log_backlog_seconds 1234\n"
    with answering(200, page) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        assert len(read_metrics(url, "127.0.0.1")) == 2
        monkeypatch.setattr(alerting, "MOST_BYTES", len(page) - 3)
        with pytest.raises(DataError, match="more than"):
            read_metrics(url, "127.0.0.1")


def test_the_day_tells_the_alerts_that_are_raised(open_dashboard, weeks):
    visitor = open_dashboard(weeks, parts=Parts(alerts=raising("LibelleLogBacklog")))
    english = Page(visitor.page("today", "en")).words
    assert "1 alert is raised (2 replicas seen" in english
    assert "since 2026-03-19 15:50 UTC The log has been waiting" in english
    assert "LibelleLogBacklog" in english
    french = Page(visitor.page("today")).words
    assert "1 alerte est levée" in french
    assert "Le journal attend depuis plus d’un quart d’heure" in french


def test_what_waits_or_is_calm_is_not_raised(open_dashboard, weeks):
    seen = raising("LibelleSlow", status=Status.PENDING)
    visitor = open_dashboard(weeks, parts=Parts(alerts=seen))
    page = Page(visitor.page("today", "en")).words
    assert f"None of the {len(ALERTS)} alerts is raised" in page
    assert "LibelleSlow, to be confirmed, since" in page
    assert "LibelleSlow" not in Page(visitor.page("", "en")).words


def test_the_first_page_says_what_to_do_and_nothing_twice(open_dashboard, weeks):
    alerts = raising("LibelleNotReady", "LibelleDrift", "LibellePromiseBroken")
    page = Page(open_dashboard(weeks, parts=Parts(alerts=alerts)).page("", "en")).words
    assert "A replica of the service has no model: it does not answer." in page
    assert "LibelleNotReady" in page
    assert "LibelleDrift" not in page
    assert "LibellePromiseBroken" not in page


def test_without_an_address_the_page_says_how_to_watch(open_dashboard, weeks):
    assert "LIBELLE_METRICS_URL" in Page(open_dashboard(weeks).page("today")).words
