"""Data: what libelle learns from."""
