"""Models: the one that answers."""

from typing import Any

from fastapi import APIRouter

from api.answers import describe_guarantee, describe_identity
from api.dependencies import ModelDep, ServiceDep
from api.openapi import problems
from api.schemas import ModelDescription, ModelList

router = APIRouter(tags=["Model"])
list_router = APIRouter(tags=["Model"])


@router.get("/model", response_model=ModelDescription, responses=problems(503))
async def describe_model(service: ServiceDep, model: ModelDep) -> dict[str, Any]:
    """Describe the model: its identity, codes, thresholds with their bounds, and metrics."""
    predictor = model.predictor
    nomenclature = predictor.nomenclature
    return {
        **describe_identity(model),
        "nomenclature": {"n_codes": len(nomenclature), "levels": nomenclature.levels},
        "n_codes": len(predictor.codes),
        "guarantee": describe_guarantee(model),
        "verdict": service.verdict,
        "thresholds": predictor.manifest.get("thresholds", []),
        "levels": predictor.manifest.get("levels", {}),
        "roll_up": predictor.manifest.get("roll_up") or [],
        "metrics": predictor.manifest.get("metrics", {}),
        "loaded_at": model.loaded_at,
    }


@list_router.get("/models", response_model=ModelList, responses=problems(503))
async def list_models(model: ModelDep) -> dict[str, Any]:
    """List the models that this service answers for: one."""
    return {"models": [describe_identity(model)]}
