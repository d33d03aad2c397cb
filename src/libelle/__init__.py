"""libelle: give each short text its official code, with a guarantee on the error rate."""

__version__ = "0.1.0"
