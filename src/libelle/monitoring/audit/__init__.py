"""Audit: what a promise becomes in production, proved on texts drawn at random and judged."""

from libelle.monitoring.audit.estimation import ArmEstimate, AuditEstimate, estimate
from libelle.monitoring.audit.evidence import Status
from libelle.monitoring.audit.rates import RateEstimate
from libelle.monitoring.audit.sampling import draw
from libelle.monitoring.audit.verdict import Verdict, publish, read_verdict

__all__ = [
    "ArmEstimate",
    "AuditEstimate",
    "RateEstimate",
    "Status",
    "Verdict",
    "draw",
    "estimate",
    "publish",
    "read_verdict",
]
