"""What is counted, where it stands, and how it is shown."""

import threading
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.errors import KINDS
from api.metrics import Meter, Report
from api.metrics.exposition import render_family
from api.metrics.families import OTHER, Family, Layout, Tally
from api.metrics.meter import MANY_TEXTS, PROBLEMS
from api.server.board import Board, Notice
from api.server.ledger import Ledger
from libelle.decision import Decision, Reason
from libelle.predictor import Prediction
from tests.exposition import parse, total

ROUTES = ["/a", OTHER]


def make_report(notice=None, n_pages=4):
    layout = Meter(ROUTES).layout
    ledger, board = Ledger(layout.n_numbers, layout.n_lasting, n_pages=n_pages), Board(Notice())
    if notice is not None:
        board.write(notice)
    return Report(layout, ledger, board, started_at=12.5), ledger


def predictions_of(confidences):
    return [
        Prediction("", Decision.REVIEW, Reason.NO_THRESHOLD, None, None, one, ())
        for one in confidences
    ]


def read(meter) -> dict:
    layout = meter.layout
    ledger = Ledger(layout.n_numbers, layout.n_lasting, n_pages=1)
    ledger.open_page().numbers[:] = meter._numbers
    return parse(Report(layout, ledger, Board(Notice()), started_at=0.0).render())


def test_what_a_worker_counted_outlives_it():
    report, ledger = make_report()
    pages = [ledger.open_page() for _ in range(2)]
    for page in pages:
        Meter(ROUTES, page.numbers).count_request("/a", "GET", 200, 0.02)
    ledger.close_page(pages[0])
    for _ in range(2):  # Another worker takes its page, and counts from zero.
        page = ledger.open_page()
        Meter(ROUTES, page.numbers).count_request("/a", "GET", 200, 0.02)
        ledger.close_page(page)
    found = parse(report.render())
    assert total(found, "libelle_requests_total", route="/a", method="GET", status="200") == 4
    assert total(found, "libelle_request_duration_seconds_count") == 4
    assert total(found, "libelle_request_duration_seconds_sum") == pytest.approx(0.08)
    assert total(found, "libelle_workers") == 1


def test_gauges_go_with_their_worker():
    report, ledger = make_report()
    first, second = ledger.open_page(), ledger.open_page()
    Meter(ROUTES, first.numbers).show(n_requests=3, n_waiting=5, n_dropped=7)
    Meter(ROUTES, second.numbers).show(n_requests=1, n_waiting=1, n_dropped=1)
    ledger.close_page(first)
    found = parse(report.render())
    assert total(found, "libelle_requests_in_flight") == 1
    assert total(found, "libelle_work_waiting") == 1
    assert total(found, "libelle_dropped_predictions_total") == 8


def test_a_sum_never_sees_a_page_twice_nor_misses_it():
    ledger, ended = Ledger(2000, 2000, n_pages=2), threading.Event()
    seen = []

    def look():
        while not ended.is_set():
            seen.append(ledger.sum()[[0, -1]].tolist())

    reader = threading.Thread(target=look)
    page = ledger.open_page()
    page.numbers[:] = 1
    reader.start()
    for _ in range(3000):
        ledger.close_page(page)
        page = ledger.open_page()
    ended.set()
    reader.join()
    assert set(map(tuple, seen)) == {(1.0, 1.0)}


def test_a_worker_too_many_is_not_counted_and_harms_no_other(caplog):
    ledger = Ledger(3, 3, n_pages=1)
    page, one_too_many = ledger.open_page(), ledger.open_page()
    page.numbers[:], one_too_many.numbers[:] = 1, 5
    ledger.close_page(one_too_many)
    assert ledger.sum().tolist() == [1, 1, 1]
    assert "not counted" in caplog.text


@given(values=st.lists(st.text(), min_size=2, max_size=2), help_text=st.text())
def test_a_label_is_read_as_it_was_written(values, help_text):
    family = Family("a_b", help_text, "gauge", {"x": (), "y": ()})
    content = render_family(family, [(tuple(values), [0.1])]).encode("utf-8", "replace")
    shown = [value.encode("utf-8", "replace").decode() for value in values]
    assert parse(content) == {("a_b", (("x", shown[0]), ("y", shown[1]))): 0.1}


