"""Demonstration: synthetic French requests to a municipality, from a seeded generator."""

from libelle.data.demo.generator import DemoText, demo_nomenclature, make_demo, write_demo
from libelle.data.demo.themes import SYNTHETIC_NOTICE, SYNTHETIC_NOTICE_FR
from libelle.data.demo.traffic import TrafficText, make_traffic

__all__ = [
    "SYNTHETIC_NOTICE",
    "SYNTHETIC_NOTICE_FR",
    "DemoText",
    "TrafficText",
    "demo_nomenclature",
    "make_demo",
    "make_traffic",
    "write_demo",
]
