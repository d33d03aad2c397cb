"""Leases: a text is with one coder at a time, for a time."""

from dataclasses import dataclass, field

from libelle.dashboard.review.items import Item

LEASE_SECONDS = 600.0
# A text that was put aside comes back to the same coder after an hour.
ASIDE_SECONDS = 3_600.0


@dataclass
class Leases:
    """Who holds what until when; times are seconds of one clock.

    Attributes
    ----------
    seconds : float
        How long a coder may keep a text without answering.
    """

    seconds: float = LEASE_SECONDS
    _held: dict[str, dict[str, tuple[Item, float]]] = field(default_factory=dict)
    _aside: dict[tuple[str, str], float] = field(default_factory=dict)

    def holders(self, prediction_id: str, *, now: float) -> set[str]:
        """Return the coders who hold a text."""
        held = self._held.get(prediction_id, {})
        return {coder for coder, (_, until) in held.items() if until > now}

    def give(self, item: Item, coder: str, *, now: float) -> None:
        """Lend a text to a coder, or for longer."""
        self._held.setdefault(item.prediction_id, {})[coder] = (item, now + self.seconds)

    def item_of(self, prediction_id: str, coder: str) -> Item | None:
        """Return a text that was lent to a coder, be it overdue."""
        held = self._held.get(prediction_id, {}).get(coder)
        return held[0] if held else None

    def of_coder(self, coder: str, *, now: float) -> list[Item]:
        """Return the texts that a coder holds."""
        return [
            held[coder][0] for held in self._held.values() if coder in held and held[coder][1] > now
        ]

    def take_back(self, prediction_id: str, coder: str) -> None:
        """End a lease."""
        held = self._held.get(prediction_id, {})
        held.pop(coder, None)
        if not held:
            self._held.pop(prediction_id, None)

    def put_aside(self, prediction_id: str, coder: str, *, now: float) -> None:
        """End a lease; the coder does not see the text for a while."""
        self.take_back(prediction_id, coder)
        self._aside[prediction_id, coder] = now + ASIDE_SECONDS

    def is_aside(self, prediction_id: str, coder: str, *, now: float) -> bool:
        """Tell whether a coder put a text aside not long ago."""
        return self._aside.get((prediction_id, coder), now) > now
