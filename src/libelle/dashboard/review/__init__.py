"""Review: which texts are put before coders, to whom, and what they said."""

from libelle.dashboard.review.desk import Outcome, Reviewing
from libelle.dashboard.review.items import Candidate, Item
from libelle.dashboard.review.waiting import Waiting

__all__ = ["Candidate", "Item", "Outcome", "Reviewing", "Waiting"]
