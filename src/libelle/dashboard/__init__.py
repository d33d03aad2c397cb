"""Dashboard: the figures of monitoring, drawn: pages, templates."""

from libelle.dashboard.main import create_dashboard
from libelle.dashboard.parts import (
    AuditSeen,
    CodeFeedback,
    DriftSeen,
    DriftTable,
    FixedParts,
    Parts,
    PartsSource,
)

__all__ = [
    "AuditSeen",
    "CodeFeedback",
    "DriftSeen",
    "DriftTable",
    "FixedParts",
    "Parts",
    "PartsSource",
    "create_dashboard",
]
