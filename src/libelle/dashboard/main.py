"""Main: the dashboard, put together."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.security.access import make_guard
from libelle.dashboard.access import Access
from libelle.dashboard.calling import ApiClient
from libelle.dashboard.desk import Desk
from libelle.dashboard.figures import Drawer
from libelle.dashboard.journal import Journal
from libelle.dashboard.model_view import Models
from libelle.dashboard.parts import FixedParts, PartsSource
from libelle.dashboard.rendering import show_error
from libelle.dashboard.review import Reviewing
from libelle.dashboard.routes import (
    codes,
    drift,
    files,
    first,
    guarantee,
    models,
    review,
    sessions,
    today,
    trying,
)
from libelle.dashboard.surroundings import Answers, SubPath
from libelle.dashboard.trying import Shelf
from libelle.dashboard.watching import Clock, utc_now
from libelle.settings import Settings

LOG_KEY_BYTES = 32
# Whatever stands elsewhere asks for a login.
OPEN_ADDRESSES: Final = frozenset((*files.OPEN_ADDRESSES, *sessions.OPEN_ADDRESSES))
ROUTES: Final = (files, sessions, first, today, trying, guarantee, drift, codes, review, models)


def create_dashboard(
    settings: Settings, *, source: PartsSource | None = None, clock: Clock = utc_now
) -> FastAPI:
    """Return the dashboard.

    Parameters
    ----------
    settings : Settings
    source : PartsSource or None
        What gives audits, drift and feedback; pages say "not measured yet" without it.
    clock : callable
        Returns the time, in UTC.

    Raises
    ------
    UsageError
        If the settings leave the door open without saying so, or with a key that is worth nothing.
    """
    app = FastAPI(
        title="libelle: dashboard",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    log_key = settings.log_key_bytes() or secrets.token_bytes(LOG_KEY_BYTES)
    guard, api = make_guard(settings, log_key), ApiClient.of(settings)
    app.state.desk = Desk(
        settings=settings,
        guard=guard,
        journal=Journal(settings, clock=clock),
        models=Models(settings, clock=clock),
        source=source or FixedParts(),
        drawer=Drawer(),
        api=api,
        reviewing=Reviewing(settings, api=api, clock=clock),
        shelf=Shelf(settings.home / "tries"),
        clock=clock,
    )
    for route in ROUTES:
        app.include_router(route.router)
    app.add_exception_handler(HTTPException, _show_http_error)
    app.add_exception_handler(RequestValidationError, _show_unknown)
    # The last one added comes first.
    app.add_middleware(Access, guard=guard, open_addresses=OPEN_ADDRESSES)
    app.add_middleware(SubPath, root_path=settings.root_path)
    app.add_middleware(Answers)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Sharpen the pencils, begin to count the log and to measure before somebody comes."""
    desk: Desk = app.state.desk
    desk.drawer.warm()
    desk.journal.start()
    await run_in_threadpool(desk.parts)
    yield


def _show_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    return show_error(request, error.status_code)


def _show_unknown(request: Request, _error: Exception) -> Response:
    return show_error(request, 404)
