"""Predictions: one text, many, or a file of them."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from api.answers import note_refused, predict_step, steps_of, write_batch
from api.asking import Asker, read_batch, read_text
from api.bodies import body_of_request
from api.errors import JSON_CHARSET
from api.files.exchange import open_file
from api.openapi import ANSWERED_FILE, BATCH_REQUEST, PREDICT_REQUEST, body_of, file_body, problems
from api.schemas import BatchAnswer, SinglePrediction
from api.service import Service
from libelle.predictor import Prediction

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
        answer = await service.work.answer(asked)
        await service.keep()
        return Response(answer, media_type=JSON)


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
        request.scope["state"]["n_texts"] = asked.n_items
        service.meter.count_batch(asked.n_items, n_invalid=len(asked.refused))
        note_refused(asked, model, asker, service.note)
        step = partial(partial, predict_step, asked, model=model, asker=asker, note=service.note)
        predictions: list[Prediction] = []
        for rows in steps_of(len(asked.texts), lambda: work.step_texts):
            predictions += await work.do(step(rows))
        content = await work.do(partial(write_batch, asked, predictions, model))
        await service.keep()
    return Response(content, media_type=JSON)


@router.post(
    "/predict/file",
    response_class=Response,
    responses={**_PROBLEMS, 200: {"description": "The rows, answered", "content": ANSWERED_FILE}},
    openapi_extra=file_body(),
)
async def predict_file(request: Request) -> Response:
    r"""Code the texts of a file, which is answered while it comes.

    Send CSV (UTF-8, with or without byte order mark; the delimiter, among `,` `;` tab `|`, is found
    in the header) or NDJSON. The answer has the same format and delimiter: every column, then
    `prediction_id`, `code`, `title`, `confidence`, `decision`, `reason`, `top_code`,
    `model_digest`, `guarantee` (its status then), `threshold_id`, `candidates`, `prediction_set`,
    `prediction_set_complete`, `roll_up` and `error`. A column that bears one of these names is
    written as `input_NAME`. In CSV, the last five hold JSON, null is an empty cell and records end
    by `\r\n`.

    The answers are those of a batch with the same texts and the same `X-Request-ID`. A row that is
    not valid (a text that is too long, a wrong number of cells, a line that is not JSON…) gets its
    own `error`, as in a batch, and the others are answered. Blank lines are no rows.

    **The last record tells that nothing is missing.** NDJSON: `{"rows": 2, "errors": 0}`. CSV: a
    record as wide as the others, whose first cell is `#end` and whose last cell holds that same
    JSON. When the service stops before the end of the file (it is larger than allowed, or its
    answer waits too long on disk), the last record holds the problem instead: `{"cut": {…}}` in
    NDJSON; `#cut` in the first cell and the problem in the last one in CSV. An answer without
    last record was cut on its way: send the file again.

    Read while you send, or send everything first: both work. Cells are written as they came: one
    that begins with `=`, `+`, `-` or `@` may be run as a formula by a spreadsheet that opens the
    file. Import such columns as text.
    """
    service: Service = request.app.state.service
    return open_file(request, service, _asker(request, service))


def _asker(request: Request, service: Service) -> Asker:
    state = request.scope["state"]
    return Asker(service.log_key, state["request_id"], state.get("client", ""))
