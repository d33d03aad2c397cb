"""Rules: each alert, as Prometheus is asked and as the dashboard asks its own history."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from libelle.monitoring.alerts.history import History

Condition = Callable[[History, float], bool]

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
MOST_ERRORS = 0.01
SLOW_SECONDS = 0.5
OLD_BACKLOG_SECONDS = 900
MOST_RESTARTS = 3
OLD_STUDY_SECONDS = 10 * DAY

_BY = "by (namespace, job)"
_NO_PROBE = "(?!/health/).*"


class Urgency(StrEnum):
    """How soon somebody must look."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something that deserves that somebody is called.

    Attributes
    ----------
    name : str
        Its heading in the run book too.
    urgency : Urgency
    wait_seconds : float
        How long it must last before anybody is called.
    expression : str
        PromQL.
    condition : callable
        The same, asked of a `History` at a time.
    meaning : tuple of str
        One sentence in French and in English.
    """

    name: str
    urgency: Urgency
    wait_seconds: float
    expression: str
    condition: Condition
    meaning: tuple[str, str]


def _has_errors(history: History, at: float) -> bool:
    n_all, n_errors = (
        history.increase(
            "libelle_requests_total", at, seconds=5 * MINUTE, route=_NO_PROBE, status=status
        )
        for status in (".*", "5..")
    )
    return n_all > 0 and n_errors / n_all > MOST_ERRORS


def _is_slow(history: History, at: float) -> bool:
    seconds = history.quantile(
        "libelle_request_duration_seconds", 0.99, at, seconds=5 * MINUTE, route=".*/predict"
    )
    return seconds is not None and seconds > SLOW_SECONDS


def _reaches(name: str, limit: float, **labels: str) -> Condition:
    return lambda history, at: any(one > limit for one in history.latest(name, at, **labels))


def _is_set(name: str, **labels: str) -> Condition:
    return lambda history, at: 1.0 in history.latest(name, at, **labels)


def _grows(name: str, *, seconds: float, limit: float = 0.0) -> Condition:
    return lambda history, at: history.increase(name, at, seconds=seconds) > limit


def _is_unreadable(history: History, at: float) -> bool:
    names = ("libelle_promise_verdict_unreadable", "libelle_drift_unreadable")
    return any(1.0 in history.latest(name, at) for name in names)


def _is_study_old(history: History, at: float) -> bool:
    written = history.latest("libelle_drift_studied_timestamp_seconds", at)
    return bool(written) and at - max(written) > OLD_STUDY_SECONDS


ALERTS = (
    Alert(
        name="LibelleSilent",
        urgency=Urgency.CRITICAL,
        wait_seconds=5 * MINUTE,
        expression="absent(libelle_ready)",
        condition=lambda history, at: not history.latest("libelle_ready", at),
        meaning=(
            "Aucun exemplaire du service ne montre ses indicateurs.",
            "No replica of the service shows its metrics.",
        ),
    ),
    Alert(
        name="LibelleNotReady",
        urgency=Urgency.CRITICAL,
        wait_seconds=5 * MINUTE,
        expression=f"min {_BY} (libelle_ready) == 0",
        condition=lambda history, at: 0.0 in history.latest("libelle_ready", at),
        meaning=(
            "Un exemplaire du service n’a pas de modèle : il ne répond pas.",
            "A replica of the service has no model: it does not answer.",
        ),
    ),
    Alert(
        name="LibelleErrors",
        urgency=Urgency.CRITICAL,
        wait_seconds=5 * MINUTE,
        expression=(
            f'sum {_BY} (rate(libelle_requests_total{{status=~"5..",route!~"/health/.*"}}[5m]))\n'
            f'  / sum {_BY} (rate(libelle_requests_total{{route!~"/health/.*"}}[5m]))\n'
            f"  > {MOST_ERRORS}"
        ),
        condition=_has_errors,
        meaning=(
            "Plus d’une requête sur cent échoue par la faute du service.",
            "More than one request in a hundred fails by the service's fault.",
        ),
    ),
    Alert(
        name="LibelleSlow",
        urgency=Urgency.WARNING,
        wait_seconds=10 * MINUTE,
        expression=(
            f"histogram_quantile(0.99, sum by (namespace, job, le) (\n"
            f'  rate(libelle_request_duration_seconds_bucket{{route=~".*/predict"}}[5m])\n'
            f")) > {SLOW_SECONDS}"
        ),
        condition=_is_slow,
        meaning=(
            "Une demande isolée sur cent attend plus d’une demi-seconde.",
            "One single request in a hundred waits for more than half a second.",
        ),
    ),
    Alert(
        name="LibelleLogDropped",
        urgency=Urgency.CRITICAL,
        wait_seconds=0.0,
        expression=f"sum {_BY} (increase(libelle_dropped_predictions_total[1h])) > 0",
        condition=_grows("libelle_dropped_predictions_total", seconds=HOUR),
        meaning=(
            "Des réponses sont parties sans trace dans le journal.",
            "Answers left without a trace in the log.",
        ),
    ),
    Alert(
        name="LibelleLogBacklog",
        urgency=Urgency.WARNING,
        wait_seconds=5 * MINUTE,
        expression=f"max {_BY} (libelle_log_backlog_seconds) > {OLD_BACKLOG_SECONDS}",
        condition=_reaches("libelle_log_backlog_seconds", OLD_BACKLOG_SECONDS),
        meaning=(
            "Le journal attend depuis plus d’un quart d’heure : le stockage ne prend rien.",
            "The log has been waiting for over a quarter of an hour: the storage takes nothing.",
        ),
    ),
    Alert(
        name="LibelleLogDamaged",
        urgency=Urgency.WARNING,
        wait_seconds=0.0,
        expression=f"sum {_BY} (increase(libelle_log_unreadable_total[1h])) > 0",
        condition=_grows("libelle_log_unreadable_total", seconds=HOUR),
        meaning=(
            "Une partie du journal en attente est illisible ; elle a été mise de côté.",
            "A part of the waiting log cannot be read; it was set aside.",
        ),
    ),
    Alert(
        name="LibelleReloadFailed",
        urgency=Urgency.WARNING,
        wait_seconds=10 * MINUTE,
        expression=f"max {_BY} (libelle_reload_failure) == 1",
        condition=_is_set("libelle_reload_failure"),
        meaning=(
            "Le nouveau modèle n’a pas pu être chargé ; l’ancien répond toujours.",
            "The new model could not be loaded; the old one still answers.",
        ),
    ),
    Alert(
        name="LibelleWorkersRestart",
        urgency=Urgency.WARNING,
        wait_seconds=0.0,
        expression=f"sum {_BY} (increase(libelle_worker_restarts_total[1h])) > {MOST_RESTARTS}",
        condition=_grows("libelle_worker_restarts_total", seconds=HOUR, limit=MOST_RESTARTS),
        meaning=(
            "Des processus du service s’arrêtent d’eux-mêmes, sans cesse.",
            "Processes of the service end by themselves, again and again.",
        ),
    ),
    Alert(
        name="LibellePromiseBroken",
        urgency=Urgency.CRITICAL,
        wait_seconds=0.0,
        expression=f'max {_BY} (libelle_promise_verdict{{status="broken"}}) == 1',
        condition=_is_set("libelle_promise_verdict", status="broken"),
        meaning=(
            "Un audit a établi que la promesse n’est pas tenue.",
            "An audit proved that the promise is not kept.",
        ),
    ),
    Alert(
        name="LibelleDrift",
        urgency=Urgency.WARNING,
        wait_seconds=0.0,
        expression=f'max {_BY} (libelle_drift_severity{{severity=~"medium|high"}}) == 1',
        condition=_is_set("libelle_drift_severity", severity="medium|high"),
        meaning=(
            "Les libellés ne ressemblent plus à ceux pour lesquels le modèle a été fait.",
            "Texts no longer look like those that the model was made for.",
        ),
    ),
    Alert(
        name="LibelleDriftNotStudied",
        urgency=Urgency.WARNING,
        wait_seconds=HOUR,
        expression=(
            f"time() - max {_BY} (libelle_drift_studied_timestamp_seconds)"
            f" > {OLD_STUDY_SECONDS:.0f}"
        ),
        condition=_is_study_old,
        meaning=(
            "Aucune étude de dérive n’a été publiée depuis dix jours, ou jamais.",
            "No drift study was published for ten days, or ever.",
        ),
    ),
    Alert(
        name="LibelleWatchBlind",
        urgency=Urgency.WARNING,
        wait_seconds=30 * MINUTE,
        expression=(
            f"max {_BY} (libelle_promise_verdict_unreadable) == 1\n"
            f"  or max {_BY} (libelle_drift_unreadable) == 1"
        ),
        condition=_is_unreadable,
        meaning=(
            "Le verdict des audits ou l’étude de dérive ne peut pas être lu.",
            "The verdict of audits or the drift study cannot be read.",
        ),
    ),
)
# What the history must hold: the bins of a histogram come with it.
FAMILIES = frozenset(
    name.removesuffix("_bucket")
    for alert in ALERTS
    for name in re.findall("libelle_[a-z_]+", alert.expression)
)
