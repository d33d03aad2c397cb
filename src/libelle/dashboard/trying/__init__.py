"""Trying: a text or a file that somebody gives to the page, coded by the API."""

from libelle.dashboard.trying.coding import ADDED, code_file
from libelle.dashboard.trying.shelf import Deposit, Shelf
from libelle.dashboard.trying.tables import Shape, UnreadableFileError, read_shape

__all__ = [
    "ADDED",
    "Deposit",
    "Shape",
    "Shelf",
    "UnreadableFileError",
    "code_file",
    "read_shape",
]
