"""Sessions: a key exchanged for a cookie, as the API does."""

import time

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.security.access import Guard
from api.security.addresses import household
from api.security.cookies import give_session
from api.security.keys import Scope
from libelle.dashboard.access import LOGIN, LOGOUT, is_from_our_page, read_form
from libelle.dashboard.rendering import render, show_error
from libelle.dashboard.routes.state import desk_of

router = APIRouter()

OPEN_ADDRESSES = (LOGIN,)


@router.get(LOGIN)
def login_page(request: Request) -> Response:
    """Ask for a key."""
    if request.state.visitor is not None:
        return RedirectResponse(_first_page(request), 303)
    return render(request, "login", is_wrong=False)


@router.post(LOGIN)
async def login(request: Request) -> Response:
    """Exchange a key that may read for the cookie of a session."""
    guard = desk_of(request).guard
    if _is_hasty(request, guard):
        return show_error(request, 429)
    # A page of another site must not log a person in under a name that is not theirs.
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return show_error(request, 403)
    form = await read_form(request)
    key = guard.keys.find(form.get("key", "")) if guard.keys else None
    if key is None or Scope.READ not in key.scopes:
        return render(request, "login", status=401, is_wrong=True)
    session = guard.sessions.start(key, now=time.time())
    answer = RedirectResponse(_first_page(request), 303)
    give_session(answer, request, session.token, seconds=guard.sessions.seconds)
    return answer


@router.post(LOGOUT)
async def logout(request: Request) -> Response:
    """Erase the cookie of a session."""
    form = await read_form(request)
    if not is_from_our_page(request, desk_of(request).guard, form):
        return show_error(request, 403)
    answer = RedirectResponse(_first_page(request), 303)
    give_session(answer, request, "", seconds=0)
    return answer


def _is_hasty(request: Request, guard: Guard) -> bool:
    """Count an attempt of an address; tell whether it makes more than the settings allow."""
    if guard.rates is None:
        return False
    address = household(guard.proxies.client_of(request.scope))
    return guard.rates.take(f"address {address}", now=time.monotonic()) > 0


def _first_page(request: Request) -> str:
    return ".?lang=en" if request.query_params.get("lang") == "en" else "."
