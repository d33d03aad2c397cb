"""Predictions: one text, or many."""

from typing import Any

from fastapi import APIRouter, Request, Response

from api.answers import Asker, answer_batch, answer_text
from api.bodies import JSON_MEDIA_TYPE, read_json_body
from api.dependencies import ModelDep, RequestIdDep, ServiceDep
from api.openapi import BATCH_REQUEST, PREDICT_REQUEST, body_of, problems
from api.schemas import BatchAnswer, SinglePrediction

router = APIRouter(tags=["Predictions"])

_PROBLEMS: dict[int | str, dict[str, Any]] = problems(400, 415, 422, 503)


@router.post(
    "/predict",
    response_model=SinglePrediction,
    responses=_PROBLEMS,
    openapi_extra=body_of(PREDICT_REQUEST),
)
async def predict(
    request: Request, service: ServiceDep, model: ModelDep, request_id: RequestIdDep
) -> Response:
    """Code one text.

    Store `code`, which is null unless the decision is `automatic`; show `candidates` to a person.
    """
    body = await read_json_body(request)
    asker = Asker(service.log_key, request_id)
    content = await service.run(answer_text, body, service.requests, model, asker)
    return Response(content, media_type=JSON_MEDIA_TYPE)


@router.post(
    "/predict/batch",
    response_model=BatchAnswer,
    responses=_PROBLEMS,
    openapi_extra=body_of(BATCH_REQUEST),
)
async def predict_batch(
    request: Request, service: ServiceDep, model: ModelDep, request_id: RequestIdDep
) -> Response:
    """Code many texts, in order.

    An item that is not valid gets its own error and the others are answered: the status is 200
    even if every item fails.
    """
    body = await read_json_body(request)
    asker = Asker(service.log_key, request_id)
    content = await service.run(answer_batch, body, service.requests, model, asker)
    return Response(content, media_type=JSON_MEDIA_TYPE)
