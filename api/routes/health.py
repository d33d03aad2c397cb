"""Health: live while the process runs, ready once the model answers its golden texts."""

from typing import Any

from fastapi import APIRouter

from api.answers import describe_identity
from api.dependencies import ModelDep, ServiceDep
from api.errors import NOT_READY, ProblemError
from api.openapi import problems
from api.schemas import Liveness, Readiness

router = APIRouter(prefix="/health", tags=["Health"])

OPEN_ADDRESSES = ("/health/live", "/health/ready")


@router.get("/live", response_model=Liveness)
async def live() -> dict[str, str]:
    """Tell that the process runs."""
    return {"status": "live"}


@router.get("/ready", response_model=Readiness, responses=problems(503))
async def ready(service: ServiceDep, model: ModelDep) -> dict[str, Any]:
    """Tell that the model is loaded and answers its golden texts."""
    if service.draining:
        raise ProblemError(NOT_READY, "The service is stopping: send requests to another one.")
    notice = service.board.read()
    return {
        "status": "ready",
        "model": describe_identity(model),
        "reload": {
            "n_reloads": notice.n_reloads,
            "n_failures": notice.n_failed_reloads,
            "failure": notice.failure,
            "failed_at": notice.failed_at,
            "from_cache": notice.from_cache,
        },
        "log": service.log_state,
    }
