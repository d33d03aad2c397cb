"""Main: the application, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from api.dependencies import refuse_other_models
from api.errors import install_error_handlers
from api.judgement import Judgement
from api.loading import LoadedModel
from api.metrics import Meter, RouteNames
from api.middleware import RequestIds, SubPath
from api.openapi import problems
from api.routes import codes, feedback, health, models, pages, predictions, sessions
from api.security.access import Access, make_guard
from api.security.headers import SecurityHeaders
from api.security.origins import Origins
from api.server import Page
from api.server.board import Board, Notice
from api.service import Service
from libelle.monitoring.prediction_sink import PredictionSink
from libelle.settings import Settings

API_VERSION = "1"
# Whatever stands elsewhere asks for a key.
OPEN_ADDRESSES = frozenset(
    (*pages.OPEN_ADDRESSES, *health.OPEN_ADDRESSES, *sessions.OPEN_ADDRESSES)
)
_DESCRIPTION = """\
Give each short text its official code, or hand it to a person with a short list.

`decision` says what becomes of a text: `automatic` (its `code` may be stored), `review` (a person
decides, among `candidates`) or `refused` (there is nothing to code). Codes are text: `"0111"`.

A key goes in the header `X-API-Key`, never in an address.

`X-Request-ID` is echoed, or made when there is none: a retry with the same one is safe. Errors are
`application/problem+json` (RFC 9457), whose `type` is stable.
"""


def create_app(
    settings: Settings,
    model: LoadedModel | None,
    *,
    board: Board[Notice] | None = None,
    page: Page | None = None,
    sink: PredictionSink | None = None,
    judgements: Board[Judgement] | None = None,
) -> FastAPI:
    """Return the service.

    Parameters
    ----------
    settings : Settings
    model : LoadedModel or None
        The one that answers; without one, the service is live and not ready.
    board : Board or None
        What the supervising process says of the model's life.
    page : Page or None
        Where metrics are counted, for another process to show.
    sink : PredictionSink or None
        Where predictions go; nowhere if None.
    judgements : Board of Judgement or None
        What audits say of the promise.
    """
    app = FastAPI(
        title="libelle",
        version=API_VERSION,
        description=_DESCRIPTION,
        # Relative to openapi.json: right under any sub-path.
        servers=[{"url": "."}],
        openapi_url=None,
        generate_unique_id_function=_name_operation,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    install_error_handlers(app)
    _include_routes(app)
    routes = RouteNames(app)
    meter = Meter(routes.names, page.numbers if page else None)
    app.state.service = Service(
        settings, model, board=board, meter=meter, sink=sink, judgements=judgements
    )
    app.state.guard = make_guard(settings, app.state.service.log_key)
    app.state.open_addresses = OPEN_ADDRESSES
    _surround(app, settings, routes)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    service.obey()
    service.work.open()
    yield
    service.close()


def _surround(app: FastAPI, settings: Settings, routes: RouteNames) -> None:
    """Put around the routes what every request goes through; the last one comes first."""
    guard, service = app.state.guard, app.state.service
    app.add_middleware(Access, guard=guard, open_addresses=app.state.open_addresses)
    app.add_middleware(SubPath, root_path=settings.root_path)
    app.add_middleware(RequestIds, service=service, routes=routes)
    if settings.cors_origins:
        app.add_middleware(Origins, allowed=settings.cors_origins)
    app.add_middleware(SecurityHeaders)


def _include_routes(app: FastAPI) -> None:
    same_routes = APIRouter()
    for routes in (predictions, models, codes, feedback):
        same_routes.include_router(routes.router)
    app.include_router(pages.router)
    app.include_router(health.router)
    app.include_router(sessions.router)
    app.include_router(same_routes, prefix="/v1")
    app.include_router(models.list_router, prefix="/v1")
    app.include_router(
        same_routes,
        prefix="/v1/models/{model}",
        dependencies=[Depends(refuse_other_models)],
        responses=problems(404),
    )


def _name_operation(route: APIRoute) -> str:
    """Return the name that generated clients give to a route."""
    return f"{route.name}_of_model" if "{model}" in route.path else route.name
