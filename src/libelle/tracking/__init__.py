"""Tracking: runs kept on disk, sent to MLflow, and the models registered there."""
