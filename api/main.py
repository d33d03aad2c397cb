"""Main: the application, put together, and what `libelle serve` runs."""

import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import anyio
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr

from api.dependencies import refuse_other_models
from api.errors import install_error_handlers
from api.loading import LoadedModel, ModelSource, find_model, load_model, refuse_wrong_answers
from api.middleware import RequestIds, SubPath
from api.openapi import problems
from api.routes import codes, health, models, pages, predictions
from api.server import STARTUP_FAILURE, exit_cleanly, listen, refuse_busy_port, run_server
from api.service import LOG_KEY_BYTES, Service
from libelle.errors import LibelleError
from libelle.settings import Settings

__all__ = ["create_app", "refuse_busy_port", "serve"]

API_VERSION = "1"
_DESCRIPTION = """\
Give each short text its official code, or hand it to a person with a short list.

`decision` says what becomes of a text: `automatic` (its `code` may be stored), `review` (a person
decides, among `candidates`) or `refused` (there is nothing to code). Codes are text: `"0111"`.

`X-Request-ID` is echoed, or made when there is none: a retry with the same one is safe. Errors are
`application/problem+json` (RFC 9457), whose `type` is stable.
"""


def create_app(
    settings: Settings, *, load_model: LoadedModel | Callable[[], LoadedModel]
) -> FastAPI:
    """Return the service.

    Parameters
    ----------
    settings : Settings
    load_model : LoadedModel, or callable that returns one
        A callable is called in a thread once the service is live; it is ready afterwards.
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
    app.state.service = Service(settings, load_model)
    install_error_handlers(app)
    _include_routes(app)
    app.add_middleware(SubPath, root_path=settings.root_path)
    app.add_middleware(RequestIds)
    return app


def serve(settings: Settings) -> None:
    """Answer requests until a signal asks to stop.

    Raises
    ------
    UsageError
        If the address cannot be listened on, because another program does for instance.
    LibelleError
        If the model cannot be loaded.
    """
    exit_cleanly()
    with listen(settings.host, settings.port) as listener:
        source = find_model(settings)
        model = load_model(source, target_error=settings.target_error)
        refuse_wrong_answers(model)
        if settings.workers == 1:
            run_server(partial(create_app, settings, load_model=model), listener)
            return
        del model  # Each worker has its own.
        # All workers give a text the same identifier, so that a retry may reach any of them.
        if settings.log_key_bytes() is None:
            log_key = SecretStr(secrets.token_hex(LOG_KEY_BYTES))
            settings = settings.model_copy(update={"log_key": log_key})
        run_server(partial(_create_worker, settings, source), listener, n_workers=settings.workers)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    async with anyio.create_task_group() as tasks:
        if service.loads_late:
            tasks.start_soon(service.prepare)
        else:
            await service.prepare()
        yield
        tasks.cancel_scope.cancel()


def _include_routes(app: FastAPI) -> None:
    same_routes = APIRouter()
    for routes in (predictions, models, codes):
        same_routes.include_router(routes.router)
    app.include_router(pages.router)
    app.include_router(health.router)
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


def _create_worker(settings: Settings, source: ModelSource) -> FastAPI:
    """Return the application of one worker, which loads the model before it takes requests."""
    try:
        return create_app(
            settings, load_model=load_model(source, target_error=settings.target_error)
        )
    except LibelleError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(STARTUP_FAILURE)
