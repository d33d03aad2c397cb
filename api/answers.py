"""Answers: from the body of a request to the body of its answer, in a thread."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.bodies import parse_json
from api.errors import INVALID_ITEM, count_errors, describe_field_errors, invalid_request
from api.loading import LoadedModel
from api.schemas import RequestTypes
from libelle.monitoring.prediction_log import make_prediction_ids
from libelle.predictor import Explanation, Prediction, RollUp

_ITEMS = "items"
NO_CLIENT = ""


@dataclass(frozen=True)
class Asker:
    """Who asks, for the identifiers of the predictions."""

    log_key: bytes
    request_id: str
    client: str = NO_CLIENT


def answer_text(body: bytes, types: RequestTypes, model: LoadedModel, asker: Asker) -> bytes:
    """Answer `POST /v1/predict`.

    Raises
    ------
    ProblemError
        If the body is not as the schema says.
    """
    try:
        asked = types.predict.validate_python(parse_json(body))
    except ValidationError as error:
        raise invalid_request(describe_field_errors(_complaints(error))) from None
    top_k = asked.get("top_k", types.default_top_k)
    explain = asked.get("explain", False)
    [prediction] = _predict({0: asked["text"]}, top_k, model, asker, explain=explain).values()
    answer = {
        **prediction,
        "id": asked.get("id"),
        "model": describe_identity(model),
        "guarantee": describe_guarantee(model),
    }
    return orjson.dumps(answer)


def answer_batch(body: bytes, types: RequestTypes, model: LoadedModel, asker: Asker) -> bytes:
    """Answer `POST /v1/predict/batch`: one result for each item, in order.

    Raises
    ------
    ProblemError
        If the body is not as the schema says, items apart: each of these has its own error.
    """
    asked = parse_json(body)
    errors = _check_batch(asked, types)
    items = asked[_ITEMS]
    texts = {
        position: item["text"] for position, item in enumerate(items) if position not in errors
    }
    top_k = asked.get("top_k", types.default_top_k)
    predictions = _predict(texts, top_k, model, asker)
    results = [
        (
            {"id": item.get("id"), "prediction": predictions[position], "error": None}
            if position in predictions
            else _refuse_item(item, errors[position])
        )
        for position, item in enumerate(items)
    ]
    answer = {
        "model": describe_identity(model),
        "guarantee": describe_guarantee(model),
        "results": results,
    }
    return orjson.dumps(answer)


def describe_identity(model: LoadedModel) -> dict[str, Any]:
    """Return which model answers."""
    return {"name": model.name, "version": model.version, "digest": model.predictor.digest}


def describe_guarantee(model: LoadedModel) -> dict[str, Any]:
    """Return the promise under which it answers."""
    guarantee = model.predictor.guarantee
    return {
        "status": guarantee.status,
        "target_error": guarantee.target_error,
        "delta": guarantee.delta,
        "bound": guarantee.bound,
        "threshold_id": guarantee.threshold_id,
    }


def _check_batch(asked: Any, types: RequestTypes) -> Mapping[int, list[ErrorDetails]]:
    """Return what is wrong with each item that is wrong; the others are left as they are."""
    try:
        types.batch.validate_python(asked)
    except ValidationError as error:
        complaints = _complaints(error)
    else:
        return {}
    in_items: dict[int, list[ErrorDetails]] = defaultdict(list)
    elsewhere = []
    for complaint in complaints:
        match complaint["loc"]:
            case ("items", int(position), *_):
                in_items[position].append(complaint)
            case _:
                elsewhere.append(complaint)
    if elsewhere:
        raise invalid_request(describe_field_errors(elsewhere))
    return in_items


def _complaints(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _predict(
    texts: Mapping[int, str],
    top_k: int,
    model: LoadedModel,
    asker: Asker,
    *,
    explain: bool = False,
) -> dict[int, dict[str, Any]]:
    """Return the prediction of each position."""
    predictions = model.predictor.predict(list(texts.values()), top_k=top_k, explain=explain)
    prediction_ids = make_prediction_ids(
        asker.log_key,
        client=asker.client,
        request_id=asker.request_id,
        texts=texts.items(),
        digest=model.predictor.digest,
    )
    described = map(_describe_prediction, predictions, prediction_ids)
    return dict(zip(texts, described, strict=True))


def _describe_prediction(prediction: Prediction, prediction_id: str) -> dict[str, Any]:
    # Dictionaries by hand: orjson takes twice as long to look into dataclasses.
    return {
        "prediction_id": prediction_id,
        "decision": prediction.decision,
        "reason": prediction.reason,
        "code": prediction.code,
        "title": prediction.title,
        "confidence": prediction.confidence,
        "candidates": [
            {
                "rank": candidate.rank,
                "code": candidate.code,
                "title": candidate.title,
                "probability": candidate.probability,
            }
            for candidate in prediction.candidates
        ],
        "prediction_set": prediction.prediction_set,
        "prediction_set_complete": prediction.prediction_set_complete,
        "roll_up": _describe_roll_up(prediction.roll_up),
        "explanation": _describe_explanation(prediction.explanation),
    }


def _describe_roll_up(roll_up: RollUp | None) -> dict[str, Any] | None:
    if roll_up is None:
        return None
    return {
        "level": roll_up.level,
        "code": roll_up.code,
        "title": roll_up.title,
        "confidence": roll_up.confidence,
        "decision": roll_up.decision,
        "threshold_id": roll_up.threshold_id,
    }


def _describe_explanation(explanation: Explanation | None) -> dict[str, Any] | None:
    if explanation is None:
        return None
    return {
        "against": {"code": explanation.against.code, "title": explanation.against.title},
        "score_difference": explanation.score_difference,
        "baseline": explanation.baseline,
        "words": [
            {"word": word, "contribution": contribution} for word, contribution in explanation.words
        ],
    }


def _refuse_item(item: Any, complaints: list[ErrorDetails]) -> dict[str, Any]:
    field_errors = describe_field_errors(complaints, n_above=2)
    error = {
        "type": INVALID_ITEM.type,
        "title": INVALID_ITEM.title,
        "detail": count_errors(field_errors),
        "errors": field_errors,
    }
    return {"id": _readable_id(item, complaints), "prediction": None, "error": error}


def _readable_id(item: Any, complaints: list[ErrorDetails]) -> str | None:
    """Return the identifier of a refused item, unless it is what is wrong."""
    if not isinstance(item, dict) or any(error["loc"][2:] == ("id",) for error in complaints):
        return None
    identifier: str | None = item.get("id")
    return identifier
