"""Answers: from the body of a request to the body of its answer."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.bodies import parse_json
from api.errors import INVALID_ITEM, count_errors, describe_field_errors, invalid_request
from api.loading import LoadedModel
from api.schemas import RequestTypes
from libelle.monitoring.prediction_log import make_prediction_ids
from libelle.monitoring.prediction_sink import PredictionRows
from libelle.predictor import Explanation, Prediction, RollUp

Note = Callable[[PredictionRows], None]

_ITEMS = "items"
NO_CLIENT = ""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, for the identifiers of the predictions."""

    log_key: bytes
    request_id: str
    client: str = NO_CLIENT
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True, slots=True)
class AskedText:
    """One text, as `POST /v1/predict` asks for it."""

    text: str
    id: str | None
    top_k: int
    explain: bool
    model: LoadedModel
    asker: Asker


@dataclass(frozen=True, slots=True, eq=False)
class AskedBatch:
    """Many texts, as `POST /v1/predict/batch` asks for them.

    Attributes
    ----------
    items : list
        As received.
    errors : mapping of int to list of ErrorDetails
        What is wrong with each item that is wrong, by position.
    texts : list of (int, str)
        Position and text of the others.
    ids : list of (str or None)
        Of these texts, as received.
    top_k : int
    """

    items: list[Any]
    errors: Mapping[int, list[ErrorDetails]]
    texts: list[tuple[int, str]]
    ids: list[str | None]
    top_k: int


