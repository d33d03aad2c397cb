"""Guarantee: how often what is promised of errors is broken, on real texts."""
