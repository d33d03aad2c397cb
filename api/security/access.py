"""Access: every address asks for a key with the right scope, but those listed as open."""

import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import (
    CROSS_SITE,
    TOO_MANY_REQUESTS,
    UNAUTHENTICATED,
    WRONG_SCOPE,
    ProblemError,
)
from api.security import keys
from api.security.addresses import Proxies, household
from api.security.keys import ApiKey, KeyRing, read_keys
from api.security.rates import RateLimit
from api.security.sessions import COOKIE, CSRF_HEADER, Sessions
from libelle.errors import UsageError
from libelle.settings import Settings

KEY_HEADER: Final = "X-API-Key"
CHALLENGE: Final = 'Bearer realm="libelle"'
MIN_LOG_KEY_BYTES = 32
LOGIN, LOGOUT = "/login", "/logout"
_BEARER = b"bearer "
_COOKIE_START = f"{COOKIE}=".encode()
_CSRF_NAME = CSRF_HEADER.lower().encode()
_KEY_NAME = KEY_HEADER.lower().encode()
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
# What a write asks for, by the first word after the version, or after the name of the model.
_SCOPE_OF_WRITE: Final[Mapping[str, keys.Scope]] = {
    "predict": keys.Scope.PREDICT,
    "feedback": keys.Scope.REVIEW,
}


@dataclass(frozen=True)
class Guard:
    """What decides who is answered.

    Attributes
    ----------
    keys : KeyRing or None
        None when whoever can call is answered.
    sessions : Sessions
    proxies : Proxies
    rates : RateLimit or None
    """

    keys: KeyRing | None
    sessions: Sessions
    proxies: Proxies
    rates: RateLimit | None

    def refuse_haste(self, client: str) -> None:
        """Count a request of a client.

        Raises
        ------
        ProblemError
            If there are more of them than the settings allow.
        """
        wait = self.rates.take(client, now=time.monotonic()) if self.rates is not None else 0.0
        if wait:
            raise ProblemError(
                TOO_MANY_REQUESTS,
                "Wait as long as Retry-After says. A batch counts as one request.",
                retry_seconds=math.ceil(wait),
            )

    def refuse_hasty_address(self, scope: Scope) -> None:
        """Count a request whose client has no name, by its address."""
        if self.rates is not None:
            self.refuse_haste(f"address {household(self.proxies.client_of(scope))}")


class Access:
    """Let a request in when it asks what is open to all, or bears a key with the right scope.

    It stands before the routes: an address that is not listed is private, be it one that does not
    exist, so that nobody without a key learns which ones do.

    Parameters
    ----------
    app : ASGIApp
    guard : Guard
    open_addresses : collection of str
        Paths, each one whole, that are answered without a key.
    """

    def __init__(self, app: ASGIApp, *, guard: Guard, open_addresses: Collection[str]) -> None:
        self._app, self._guard = app, guard
        self._open = frozenset(open_addresses)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":  # There is none: nothing may come in by that way.
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http":
            try:
                self._admit(scope)
            except ProblemError as problem:
                state = scope["state"]
                state["address"] = self._guard.proxies.client_of(scope)
                await problem.response(state.get("request_id", ""))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        path = get_route_path(scope)
        if path in self._open:
            return
        if self._guard.keys is None:
            self._guard.refuse_hasty_address(scope)
            return
        key = _identify(scope, self._guard, self._guard.keys)
        scope["state"]["client"] = key.name
        self._guard.refuse_haste(f"client {key.name}")
        needed = needed_scope(scope["method"], path)
        if needed is not None and needed not in key.scopes:
            raise ProblemError(WRONG_SCOPE, f"It takes a key with the scope {needed}.")


def make_guard(settings: Settings, log_key: bytes) -> Guard:
    """Return what decides who is answered.

    Raises
    ------
    UsageError
        If the settings leave the door open without saying so, or with a key that is worth nothing.
    """
    proxies, rate = Proxies(settings.trusted_proxies), settings.rate_limit
    return Guard(
        keys=read_key_ring(settings),
        sessions=Sessions(log_key, seconds=settings.session_seconds),
        proxies=proxies,
        rates=None if rate is None else RateLimit(rate),
    )


