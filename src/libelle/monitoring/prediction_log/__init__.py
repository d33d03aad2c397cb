"""Prediction log: one row for each item of a request, kept before the request is answered."""

from libelle.monitoring.prediction_log.identifiers import make_prediction_id, make_prediction_ids

__all__ = ["make_prediction_id", "make_prediction_ids"]
