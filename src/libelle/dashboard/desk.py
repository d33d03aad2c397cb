"""Desk: what the pages work with."""

from dataclasses import dataclass
from datetime import date

from api.security.access import Guard
from libelle.dashboard.calling import ApiClient
from libelle.dashboard.figures import Drawer
from libelle.dashboard.journal import Journal, JournalView
from libelle.dashboard.model_view import Models
from libelle.dashboard.parts import Parts, PartsSource
from libelle.dashboard.review import Reviewing
from libelle.dashboard.trying import Shelf
from libelle.dashboard.watching import Clock
from libelle.settings import Settings


@dataclass(frozen=True)
class Desk:
    """What every page may use.

    Attributes
    ----------
    settings : Settings
    guard : Guard
    journal : Journal
    models : Models
    source : PartsSource
    drawer : Drawer
    api : ApiClient
    reviewing : Reviewing
    shelf : Shelf
    clock : callable
    """

    settings: Settings
    guard: Guard
    journal: Journal
    models: Models
    source: PartsSource
    drawer: Drawer
    api: ApiClient
    reviewing: Reviewing
    shelf: Shelf
    clock: Clock

    def today(self) -> date:
        """Return the day, UTC."""
        return self.clock().date()

    def parts(self) -> Parts:
        """Return what was measured."""
        return self.source.read()

    def view(self) -> JournalView:
        """Return what is known of the log."""
        return self.journal.view()
