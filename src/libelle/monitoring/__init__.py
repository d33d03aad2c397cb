"""Monitoring: what the service answered, whether it was right, and whether the world has moved."""
