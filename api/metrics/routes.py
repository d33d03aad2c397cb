"""Routes: the template of the address of a request, never the address itself."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import Scope

from api.metrics.families import OTHER

_OF_MODEL = "model"


class RouteNames:
    """The templates of an application.

    One route may stand under several prefixes: what tells them apart is whether the address names a
    model.

    Attributes
    ----------
    names : tuple of str
        All of them; `other` comes last, for what is at no known address.
    """

    def __init__(self, app: FastAPI) -> None:
        self._names: dict[tuple[int, bool], str] = {}
        for context in iter_route_contexts(app.routes):
            path = str(context.path_format)
            self._names[id(context.original_route), f"{{{_OF_MODEL}}}" in path] = path
        self.names = (*sorted(set(self._names.values())), OTHER)

    def name(self, scope: Scope) -> str:
        """Return the template of a request that was answered."""
        parameters: Any = scope.get("path_params", ())
        return self._names.get((id(scope.get("route")), _OF_MODEL in parameters), OTHER)