def read_key_ring(settings: Settings) -> KeyRing | None:
    """Return the keys that are answered, None when the settings say that none is asked for.

    Raises
    ------
    UsageError
        If there is no key, or one that is not as it should be; if keys are given and not asked for.
    """
    listed = settings.api_keys_bytes()
    if settings.auth == "none":
        if listed is not None:
            raise UsageError(
                "LIBELLE_AUTH=none and LIBELLE_API_KEYS contradict each other: remove one of them."
            )
        return None
    try:
        known = read_keys((listed or b"").decode("ascii"))
    except UnicodeDecodeError:
        raise UsageError("LIBELLE_API_KEYS: it holds characters that no entry has.") from None
    if not known:
        raise UsageError(
            "No key is known, so nobody could call the service. Give LIBELLE_API_KEYS the entries "
            "that `libelle serve --new-key` prints, or say LIBELLE_AUTH=none to answer anybody."
        )
    _refuse_short_log_key(settings)
    return KeyRing(known)


def needed_scope(method: str, path: str) -> keys.Scope | None:
    """Return the scope that a request to a private address takes; None if any key will do.

    A write that nobody thought of takes `review`, which the fewest keys have.
    """
    if method in _READS:
        return keys.Scope.READ
    if path == LOGOUT:
        return None
    words = path.split("/")[2:]  # Without what stands before the first slash, and the version.
    if words[:1] == ["models"]:
        words = words[2:]
    return _SCOPE_OF_WRITE.get(words[0] if words else "", keys.Scope.REVIEW)


def unauthenticated() -> ProblemError:
    """Return the problem of a request whose key is absent or unknown, which are told alike."""
    return ProblemError(
        UNAUTHENTICATED,
        f"Send a key in the header {KEY_HEADER}; whoever runs the service gives them.",
        challenge=CHALLENGE,
    )


def _identify(scope: Scope, guard: Guard, known: KeyRing) -> ApiKey:
    """Return the key that a request bears in a header, or by the cookie of a session."""
    secrets: list[bytes] = []
    session = None
    for name, value in scope["headers"]:
        if name == _KEY_NAME:
            secrets.append(value)
        elif name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            secrets.append(value[len(_BEARER) :])
        elif name == b"cookie":
            session = session or _session_of(value)
    if secrets:
        # Of two keys, nobody could say which one asks.
        key = known.find(secrets[0].decode("latin-1")) if len(secrets) == 1 else None
    else:
        key = _key_of_session(session, guard, known) if session else None
    if key is None:
        raise unauthenticated()
    if not secrets and session:
        _refuse_cross_site(scope, guard, session)
    return key


def _session_of(cookies: bytes) -> str | None:
    for cookie in cookies.split(b";"):
        if cookie.strip().startswith(_COOKIE_START):
            return cookie.strip()[len(_COOKIE_START) :].decode("latin-1")
    return None


def _key_of_session(token: str, guard: Guard, known: KeyRing) -> ApiKey | None:
    fingerprint = guard.sessions.read(token, now=time.time())
    return None if fingerprint is None else known.find_fingerprint(fingerprint)


def _refuse_cross_site(scope: Scope, guard: Guard, session: str) -> None:
    """Refuse a write that a cookie alone allows: a browser sends it whoever wrote the page."""
    if scope["method"] in _READS:
        return
    given = [value for name, value in scope["headers"] if name == _CSRF_NAME]
    if len(given) != 1 or not guard.sessions.is_csrf_token(given[0].decode("latin-1"), session):
        raise ProblemError(
            CROSS_SITE, f"Send the csrf_token that POST {LOGIN} gave in the header {CSRF_HEADER}."
        )


def _refuse_short_log_key(settings: Settings) -> None:
    log_key = settings.log_key_bytes()
    if log_key is not None and len(log_key) < MIN_LOG_KEY_BYTES:
        raise UsageError(
            f"LIBELLE_LOG_KEY signs sessions and is too short: give it {MIN_LOG_KEY_BYTES} random "
            "characters or more, or none to have one made at each start."
        )
