"""Feedback: what coders say of predictions."""

from typing import Any

from fastapi import APIRouter, Request, Response

from api.bodies import body_of_request
from api.feedback import describe_feedback, read_feedback_body
from api.openapi import feedback_body, problems
from api.schemas import FeedbackAnswer
from api.service import Service

router = APIRouter(tags=["Feedback"])

MAX_FEEDBACK_BYTES = 8_000
_SAME_AGAIN = {"description": "The same verdict stands already", "model": FeedbackAnswer}


@router.post(
    "/feedback",
    status_code=201,
    response_model=FeedbackAnswer,
    responses={200: _SAME_AGAIN, **problems(400, 408, 409, 413, 415, 422, 429, 503)},
    openapi_extra=feedback_body(),
)
async def give_feedback(request: Request, response: Response) -> dict[str, Any]:
    """Say whether a prediction is right.

    - `confirmed`: one of the candidates is right, `code` says which;
    - `corrected`: another code is right, `code` says which;
    - `not_enough_information`: the text does not tell which code is right;
    - `ambiguous_nomenclature`: several codes would do.

    A coder has one verdict on a prediction. The same one again answers 200 and changes nothing, so
    a retry is safe; another one answers 409, unless `replaces` names the verdict that stands
    (`feedback_id` of the problem): both are kept, the last one counts. Two coders may each give
    one. `coder` is kept as a keyed pseudonym; the name of the key stands for it when it is absent.

    After 503, the verdict may have been kept: give it again.
    """
    service: Service = request.app.state.service
    model = service.model
    client = request.scope["state"].get("client", "")
    async with body_of_request(request, service, max_bytes=MAX_FEEDBACK_BYTES) as body:
        given = await service.feedback.give(read_feedback_body(body, model), client=client)
    if given.is_new:
        service.meter.count_feedback(given.feedback.verdict)
    else:
        response.status_code = 200
    return describe_feedback(given)
