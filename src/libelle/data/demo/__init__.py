"""Demonstration: synthetic French requests to a municipality, from a seeded generator."""

from libelle.data.demo.generator import DemoText, demo_nomenclature, make_demo, write_demo
from libelle.data.demo.themes import SYNTHETIC_NOTICE, SYNTHETIC_NOTICE_FR

__all__ = [
    "SYNTHETIC_NOTICE",
    "SYNTHETIC_NOTICE_FR",
    "DemoText",
    "demo_nomenclature",
    "make_demo",
    "write_demo",
]
