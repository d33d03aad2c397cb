"""Health: live while the process runs, ready once the model answers its golden texts."""

from typing import Any

from fastapi import APIRouter

from api.answers import describe_identity
from api.dependencies import ModelDep
from api.openapi import problems
from api.schemas import Liveness, Readiness

router = APIRouter(prefix="/health", tags=["Health"])


@router.get("/live", response_model=Liveness)
async def live() -> dict[str, str]:
    """Tell that the process runs."""
    return {"status": "live"}


@router.get("/ready", response_model=Readiness, responses=problems(503))
async def ready(model: ModelDep) -> dict[str, Any]:
    """Tell that the model is loaded and answers its golden texts."""
    return {"status": "ready", "model": describe_identity(model)}
