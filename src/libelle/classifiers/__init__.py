"""Classifiers: what learns to turn normalised texts into probabilities of codes."""
