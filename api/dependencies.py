"""Dependencies: what routes are given; asynchronous, since FastAPI sends others to threads."""

from typing import Annotated

from fastapi import Depends, Path, Request

from api.errors import UNKNOWN_MODEL, ProblemError
from api.loading import LoadedModel
from api.service import Service


async def get_service(request: Request) -> Service:
    """Return the state of the application."""
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(get_service)]


async def get_model(service: ServiceDep) -> LoadedModel:
    """Return the model that answers; a problem when none is ready."""
    return service.model


ModelDep = Annotated[LoadedModel, Depends(get_model)]


async def get_request_id(request: Request) -> str:
    """Return the identifier that the client gave to its request, or that was made for it."""
    return str(request.state.request_id)


RequestIdDep = Annotated[str, Depends(get_request_id)]


async def refuse_other_models(
    model: Annotated[str, Path(description="Name of the model.", examples=["demo"])],
    loaded: ModelDep,
) -> None:
    """Refuse a request meant for another model."""
    if model != loaded.name:
        raise ProblemError(UNKNOWN_MODEL, "GET /v1/models says for which model it answers.")
