"""Rates: how many requests a client may make, counted by one process in bounded memory."""

from collections import OrderedDict

MAX_CLIENTS = 10_000
MINUTE_SECONDS = 60.0


class RateLimit:
    """A bucket of tokens for each client: full, it holds those of one minute.

    A client that was silent may thus make a minute's requests at once, then one each time a token
    comes back. A bucket is one number, the moment when it is full again.

    Parameters
    ----------
    per_minute : int
    max_clients : int
        Buckets kept; the one used longest ago is forgotten, that is filled, first.
    """

    def __init__(self, per_minute: int, *, max_clients: int = MAX_CLIENTS) -> None:
        self._interval = MINUTE_SECONDS / per_minute
        self._max_clients = max_clients
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, client: str, *, now: float) -> float:
        """Take a token, if there is one.

        Parameters
        ----------
        client : str
        now : float
            Seconds of a clock that never goes back.

        Returns
        -------
        float
            0 if there was one; otherwise the seconds until there is.
        """
        full_at = max(now, self._full_at.get(client, now))
        wait = full_at + self._interval - now - MINUTE_SECONDS
        if wait > 1e-9:  # What adding intervals rounds is not a request too many.
            return wait
        self._full_at[client] = full_at + self._interval
        self._full_at.move_to_end(client)
        if len(self._full_at) > self._max_clients:
            self._full_at.popitem(last=False)
        return 0.0
