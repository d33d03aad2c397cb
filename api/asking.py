"""Asking: what the body of a request asks, and which of its items cannot be answered."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.bodies import parse_json
from api.errors import INVALID_ITEM, count_errors, describe_field_errors, invalid_request
from api.loading import LoadedModel
from api.schemas import RequestTypes
from libelle.predictor import Prediction

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


class Result(Struct, frozen=True, gc=False):
    """What becomes of an item: a prediction or an error."""

    id: str | None
    prediction: Prediction | None
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True, eq=False)
class AskedBatch:
    """Many texts, as `POST /v1/predict/batch` asks for them.

    Attributes
    ----------
    n_items : int
    positions : sequence of int, shape (n_texts,)
        Where the texts stand among the items.
    texts : list of str, shape (n_texts,)
        Of the items that are valid.
    ids : list of (str or None), shape (n_texts,)
    refused : mapping of int to Result
        The other items, by position.
    top_k : int
    """

    n_items: int
    positions: Sequence[int]
    texts: list[str]
    ids: list[str | None]
    refused: Mapping[int, Result]
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


def read_batch(body: bytes, types: RequestTypes, *, max_total_characters: int) -> AskedBatch:
    """Return what the body of `POST /v1/predict/batch` asks.

    Raises
    ------
    ProblemError
        If the body is not as the schema says, items apart: each of these has its own error.
    """
    asked = _read_flawless_batch(body, types) or _read_batch_with_flaws(body, types)
    if sum(map(len, asked.texts)) > max_total_characters:
        limit = f"The texts have more than {max_total_characters} characters in all."
        raise invalid_request([{"pointer": "#/items", "detail": f"{limit} Send fewer at a time."}])
    return asked


def read_rows(
    items: Sequence[Any], complaints: Mapping[int, str], types: RequestTypes, *, top_k: int
) -> AskedBatch:
    """Return what some rows of a file ask, as if they were a batch.

    Parameters
    ----------
    items : sequence
        What the rows ask; anything for those that cannot be read.
    complaints : mapping of int to str
        Why these cannot be, by place among the items.
    types : RequestTypes
    top_k : int
    """
    refused = {place: _refuse_item(items[place], of) for place, of in _check_rows(items, types)}
    for place, complaint in complaints.items():
        error = _describe_item_error([{"pointer": "#", "detail": complaint}])
        refused[place] = Result(None, None, error)
    return _sort_items(items, refused, top_k)


def _read_flawless_batch(body: bytes, types: RequestTypes) -> AskedBatch | None:
    """Read a batch in which all is as it should be; None if it may not be."""
    try:
        asked = types.flawless_batch.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    items = asked.items
    texts, ids = [item.text for item in items], [item.id for item in items]
    return AskedBatch(len(items), range(len(items)), texts, ids, {}, asked.top_k)


def _read_batch_with_flaws(body: bytes, types: RequestTypes) -> AskedBatch:
    asked = parse_json(body)
    errors = _check_batch(asked, types)
    items = asked[_ITEMS]
    refused = {position: _refuse_item(items[position], of) for position, of in errors}
    return _sort_items(items, refused, asked.get("top_k", types.default_top_k))


def _sort_items(items: Sequence[Any], refused: Mapping[int, Result], top_k: int) -> AskedBatch:
    """Tell the items that get a prediction from those that get an error."""
    valid = [position for position in range(len(items)) if position not in refused]
    texts = [items[position]["text"] for position in valid]
    ids = [items[position].get("id") for position in valid]
    return AskedBatch(len(items), valid, texts, ids, refused, top_k)


Flaws = list[tuple[int, list[ErrorDetails]]]


def _check_batch(asked: Any, types: RequestTypes) -> Flaws:
    """Return what is wrong with each item that is wrong; the others are left as they are."""
    try:
        types.batch.validate_python(asked)
    except ValidationError as error:
        complaints = _complaints(error)
    else:
        return []
    in_items = [complaint for complaint in complaints if _is_in_item(complaint)]
    if len(in_items) < len(complaints):
        elsewhere = [complaint for complaint in complaints if not _is_in_item(complaint)]
        raise invalid_request(describe_field_errors(elsewhere))
    return _by_item(in_items)


def _is_in_item(complaint: ErrorDetails) -> bool:
    match complaint["loc"]:
        case ("items", int(), *_):
            return True
    return False


def _check_rows(items: Sequence[Any], types: RequestTypes) -> Flaws:
    """Return what is wrong with each row that is wrong, located as in a batch."""
    try:
        types.rows.validate_python(items)
    except ValidationError as error:
        complaints = _complaints(error)
    else:
        return []
    for complaint in complaints:
        complaint["loc"] = (_ITEMS, *complaint["loc"])
    return _by_item(complaints)


def _by_item(complaints: list[ErrorDetails]) -> Flaws:
    by_item: dict[int, list[ErrorDetails]] = defaultdict(list)
    for complaint in complaints:
        by_item[int(complaint["loc"][1])].append(complaint)
    return sorted(by_item.items())


def _complaints(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _refuse_item(item: Any, complaints: list[ErrorDetails]) -> Result:
    error = _describe_item_error(describe_field_errors(complaints, n_above=2))
    return Result(_readable_id(item, complaints), None, error)


def _describe_item_error(field_errors: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "type": INVALID_ITEM.type,
        "title": INVALID_ITEM.title,
        "detail": count_errors(field_errors),
        "errors": field_errors,
    }


def _readable_id(item: Any, complaints: list[ErrorDetails]) -> str | None:
    """Return the identifier of a refused item, unless it is what is wrong."""
    if not isinstance(item, dict) or any(error["loc"][2:] == ("id",) for error in complaints):
        return None
    identifier: str | None = item.get("id")
    return identifier
