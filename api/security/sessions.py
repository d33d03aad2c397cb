"""Sessions: a signed cookie that stands for a key in a browser, and what guards its writes."""

import hmac
import secrets
from dataclasses import dataclass

from api.security.keys import ApiKey

COOKIE = "libelle_session"
CSRF_HEADER = "X-CSRF-Token"
_NONCE_BYTES = 16


@dataclass(frozen=True)
class Session:
    """A login.

    Attributes
    ----------
    token : str
        Content of the cookie.
    csrf_token : str
        What writes have to bear in `X-CSRF-Token`.
    expires_at : int
        Seconds since 1970.
    """

    token: str
    csrf_token: str
    expires_at: int


class Sessions:
    """Opens and reads sessions, of which it keeps nothing.

    A session ends with its time, or once its key is not listed any more; logging out erases the
    cookie of the browser, and cannot end a copy of it. Both tokens are signed by keys derived from
    the log key: processes that share it know the sessions of one another.
    """

    def __init__(self, log_key: bytes, *, seconds: int) -> None:
        self._session_key = hmac.digest(log_key, b"libelle session 1", "sha256")
        self._csrf_key = hmac.digest(log_key, b"libelle csrf 1", "sha256")
        self.seconds = seconds

    def start(self, key: ApiKey, *, now: float) -> Session:
        """Return a session of a key, new each time."""
        expires_at = int(now) + self.seconds
        content = f"{expires_at}.{key.fingerprint}.{secrets.token_hex(_NONCE_BYTES)}"
        token = f"{content}.{_sign(self._session_key, content)}"
        return Session(token, self.csrf_token(token), expires_at)

    def read(self, token: str, *, now: float) -> str | None:
        """Return the fingerprint of the key of a session, None if it is forged or over."""
        content, _, signature = token.rpartition(".")
        if not _equal(signature, _sign(self._session_key, content)):
            return None
        expires_at, fingerprint, _ = content.split(".")
        return fingerprint if now < int(expires_at) else None

    def csrf_token(self, token: str) -> str:
        """Return what the writes of a session have to bear."""
        return _sign(self._csrf_key, token)

    def is_csrf_token(self, given: str, token: str) -> bool:
        """Tell whether a write bears what its session asks."""
        return _equal(given, self.csrf_token(token))


def _sign(key: bytes, content: str) -> str:
    return hmac.digest(key, content.encode("utf-8", "surrogatepass"), "sha256").hex()


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
