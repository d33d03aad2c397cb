"""Metrics: what each worker counts, and how Prometheus reads the sum of it."""

from api.metrics.meter import Meter
from api.metrics.report import Report
from api.metrics.routes import RouteNames

__all__ = ["Meter", "Report", "RouteNames"]
