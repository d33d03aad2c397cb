"""Bodies: bytes that must be JSON, in UTF-8, and nothing else."""

import json
from typing import Any, NoReturn

import orjson
from starlette.requests import Request

from api.errors import MALFORMED_JSON, UNSUPPORTED_MEDIA_TYPE, ProblemError

JSON_MEDIA_TYPE = "application/json"


async def read_json_body(request: Request) -> bytes:
    """Return the body of a request that says it is JSON.

    Raises
    ------
    ProblemError
        If it says that it is something else, or compressed.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON_MEDIA_TYPE:
        raise ProblemError(
            UNSUPPORTED_MEDIA_TYPE, f"Send JSON, with Content-Type: {JSON_MEDIA_TYPE}."
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, not compressed.")
    return await request.body()


def parse_json(body: bytes) -> Any:
    r"""Return the value of a JSON body; of two equal keys, the last one counts.

    A half of a surrogate pair (`"\ud800"`) is let through, so that a batch can refuse the one item
    that has it.

    Raises
    ------
    ProblemError
        If the body is not JSON in UTF-8: a byte order mark, NaN, a number too large, too deep.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"\\u" not in body:
            raise _malformed() from error
    return _parse_with_lone_surrogates(body)


def _parse_with_lone_surrogates(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _malformed() from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _malformed() -> ProblemError:
    return ProblemError(
        MALFORMED_JSON,
        "Send one JSON object in UTF-8, without byte order mark, NaN nor Infinity.",
    )
