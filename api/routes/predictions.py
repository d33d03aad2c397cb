"""Predictions: one text, or many."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from api.answers import Asker, predict_step, read_batch, read_text, steps_of, write_batch
from api.bodies import body_of_request
from api.errors import JSON_CHARSET
from api.openapi import BATCH_REQUEST, PREDICT_REQUEST, body_of, problems
from api.schemas import BatchAnswer, SinglePrediction
from api.service import Service

router = APIRouter(tags=["Predictions"])

JSON = f"application/json{JSON_CHARSET}"
_PROBLEMS: dict[int | str, dict[str, Any]] = problems(400, 408, 413, 415, 422, 429, 503)


# Both routes read their request themselves: what FastAPI would inject costs as much as an answer.
@router.post(
    "/predict",
    response_model=SinglePrediction,
    responses=_PROBLEMS,
    openapi_extra=body_of(PREDICT_REQUEST),
)
async def predict(request: Request) -> Response:
    """Code one text.

    Store `code`, which is null unless the decision is `automatic`; show `candidates` to a person.
    """
    service: Service = request.app.state.service
    model = service.model
    async with service.admission(), body_of_request(request, service) as body:
        asked = read_text(body, service.requests, model, _asker(request, service))
        return Response(await service.work.answer(asked), media_type=JSON)


@router.post(
    "/predict/batch",
    response_model=BatchAnswer,
    responses=_PROBLEMS,
    openapi_extra=body_of(BATCH_REQUEST),
)
async def predict_batch(request: Request) -> Response:
    """Code many texts, in order.

    An item that is not valid gets its own error and the others are answered: the status is 200
    even if every item fails.
    """
    service: Service = request.app.state.service
    model, asker, work = service.model, _asker(request, service), service.work
    max_total_characters = service.settings.max_total_characters
    async with service.admission(), body_of_request(request, service) as body:
        read = partial(
            read_batch, body, service.requests, max_total_characters=max_total_characters
        )
        asked = await work.do(read)
        request.scope["state"]["n_texts"] = len(asked.items)
        service.meter.count_batch(len(asked.items), n_invalid=len(asked.errors))
        step = partial(partial, predict_step, asked, model=model, asker=asker, note=service.note)
        predictions: list[dict[str, Any]] = []
        for rows in steps_of(len(asked.texts), lambda: work.step_texts):
            predictions += await work.do(step(rows))
        content = await work.do(partial(write_batch, asked, predictions, model))
    return Response(content, media_type=JSON)


def _asker(request: Request, service: Service) -> Asker:
    state = request.scope["state"]
    return Asker(service.log_key, state["request_id"], state.get("client", ""))
