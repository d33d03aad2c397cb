"""Alerts: what deserves that somebody is called, told once for Prometheus and for the dashboard."""

from libelle.monitoring.alerts.exposition import read_exposition
from libelle.monitoring.alerts.history import History
from libelle.monitoring.alerts.prometheus import render_rules
from libelle.monitoring.alerts.rules import ALERTS, FAMILIES, Alert, Urgency
from libelle.monitoring.alerts.states import AlertState, AlertStates, Status

__all__ = [
    "ALERTS",
    "FAMILIES",
    "Alert",
    "AlertState",
    "AlertStates",
    "History",
    "Status",
    "Urgency",
    "read_exposition",
    "render_rules",
]
