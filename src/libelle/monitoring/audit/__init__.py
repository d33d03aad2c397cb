"""Audit: what a promise becomes in production, proved on texts drawn at random and judged."""

from libelle.monitoring.audit.estimation import ArmEstimate, AuditEstimate, estimate
from libelle.monitoring.audit.evidence import Status
from libelle.monitoring.audit.files import (
    DrawRecord,
    read_sample,
    refuse_drawn,
    sample_uri_of,
    write_draw,
)
from libelle.monitoring.audit.rates import RateEstimate
from libelle.monitoring.audit.sampling import draw
from libelle.monitoring.audit.sheet import join_answers, make_sheet, read_answers, read_texts
from libelle.monitoring.audit.verdict import ReviewVerdict, Verdict, publish, read_verdict

__all__ = [
    "ArmEstimate",
    "AuditEstimate",
    "DrawRecord",
    "RateEstimate",
    "ReviewVerdict",
    "Status",
    "Verdict",
    "draw",
    "estimate",
    "join_answers",
    "make_sheet",
    "publish",
    "read_answers",
    "read_sample",
    "read_texts",
    "read_verdict",
    "refuse_drawn",
    "sample_uri_of",
    "write_draw",
]
