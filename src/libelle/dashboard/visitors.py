"""Visitors: who looks at the pages, and which scope a page takes."""

from dataclasses import dataclass
from typing import Final

from api.security.keys import Scope

# Pages that show texts or code them, by the first word of their address; the others take `read`.
SCOPE_OF_PAGE: Final = {"review": Scope.REVIEW, "try": Scope.PREDICT}


@dataclass(frozen=True)
class Visitor:
    """Who looks at a page.

    Attributes
    ----------
    name : str
        Of the client whose key it is; empty when no key is asked for.
    scopes : frozenset of Scope
    csrf_token : str
        What forms have to bear; empty when no key is asked for.
    """

    name: str
    scopes: frozenset[Scope]
    csrf_token: str = ""

    def may(self, scope: str) -> bool:
        """Tell whether the visitor has a scope."""
        return Scope(scope) in self.scopes


ANYBODY: Final = Visitor("", frozenset(Scope))
