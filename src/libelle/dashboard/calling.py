"""Calling: the API, asked over HTTP within a deadline; only the API writes to the log."""

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from libelle.errors import LibelleError
from libelle.settings import Settings

DEADLINE_SECONDS = 12.0  # A verdict may take the API ten.
MAX_ANSWER_BYTES = 64_000_000
KEY_HEADER = "X-API-Key"


class ApiGoneError(LibelleError):
    """The API does not answer, or not now: the same request may succeed later."""


class ApiRefusalError(LibelleError):
    """The API answered that it refuses.

    Attributes
    ----------
    status : int
    problem : dict
        Its `application/problem+json`.
    """

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or status))
        self.status, self.problem = status, problem


@dataclass(frozen=True)
class ApiAnswer:
    """What the API answered: a status below 300 and JSON."""

    status: int
    content: dict[str, Any]


class ApiClient:
    """Calls the API; each call has its own connection, so that threads share nothing.

    Parameters
    ----------
    url : str
        Address of the API, maybe under a sub-path.
    key : str or None
        Key of the dashboard; None when the API asks for none.
    deadline_seconds : float
        Longest silence of the API.
    """

    def __init__(
        self, url: str, *, key: str | None = None, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        parts = urlsplit(url)
        self._host, self._is_secure = parts.netloc.rpartition("@")[2], parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self._headers = {KEY_HEADER: key} if key else {}
        self._deadline_seconds = deadline_seconds

    @classmethod
    def of(cls, settings: Settings) -> "ApiClient":
        """Return the client that settings describe."""
        key = settings.api_key_bytes()
        return cls(settings.api_url, key=key.decode() if key else None)

    def get(self, path: str, **query: str | int) -> ApiAnswer:
        """Read something; see `post`."""
        asked = f"?{urlencode(query)}" if query else ""
        return self._call("GET", quote(path) + asked, None, {})

    def post(self, path: str, body: Any, *, request_id: str | None = None) -> ApiAnswer:
        """Send JSON and return what is answered.

        Raises
        ------
        ApiGoneError
            If there is no answer in time, or one that says to come back later.
        ApiRefusalError
            If the answer is a refusal.
        """
        named = {"X-Request-ID": request_id} if request_id else {}
        headers = {"Content-Type": "application/json", **named}
        return self._call("POST", quote(path), json.dumps(body).encode(), headers)

    def _call(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> ApiAnswer:
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        connection = kind(self._host, timeout=self._deadline_seconds)
        try:
            connection.request(method, self._prefix + target, body, {**headers, **self._headers})
            response = connection.getresponse()
            status, content = response.status, response.read(MAX_ANSWER_BYTES)
        except (OSError, http.client.HTTPException, socket.gaierror) as error:
            raise ApiGoneError("The API does not answer.") from error
        finally:
            connection.close()
        return _read_answer(status, content)


def _read_answer(status: int, content: bytes) -> ApiAnswer:
    try:
        read = json.loads(content or b"{}")
    except ValueError as error:
        raise ApiGoneError(f"What answers with {status} is not the API.") from error
    told = read if isinstance(read, dict) else {}
    if status in (429, 502, 503, 504):
        raise ApiGoneError(str(told.get("detail") or "The API asks to come back later."))
    if status >= 300:
        raise ApiRefusalError(status, told)
    return ApiAnswer(status, told)
