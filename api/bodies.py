"""Bodies: bytes that must be JSON, in UTF-8, and nothing else."""

import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import orjson
from starlette.requests import Request

from api.errors import MALFORMED_JSON, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemError

if TYPE_CHECKING:
    from api.service import Service

JSON_MEDIA_TYPE = "application/json"


@asynccontextmanager
async def body_of_request(
    request: Request,
    service: "Service",
    *,
    media_types: Collection[str] = (JSON_MEDIA_TYPE,),
    max_bytes: int | None = None,
) -> AsyncIterator[bytes]:
    """Give the body of a request in one of the formats; its bytes count as long as it is used.

    Parameters
    ----------
    request : Request
    service : Service
    media_types : collection of str
        Formats that are read, in small letters.
    max_bytes : int or None
        Most bytes, when they are fewer than in the settings.

    Raises
    ------
    ProblemError
        If it says that it is something else, or compressed; if it is larger than the settings
        allow, before it is read when it says so itself.
    """
    _refuse_other_formats(request, media_types)
    limit = min(max_bytes or service.settings.max_body_bytes, service.settings.max_body_bytes)
    if announced_bytes(request) > limit:
        raise _too_large(limit)
    parts, n_bytes = [], 0
    try:
        async for part in request.stream():
            if n_bytes + len(part) > limit:
                raise _too_large(limit)
            service.hold_bytes(len(part))
            n_bytes += len(part)
            parts.append(part)
        yield b"".join(parts)
    finally:
        service.hold_bytes(-n_bytes)


def media_type_of(request: Request) -> str:
    """Return the format that a request says its body has, in small letters, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refuse_other_formats(request: Request, media_types: Collection[str]) -> None:
    if media_type_of(request) not in media_types:
        accepted = " or ".join(media_types)
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, f"Send it with Content-Type: {accepted}.")
    refuse_compressed(request)


def announced_bytes(request: Request) -> int:
    """Return the length that a request announces; 0 when it comes in parts."""
    announced = request.headers.get("content-length", "0")
    return int(announced) if announced.isascii() and announced.isdigit() else 0


def refuse_compressed(request: Request) -> None:
    """Refuse a request that says that its body is compressed.

    Raises
    ------
    ProblemError
        If it does.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, not compressed.")


def _too_large(limit: int) -> ProblemError:
    return ProblemError(TOO_LARGE, f"A body has {limit} bytes at most. Send fewer texts at a time.")


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
