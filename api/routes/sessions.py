"""Sessions: a key exchanged for a cookie, so that a browser keeps no key."""

import time
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from api.bodies import JSON_MEDIA_TYPE, body_of_request, media_type_of, parse_json
from api.errors import CROSS_SITE, ProblemError, describe_field_errors, invalid_request
from api.openapi import LOGIN_REQUEST, body_of, problems
from api.schemas import LOGIN_TYPE, SessionAnswer
from api.security.access import LOGIN, LOGOUT, Guard, unauthenticated
from api.security.cookies import give_session
from api.security.keys import ApiKey
from api.security.sessions import Session
from api.service import Service

router = APIRouter(tags=["Sessions"])

OPEN_ADDRESSES = (LOGIN,)
FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_LOGIN_BYTES = 2_000
_MAX_FORM_FIELDS = 4


@router.post(
    LOGIN,
    response_model=SessionAnswer,
    responses=problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
    openapi_extra=body_of(LOGIN_REQUEST, JSON_MEDIA_TYPE, FORM_MEDIA_TYPE),
)
async def login(request: Request, response: Response) -> dict[str, Any]:
    """Exchange a key for the cookie of a session, which scripts of a page cannot read.

    With the cookie and no key, writes have to bear `csrf_token` in the header `X-CSRF-Token`.
    """
    guard: Guard = request.app.state.guard
    service: Service = request.app.state.service
    guard.refuse_hasty_address(request.scope)
    # A page of another site must not log a person in under a name that is not theirs.
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise ProblemError(CROSS_SITE, "Log in from a page of this service.")
    async with body_of_request(
        request,
        service,
        media_types=(JSON_MEDIA_TYPE, FORM_MEDIA_TYPE),
        max_bytes=MAX_LOGIN_BYTES,
    ) as body:
        secret = _read_secret(body, is_form=media_type_of(request) == FORM_MEDIA_TYPE)
    key = guard.keys.find(secret) if guard.keys else None
    if key is None:
        raise unauthenticated()
    session = guard.sessions.start(key, now=time.time())
    give_session(response, request, session.token, seconds=guard.sessions.seconds)
    return _describe(key, session)


@router.post(LOGOUT, status_code=204, responses=problems(401, 403))
async def logout(request: Request) -> Response:
    """Erase the cookie of a session."""
    response = Response(status_code=204)
    give_session(response, request, "", seconds=0)
    return response


def _read_secret(body: bytes, *, is_form: bool) -> str:
    try:
        asked = LOGIN_TYPE.validate_python(_parse_form(body) if is_form else parse_json(body))
    except ValidationError as error:
        complaints = error.errors(include_url=False, include_context=False, include_input=False)
        raise invalid_request(describe_field_errors(complaints)) from None
    secret: str = asked["key"]
    return secret


def _parse_form(body: bytes) -> dict[str, str] | None:
    """Return the fields of a form, None if it has too many of them."""
    try:
        return dict(
            parse_qsl(
                body.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FORM_FIELDS
            )
        )
    except ValueError:
        return None


def _describe(key: ApiKey, session: Session) -> dict[str, Any]:
    return {
        "client": key.name,
        "scopes": sorted(key.scopes),
        "csrf_token": session.csrf_token,
        "expires_at": session.expires_at,
    }