@given(
    amounts=st.lists(st.sampled_from([0.0, 0.05, 0.3, 0.999, 1.0, 1.5]) | st.floats(0, 2)),
    bounds=st.sets(st.floats(0.01, 2), min_size=1),
)
def test_a_bin_counts_the_values_up_to_its_bound(amounts, bounds):
    family = Family("h", "", "histogram", bounds=tuple(sorted(bounds)))
    one_by_one, together = np.zeros(family.n_numbers), np.zeros(family.n_numbers)
    for amount in amounts:
        Tally(family, one_by_one).observe(amount)
    Tally(family, together).observe_many(amounts)
    assert together == pytest.approx(one_by_one)
    found = parse(render_family(family, [((), together.tolist())]).encode())
    for bound in (*family.bounds, inf):
        label = "+Inf" if bound == inf else repr(bound)
        assert found["h_bucket", (("le", label),)] == sum(one <= bound for one in amounts)


@given(counted=st.lists(st.tuples(*[st.sampled_from("abc?")] * 2), max_size=30))
def test_each_series_has_a_number_of_its_own(counted):
    family = Family("c", "", "counter", {"x": ("a", "b", OTHER), "y": ("c", "b", "a", OTHER)})
    layout = Layout([Family("before", "", "counter"), family, Family("after", "", "counter")])
    numbers = np.zeros(layout.n_numbers)
    tally = Tally(family, numbers[layout.place(family)])
    expected = dict.fromkeys(family.label_sets(), 0)
    for x, y in counted:
        tally.add(x, y)
        named = (x if x in "ab" else OTHER, y if y in "abc" else OTHER)
        expected[named] += 1
    assert numbers.tolist() == [0, *expected.values(), 0]


@pytest.mark.parametrize("n_texts", [MANY_TEXTS - 1, MANY_TEXTS, 200])
def test_texts_are_counted_alike_alone_and_together(n_texts):
    rows = predictions_of(np.linspace(0, 1, n_texts).tolist())
    rows += [Prediction("", Decision.REFUSED, Reason.EMPTY, None, None, 0.0, ())] * n_texts
    alone, together = Meter(ROUTES), Meter(ROUTES)
    for row in rows:
        alone.count_predictions([row])
    together.count_predictions(rows)
    assert together._numbers == pytest.approx(alone._numbers)
    found = read(together)
    assert total(found, "libelle_texts_total", decision="refused", reason="empty") == n_texts
    assert total(found, "libelle_texts_total", decision="review") == n_texts
    assert found["libelle_confidence_count", ()] == n_texts
    assert sum(name == "libelle_confidence_bucket" for name, _ in found) == 20 + 1


def test_no_caller_makes_a_series_nor_takes_memory():
    meter = Meter(ROUTES)
    for number in range(500):
        meter.count_request(f"/{number}", f"M{number}", 200, 0.1)
    found = read(meter)
    [(_, labels)] = [key for key in found if key[0] == "libelle_requests_total"]
    assert dict(labels) == {"route": OTHER, "method": OTHER, "status": "200"}
    assert len(meter._requests._known) == 0


def test_every_problem_has_its_name():
    assert {kind.slug for kind in KINDS} < set(PROBLEMS)
    assert {"busy", "not-ready", "too-large", "too-slow", "unknown-address"} < set(PROBLEMS)


def test_the_life_of_the_model_shows():
    notice = Notice(
        n_reloads=2,
        n_failed_reloads=3,
        failure="refused",
        model_name='na"f\n',
        model_version="7",
        model_digest="0123456789abcdef",
    )
    found = parse(make_report(notice)[0].render())
    model = (("name", 'na"f\n'), ("version", "7"), ("digest", "0123456789ab"))
    assert found["libelle_model_info", model] == 1
    assert total(found, "libelle_reloads_total") == 2
    assert total(found, "libelle_failed_reloads_total") == 3
    assert found["libelle_reload_failure", (("kind", "refused"),)] == 1
    assert found["libelle_reload_failure", (("kind", "unreachable"),)] == 0
    assert total(found, "process_start_time_seconds") == 12.5