def read_text(body: bytes, types: RequestTypes, model: LoadedModel, asker: Asker) -> AskedText:
    """Return what the body of `POST /v1/predict` asks.

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
    return AskedText(asked["text"], asked.get("id"), top_k, explain, model, asker)


def answer_texts(asked: Sequence[AskedText], note: Note) -> list[bytes]:
    """Answer texts that came one by one, each as if it were alone; note what was predicted."""
    answers: list[bytes] = []
    for (top_k, explain), together in groupby(asked, key=lambda one: (one.top_k, one.explain)):
        alike = list(together)
        predictor, texts = alike[0].model.predictor, [one.text for one in alike]
        predictions = predictor.predict(texts, top_k=top_k, explain=explain)
        answers += map(partial(_write_single, note=note), alike, predictions)
    return answers


def read_batch(body: bytes, types: RequestTypes, *, max_total_characters: int) -> AskedBatch:
    """Return what the body of `POST /v1/predict/batch` asks.

    Raises
    ------
    ProblemError
        If the body is not as the schema says, items apart: each of these has its own error.
    """
    asked = parse_json(body)
    errors = _check_batch(asked, types)
    items = asked[_ITEMS]
    texts = [
        (position, item["text"]) for position, item in enumerate(items) if position not in errors
    ]
    if sum(len(text) for _, text in texts) > max_total_characters:
        limit = f"The texts have more than {max_total_characters} characters in all."
        raise invalid_request([{"pointer": "#/items", "detail": f"{limit} Send fewer at a time."}])
    ids = [item.get("id") for place, item in enumerate(items) if place not in errors]
    return AskedBatch(items, errors, texts, ids, asked.get("top_k", types.default_top_k))


def predict_step(
    asked: AskedBatch, rows: slice, model: LoadedModel, asker: Asker, note: Note
) -> list[dict[str, Any]]:
    """Return the predictions of some texts of a batch, described, once they are noted."""
    texts = asked.texts[rows]
    predictions = model.predictor.predict([text for _, text in texts], top_k=asked.top_k)
    prediction_ids = make_prediction_ids(
        asker.log_key,
        client=asker.client,
        request_id=asker.request_id,
        texts=texts,
        digest=model.predictor.digest,
    )
    note(_rows(texts, asked.ids[rows], prediction_ids, predictions, model, asker))
    return list(map(_describe_prediction, predictions, prediction_ids))


def write_batch(asked: AskedBatch, predictions: Sequence[Any], model: LoadedModel) -> bytes:
    """Return the body that answers a batch: one result for each item, in order."""
    answer = {
        "model": describe_identity(model),
        "guarantee": describe_guarantee(model),
        "results": list(_results(asked, iter(predictions))),
    }
    return orjson.dumps(answer)


def predict_rows(
    rows: Sequence[tuple[int, Any]],
    *,
    top_k: int,
    types: RequestTypes,
    model: LoadedModel,
    asker: Asker,
    note: Note,
) -> list[dict[str, Any]]:
    """Answer the items of a file, given with their positions, as a batch does.

    Returns
    -------
    list of dict
        For each of them `prediction` or `error`; the other is None.
    """
    items = [item for _, item in rows]
    errors = _check_rows(items, types)
    texts = [
        (position, item["text"])
        for place, (position, item) in enumerate(rows)
        if place not in errors
    ]
    ids = [item.get("id") for place, item in enumerate(items) if place not in errors]
    asked = AskedBatch(items, errors, texts, ids, top_k)
    predictions = predict_step(asked, slice(None), model, asker, note)
    return list(_results(asked, iter(predictions)))


def describe_item_error(field_errors: list[dict[str, str]]) -> dict[str, Any]:
    """Return why an item gets no prediction."""
    return {
        "type": INVALID_ITEM.type,
        "title": INVALID_ITEM.title,
        "detail": count_errors(field_errors),
        "errors": field_errors,
    }


def steps_of(n_texts: int, step_texts: Callable[[], int]) -> Iterator[slice]:
    """Cut texts in steps, each as long as is right when it begins."""
    start = 0
    while start < n_texts:
        stop = start + step_texts()
        yield slice(start, stop)
        start = stop


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


def _write_single(asked: AskedText, prediction: Prediction, *, note: Note) -> bytes:
    model, asker, texts = asked.model, asked.asker, [(0, asked.text)]
    [prediction_id] = make_prediction_ids(
        asker.log_key,
        client=asker.client,
        request_id=asker.request_id,
        texts=texts,
        digest=model.predictor.digest,
    )
    note(_rows(texts, [asked.id], [prediction_id], [prediction], model, asker))
    return orjson.dumps(
        {
            **_describe_prediction(prediction, prediction_id),
            "id": asked.id,
            "model": describe_identity(model),
            "guarantee": describe_guarantee(model),
        }
    )


def _rows(
    texts: Sequence[tuple[int, str]],
    ids: Sequence[str | None],
    prediction_ids: Sequence[str],
    predictions: Sequence[Prediction],
    model: LoadedModel,
    asker: Asker,
) -> PredictionRows:
    return PredictionRows(
        request_id=asker.request_id,
        client=asker.client,
        received_at=asker.received_at,
        duration_seconds=time.perf_counter() - asker.started,
        model_name=model.name,
        model_version=model.version,
        digest=model.predictor.digest,
        guarantee=model.predictor.guarantee,
        texts=texts,
        ids=ids,
        prediction_ids=prediction_ids,
        predictions=predictions,
    )


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


def _check_rows(items: list[Any], types: RequestTypes) -> Mapping[int, list[ErrorDetails]]:
    """Return what is wrong with each row that is wrong, located as in a batch."""
    try:
        types.rows.validate_python(items)
    except ValidationError as error:
        in_rows: dict[int, list[ErrorDetails]] = defaultdict(list)
        for complaint in _complaints(error):
            complaint["loc"] = (_ITEMS, *complaint["loc"])
            in_rows[int(complaint["loc"][1])].append(complaint)
        return in_rows
    return {}


def _complaints(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _results(asked: AskedBatch, predictions: Iterator[Any]) -> Iterator[dict[str, Any]]:
    for position, item in enumerate(asked.items):
        if position in asked.errors:
            yield _refuse_item(item, asked.errors[position])
        else:
            yield {"id": item.get("id"), "prediction": next(predictions), "error": None}


def _describe_prediction(prediction: Prediction, prediction_id: str) -> dict[str, Any]:
    # Dictionaries by hand: orjson knows no named tuples.
    return {
        "prediction_id": prediction_id,
        "decision": prediction.decision,
        "reason": prediction.reason,
        "code": prediction.code,
        "title": prediction.title,
        "confidence": prediction.confidence,
        "candidates": [
            {"rank": rank, "code": code, "title": title, "probability": probability}
            for rank, code, title, probability in prediction.candidates
        ],
        "prediction_set": prediction.prediction_set,
        "prediction_set_complete": prediction.prediction_set_complete,
        "roll_up": _describe_roll_up(prediction.roll_up),
        "explanation": _describe_explanation(prediction.explanation),
    }


def _describe_roll_up(roll_up: RollUp | None) -> dict[str, Any] | None:
    return None if roll_up is None else roll_up._asdict()


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
    error = describe_item_error(describe_field_errors(complaints, n_above=2))
    return {"id": _readable_id(item, complaints), "prediction": None, "error": error}


def _readable_id(item: Any, complaints: list[ErrorDetails]) -> str | None:
    """Return the identifier of a refused item, unless it is what is wrong."""
    if not isinstance(item, dict) or any(error["loc"][2:] == ("id",) for error in complaints):
        return None
    identifier: str | None = item.get("id")
    return identifier
