"""Alerts: raised when they should be, and alike by Prometheus and by the dashboard.

A scenario is what replicas show, minute after minute. It is played to the history of the dashboard,
and to `promtool test rules` where that is installed.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from libelle.errors import DataError
from libelle.monitoring.alerts import (
    ALERTS,
    FAMILIES,
    AlertStates,
    History,
    Status,
    read_exposition,
    render_rules,
)

ROOT = Path(__file__).parents[2]
RULES = ROOT / "kubernetes" / "alerts" / "libelle.rules.yaml"
NAMES = {alert.name for alert in ALERTS}
DAYS = 86_400


@dataclass(frozen=True)
class Scenario:
    """What replicas show, and which alerts that raises at the end.

    `shown` maps series without their pod to numbers, one a minute (the last one goes on), for each
    replica; None is a minute without an answer.
    """

    raised: set[str]
    shown: dict[str, list[list[float | None]]]
    minutes: int = 20
    also_ready: bool = True

    def series(self):
        """Give (series, labels, pod, numbers), one number for each minute."""
        shown = dict(self.shown)
        if self.also_ready:
            shown["libelle_ready"] = [[1], [1]]
        for name, replicas in shown.items():
            for pod, numbers in enumerate(replicas):
                full = numbers + [numbers[-1]] * (self.minutes + 1 - len(numbers))
                yield name, f"pod-{pod}", full[: self.minutes + 1]


def growing(by, *, start=0.0, minutes=90):
    return [start + by * minute for minute in range(minutes)]


OK = 'libelle_requests_total{route="/v1/predict",method="POST",status="200"}'
FAILED = 'libelle_requests_total{route="/v1/predict",method="POST",status="503"}'
PROBED = 'libelle_requests_total{route="/health/ready",method="GET",status="503"}'
DROPPED = "libelle_dropped_predictions_total"
BACKLOG = "libelle_log_backlog_seconds"
RESTARTS = "libelle_worker_restarts_total"
STUDIED = "libelle_drift_studied_timestamp_seconds"


def answered_within(seconds, *, route="/v1/predict", n=60):
    """A histogram whose answers all take less than `seconds`, and more than the bound below."""
    name, found = "libelle_request_duration_seconds_bucket", {}
    for bound in ("0.1", "0.25", "0.5", "1.0", "+Inf"):
        labels = f'{{route="{route}",status="200",le="{bound}"}}'
        found[name + labels] = [growing(n if float(bound) >= seconds else 0)]
    return found


SCENARIOS = {
    "all is calm": Scenario(set(), {OK: [growing(100)], BACKLOG: [[0]], DROPPED: [[0], [0]]}),
    "nobody answers": Scenario({"LibelleSilent"}, {OK: [[None]]}, also_ready=False),
    "nobody answers any more": Scenario(
        {"LibelleSilent"}, {"libelle_ready": [[1] * 3 + [None]] * 2}, also_ready=False, minutes=9
    ),
    "one that had no model is gone": Scenario(
        set(), {"libelle_ready": [[0] * 3 + [None], [1]]}, also_ready=False, minutes=6
    ),
    "one is silent, the other answers": Scenario(
        set(), {"libelle_ready": [[1] * 3 + [None], [1]]}, also_ready=False
    ),
    "one has no model": Scenario(
        {"LibelleNotReady"}, {"libelle_ready": [[0], [1]]}, also_ready=False
    ),
    "one has no model for four minutes": Scenario(
        set(), {"libelle_ready": [[0], [1]]}, also_ready=False, minutes=4
    ),
    "one had no model": Scenario(set(), {"libelle_ready": [[0] * 10 + [1], [1]]}, also_ready=False),
    "two in a hundred fail": Scenario({"LibelleErrors"}, {OK: [growing(98)], FAILED: [growing(2)]}),
    "two in a hundred fail, on one of two replicas": Scenario(
        {"LibelleErrors"}, {OK: [growing(40), growing(50)], FAILED: [growing(2), [0]]}
    ),
    "five in a thousand fail": Scenario(set(), {OK: [growing(995)], FAILED: [growing(5)]}),
    "probes of a service that starts fail": Scenario(
        set(), {OK: [growing(1)], PROBED: [growing(6)]}
    ),
    "failures are over": Scenario(
        set(), {OK: [growing(100)], FAILED: [growing(50, minutes=8)]}, minutes=30
    ),
    "answers are slow": Scenario({"LibelleSlow"}, answered_within(1.0)),
    "answers are slower than any bound": Scenario({"LibelleSlow"}, answered_within(5.0)),
    "answers are not slow": Scenario(set(), answered_within(0.5)),
    "batches may be slow": Scenario(set(), answered_within(1.0, route="/v1/predict/batch")),
    "slow for five minutes": Scenario(set(), answered_within(1.0), minutes=6),
    "a prediction is dropped": Scenario({"LibelleLogDropped"}, {DROPPED: [[0, 0, 3], [0]]}),
    "it was two hours ago": Scenario(set(), {DROPPED: [[0, 3]]}, minutes=120),
    "a service starts again": Scenario({"LibelleLogDropped"}, {DROPPED: [[7] * 5 + [0] * 5 + [2]]}),
    "the log waits": Scenario({"LibelleLogBacklog"}, {BACKLOG: [growing(60, start=600)]}),
    "the log waited": Scenario(set(), {BACKLOG: [[*growing(60, start=600, minutes=12), 0]]}),
    "a piece of the log is damaged": Scenario(
        {"LibelleLogDamaged"}, {"libelle_log_unreadable_total": [[2, 2, 3]]}
    ),
    "a model cannot be loaded": Scenario(
        {"LibelleReloadFailed"},
        {'libelle_reload_failure{kind="refused"}': [[1], [0]]},
    ),
    "a model can": Scenario(set(), {'libelle_reload_failure{kind="refused"}': [[0], [0]]}),
    "workers end": Scenario(
        {"LibelleWorkersRestart"}, {RESTARTS: [growing(0.2), growing(0.2)]}, minutes=40
    ),
    "two workers ended": Scenario(set(), {RESTARTS: [[0, 1, 2]]}),
    "the promise is broken": Scenario(
        {"LibellePromiseBroken"}, {'libelle_promise_verdict{status="broken"}': [[0, 1], [0, 0, 1]]}
    ),
    "the promise is in doubt": Scenario(
        set(),
        {
            'libelle_promise_verdict{status="broken"}': [[0]],
            'libelle_promise_verdict{status="in_doubt"}': [[1]],
        },
    ),
    "texts changed a little": Scenario(set(), {'libelle_drift_severity{severity="low"}': [[1]]}),
    "texts changed": Scenario(
        {"LibelleDrift"}, {'libelle_drift_severity{severity="medium"}': [[1]]}
    ),
    "texts changed a lot": Scenario(
        {"LibelleDrift"}, {'libelle_drift_severity{severity="high"}': [[1]]}
    ),
    "no study for eleven days": Scenario(
        {"LibelleDriftNotStudied"}, {STUDIED: [[-11 * DAYS]]}, minutes=65
    ),
    "a study nine days ago": Scenario(set(), {STUDIED: [[-9 * DAYS]]}, minutes=65),
    "another replica saw a study": Scenario(
        set(), {STUDIED: [[-11 * DAYS], [-2 * DAYS]]}, minutes=65
    ),
    "the verdict cannot be read": Scenario(
        {"LibelleWatchBlind"}, {"libelle_promise_verdict_unreadable": [[1], [0]]}, minutes=35
    ),
    "the study cannot be read": Scenario(
        {"LibelleWatchBlind"},
        {"libelle_promise_verdict_unreadable": [[0]], "libelle_drift_unreadable": [[1]]},
        minutes=35,
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_dashboard_raises_what_a_scenario_should_raise(name):
    scenario = SCENARIOS[name]
    history, states, seen = History(), AlertStates(), ()
    played = list(scenario.series())
    for minute in range(scenario.minutes + 1):
        for pod in sorted({pod for _, pod, _ in played}):
            lines = [
                f"{series} {numbers[minute]}"
                for series, one, numbers in played
                if one == pod and numbers[minute] is not None
            ]
            if lines:
                shown = read_exposition("\n".join(lines), families=FAMILIES)
                history.add(pod, 60.0 * minute, shown)
        seen = states.look(history, 60.0 * minute)
    assert {one.alert.name for one in seen if one.status is Status.RAISED} == scenario.raised


def test_each_alert_is_raised_by_a_scenario():
    assert set().union(*(one.raised for one in SCENARIOS.values())) == NAMES


def test_prometheus_raises_the_same(tmp_path):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    shutil.copy(RULES, tmp_path / "rules.yaml")
    tests = [_as_promtool(scenario) for scenario in SCENARIOS.values()]
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "test.yaml").write_text(json.dumps(document))  # JSON is YAML.
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _as_promtool(scenario):
    series = []
    for name, pod, numbers in scenario.series():
        bare, _, labels = name.partition("{")
        own = ",".join(
            filter(None, [labels.rstrip("}"), f'pod="{pod}"', 'namespace="n"', 'job="j"'])
        )
        values = " ".join("stale" if one is None else f"{one:g}" for one in numbers)
        series.append({"series": f"{bare}{{{own}}}", "values": values})
    expected = [
        {"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(scenario.raised)
    ]
    asked = {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": f"{scenario.minutes}m",
        "exp_samples": expected,
    }
    return {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}


def test_the_file_of_rules_is_what_the_rules_say():
    assert RULES.read_text() == render_rules()


def test_every_family_that_alerts_ask_for_is_shown_by_the_service():
    from api.main import create_app
    from api.metrics import report
    from api.metrics.families import Family
    from libelle.settings import Settings

    meter = create_app(Settings(auth="none"), None).state.service.meter
    shown = {one.name for one in vars(report).values() if isinstance(one, Family)}
    shown |= {family.name for family in meter.layout.families}
    assert FAMILIES <= shown


def test_a_wait_is_told_and_forgotten_when_it_is_over():
    history, states = History(), AlertStates()
    seen = {}
    for minute, ready in enumerate([0, 0, 1, 0]):
        history.add("a", 60.0 * minute, {("libelle_ready", ()): float(ready)})
        state = states.look(history, 60.0 * minute)[1]
        seen[minute] = (state.status.value, state.since)
    assert seen == {
        0: ("pending", 0.0),
        1: ("pending", 0.0),
        2: ("calm", None),
        3: ("pending", 180.0),
    }


def test_labels_are_read_as_they_were_written():
    line = 'libelle_requests_total{route="/a\\"b\\\\n,\\n",status="200"} 3'
    ((series, number),) = read_exposition(line, families=FAMILIES).items()
    assert dict(series[1]) == {"route": '/a"b\\n,\n', "status": "200"}
    assert number == 3


@pytest.mark.parametrize(
    "text",
    [
        "<html>",
        "libelle_ready one",
        "libelle_ready",
        'libelle_requests_total{status="500} 1',
        "libelle_requests_total{status=500} 1",
        'libelle_request_duration_seconds_bucket{route="/v1/predict"} 1',
        'libelle_request_duration_seconds_bucket{le="much"} 1',
    ],
)
def test_what_is_not_metrics_is_refused(text):
    with pytest.raises(DataError, match="Line 1"):
        read_exposition(text, families=FAMILIES)


def test_a_label_may_hold_what_others_take_for_the_end_of_a_line():
    text = 'libelle_model_info{name="a\u2028b\x85c\x0cd"} 1\nlibelle_ready 1\n'
    assert read_exposition(text, families=FAMILIES) == {("libelle_ready", ()): 1.0}


def test_a_clock_that_was_set_back_neither_silences_alerts_nor_keeps_what_it_foresaw():
    history, states = History(), AlertStates()
    for at in (DAYS, 0.0, 15.0, 315.0):
        history.add(
            "a", at, {("libelle_ready", ()): 0.0, ("libelle_worker_restarts_total", ()): at}
        )
        state = states.look(history, at)[1]
    assert (state.alert.name, state.status, state.since) == ("LibelleNotReady", Status.RAISED, 0.0)
    assert history.increase("libelle_worker_restarts_total", 2 * DAYS, seconds=3 * DAYS) == 315.0


def test_a_histogram_of_no_numbers_has_no_quantile():
    history, bins = History(), [("libelle_wait_bucket", (("le", le),)) for le in ("1.0", "+Inf")]
    for at in (0.0, 15.0):
        history.add("a", at, dict.fromkeys(bins, float("nan")))
    assert history.quantile("libelle_wait", 0.99, 15.0, seconds=60.0) is None