def test_without_a_model_none_is_shown():
    found = parse(make_report()[0].render())
    assert not [name for name, _ in found if name == "libelle_model_info"]


def requests_of(client):
    found = read(client.service.meter)
    return {
        tuple(value for _, value in labels): number
        for (name, labels), number in found.items()
        if name == "libelle_requests_total"
    }


@pytest.mark.parametrize("root_path", ["", "/proxy/8000"])
def test_requests_are_counted_by_the_template_of_their_address(make_client, root_path):
    client = make_client(root_path=root_path)
    client.predict("Nid de poule")
    client.post("/v1/models/demo/predict", json={"text": "a"})
    client.post("/v1/models/another/predict", json={"text": "a"})
    client.get("/v1/codes/0101")
    client.get("/v1/predict")
    client.get("/wp-admin/secret")
    client.request("PROPFIND", "/health/live")
    of_model = "/v1/models/{model}/predict"
    assert requests_of(client) == {
        ("/v1/predict", "POST", "200"): 1,
        (of_model, "POST", "200"): 1,
        (of_model, "POST", "404"): 1,
        ("/v1/codes/{code}", "GET", "200"): 1,
        ("/v1/predict", "GET", "405"): 1,
        (OTHER, "GET", "404"): 1,
        ("/health/live", OTHER, "405"): 1,
    }


def test_refused_requests_are_counted_by_problem(make_client):
    client = make_client(max_body_bytes=1000)
    client.post("/v1/predict", json={"text": "a" * 2000})
    client.post("/v1/predict", json={"text": 1})
    client.post("/v1/predict", content="{")
    client.get("/nowhere")
    client.service.drain()
    client.get("/health/ready")
    found = read(client.service.meter)
    for problem in ("too-large", "invalid-request", "unsupported-media-type", "unknown-address"):
        assert total(found, "libelle_refused_requests_total", problem=problem) == 1
    assert total(found, "libelle_refused_requests_total", problem="not-ready") == 1
    assert total(found, "libelle_refused_requests_total") == 5


def test_a_failure_of_the_service_is_counted(make_client, monkeypatch):
    client = make_client()
    monkeypatch.setattr("api.routes.predictions.read_text", lambda *_: 1 / 0)
    assert client.post("/v1/predict", json={"text": "a"}).status_code == 500
    found = read(client.service.meter)
    assert total(found, "libelle_requests_total", route="/v1/predict", status="500") == 1
    assert total(found, "libelle_refused_requests_total", problem="internal-error") == 1


def test_batches_and_their_texts_are_counted(make_client):
    client = make_client()
    client.predict_batch([{"text": "Nid de poule"}] * 300 + [{"text": ""}, {"texte": "a"}])
    found = read(client.service.meter)
    assert found["libelle_batch_texts_count", ()] == 1
    assert found["libelle_batch_texts_sum", ()] == 302
    assert total(found, "libelle_invalid_items_total") == 1
    assert total(found, "libelle_texts_total") == 301
    assert total(found, "libelle_texts_total", decision="refused", reason="empty") == 1


def test_metrics_are_not_on_the_port_of_the_api(client):
    for path in ("/metrics", "/metrics/", "/v1/metrics"):
        assert client.get(path).status_code == 404


@hypothesis_settings(deadline=None, max_examples=30)
@given(
    segment=st.text(
        st.characters(min_codepoint=32, codec="utf-8", exclude_characters="/?#.\x7f"), min_size=1
    )
)
def test_no_part_of_an_address_nor_of_a_text_is_shown(client, segment):
    planted = f"PLANTED{segment}"
    client.get(f"/v1/codes/{planted}")
    client.get(f"/{planted}")
    client.post(f"/v1/models/{planted}/predict", json={"text": planted})
    client.predict(planted)
    shown = read(client.service.meter)
    assert "PLANTED" not in repr(shown)


def test_what_is_worked_on_shows(make_client):
    client = make_client()
    client.service._n_requests = 2
    client.service.show()
    assert total(read(client.service.meter), "libelle_requests_in_flight") == 2
