"""Prometheus: the alerts as a file of rules that it reads."""

from textwrap import indent

from libelle.monitoring.alerts.rules import ALERTS, Alert

RUN_BOOK = "docs/operate.md"
_HEADER = """\
# Alerts of libelle, written by `make alerts` from src/libelle/monitoring/alerts/rules.py.
groups:
  - name: libelle
    rules:
"""


def render_rules() -> str:
    """Return the file of rules."""
    return _HEADER + "".join(map(_render, ALERTS))


def _render(alert: Alert) -> str:
    french, english = alert.meaning
    return (
        f"      - alert: {alert.name}\n"
        f"        expr: |-\n{indent(alert.expression, ' ' * 10)}\n"
        f"        for: {_duration(alert.wait_seconds)}\n"
        f"        labels:\n"
        f"          severity: {alert.urgency}\n"
        f"        annotations:\n"
        f'          summary: "{english}"\n'
        f'          summary_fr: "{french}"\n'
        f'          runbook: "{RUN_BOOK}#{alert.name.lower()}"\n'
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f}m" if seconds else "0s"
