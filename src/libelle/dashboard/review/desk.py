"""Desk: lends texts to coders and hands their verdicts in to the API."""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Lock
from typing import Any

from libelle.dashboard.calling import ApiClient, ApiRefusalError
from libelle.dashboard.review.items import Item
from libelle.dashboard.review.leases import Leases
from libelle.dashboard.review.waiting import Waiting, read_waiting
from libelle.dashboard.watching import Clock, Look, Watched
from libelle.errors import ConflictError
from libelle.monitoring.feedback import FeedbackVerdict
from libelle.monitoring.privacy import Pseudonyms
from libelle.settings import Settings

EVERY_SECONDS = 60.0
MOST_REMEMBERED = 100
CONFLICT = 409


class NotYoursError(ConflictError):
    """A text that is with another coder, or that enough people judged."""


@dataclass(frozen=True)
class Outcome:
    """A verdict that stands.

    Attributes
    ----------
    item : Item
    code : str or None
    verdict : FeedbackVerdict
    """

    item: Item
    code: str | None
    verdict: FeedbackVerdict


@dataclass(frozen=True)
class Progress:
    """How far a coder is.

    Attributes
    ----------
    n_given : int
        Distinct texts that the coder judged since the dashboard started.
    n_left : int
        Texts that the coder may still judge, among those read.
    is_cut : bool
        Whether more of them wait than were read.
    """

    n_given: int
    n_left: int
    is_cut: bool


class Reviewing:
    """Lends texts and hands verdicts in; used by several threads.

    Parameters
    ----------
    settings : Settings
    api : ApiClient
    clock : callable
    monotonic : callable
        Returns seconds, for the leases.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        api: ApiClient,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._clock, self._now = api, clock, monotonic
        self._settings = settings
        options = settings.log_options()
        self._pseudonyms = Pseudonyms(options.key) if options else None
        self._lock = Lock()
        self._leases = Leases()
        self._judged: defaultdict[str, set[str]] = defaultdict(set)
        self._texts: defaultdict[str, set[str]] = defaultdict(set)
        self._given: defaultdict[str, OrderedDict[str, Outcome]] = defaultdict(OrderedDict)
        self._watched = Watched(self._read, every_seconds=EVERY_SECONDS, clock=clock)

    @property
    def is_on(self) -> bool:
        """Tell whether there is a log to take texts from."""
        return self._pseudonyms is not None

    def look(self) -> Look[Waiting]:
        """Return what waits, as it was read last."""
        return self._watched.look()

    def wait(self, seconds: float) -> Look[Waiting]:
        """Return what waits once what is being read is there, or the time is over."""
        self._watched.look()
        return self._watched.wait(seconds)

    def take(self, coder: str, *, n_items: int = 1, held: Collection[str] = ()) -> list[Item]:
        """Lend texts to a coder: first those lent already, without those named in `held`."""
        waiting = self.look().value
        with self._lock:
            now = self._now()
            mine = [one for one in self._leases.of_coder(coder, now=now) if not self._is_over(one)]
            taken = [one for one in mine if one.prediction_id not in held]
            known = {*held, *(one.prediction_id for one in mine)}
            for item in waiting.items if waiting else ():
                if len(taken) >= n_items:
                    break
                if item.prediction_id not in known and self._is_offered(item, coder, now=now):
                    taken.append(item)
            taken = taken[:n_items]
            for item in taken:
                self._leases.give(item, coder, now=now)
        return taken

    def give(
        self, coder: str, prediction_id: str, answer: str, *, is_code: bool, again: bool = False
    ) -> Outcome:
        """Hand a verdict in.

        Parameters
        ----------
        coder : str
        prediction_id : str
        answer : str
            The right code, or why nobody can tell.
        is_code : bool
        again : bool
            Whether it takes the place of what the coder said before.

        Raises
        ------
        NotYoursError
            If the text is with somebody else, or judged.
        ApiGoneError
            If the API does not answer: the verdict may be given again.
        ApiRefusalError
            If it refuses.
        """
        item = self._find(coder, prediction_id, again=again)
        outcome = _outcome(item, answer, is_code=is_code)
        self._send(outcome, coder, again=again)
        with self._lock:
            self._note(outcome, coder)
        return outcome

    def put_aside(self, coder: str, prediction_id: str) -> None:
        """Give a text back without a verdict."""
        with self._lock:
            self._leases.put_aside(prediction_id, coder, now=self._now())

    def last_of(self, coder: str) -> Outcome | None:
        """Return what a coder said last."""
        with self._lock:
            given = self._given[coder]
            return next(reversed(given.values())) if given else None

    def given_by(self, coder: str, prediction_id: str) -> Outcome | None:
        """Return what a coder said of a text not long ago."""
        with self._lock:
            return self._given[coder].get(prediction_id)

    def progress_of(self, coder: str) -> Progress:
        """Return how far a coder is."""
        waiting = self.look().value
        with self._lock:
            now = self._now()
            items = waiting.items if waiting else ()
            mine = {one.prediction_id for one in self._leases.of_coder(coder, now=now)}
            left = {
                one.text_key
                for one in items
                if (one.prediction_id in mine and not self._is_over(one))
                or self._is_offered(one, coder, now=now)
            }
            return Progress(len(self._texts[coder]), len(left), bool(waiting and waiting.is_cut))

    def _read(self) -> Waiting:
        options = self._settings.log_options()
        assert options is not None  # noqa: S101
        return read_waiting(options, sheets=self._settings.audit_sheets, now=self._clock())

    def _find(self, coder: str, prediction_id: str, *, again: bool) -> Item:
        with self._lock:
            now = self._now()
            given = self._given[coder].get(prediction_id)
            if given and again:
                return given.item
            item = self._leases.item_of(prediction_id, coder) or self._look_up(prediction_id)
            is_mine = coder in self._leases.holders(prediction_id, now=now)
            # The same verdict sent twice is no double: the API says that it stands already.
            if item and (is_mine or given or self._is_open(item, coder, now=now)):
                self._leases.give(item, coder, now=now)
                return item
        raise NotYoursError("This text is with another coder, or was judged already.")

    def _look_up(self, prediction_id: str) -> Item | None:
        waiting = self._watched.wait(0).value
        items = waiting.items if waiting else ()
        return next((one for one in items if one.prediction_id == prediction_id), None)

    def _send(self, outcome: Outcome, coder: str, *, again: bool) -> None:
        body: dict[str, Any] = {
            "prediction_id": outcome.item.prediction_id,
            "verdict": outcome.verdict.value,
            "coder": coder,
        }
        if outcome.code is not None:
            body["code"] = outcome.code
        try:
            self._api.post("/v1/feedback", body)
        except ApiRefusalError as refusal:
            standing = refusal.problem.get("feedback_id")
            if not (again and refusal.status == CONFLICT and standing):
                raise
            self._api.post("/v1/feedback", {**body, "replaces": standing})

    def _note(self, outcome: Outcome, coder: str) -> None:
        item, now = outcome.item, self._now()
        self._leases.take_back(item.prediction_id, coder)
        for held in self._leases.of_coder(coder, now=now):
            self._leases.give(held, coder, now=now)
        self._judged[item.prediction_id].add(self._pseudonym(coder))
        self._texts[coder].add(item.text_key)
        given = self._given[coder]
        given[item.prediction_id] = outcome
        given.move_to_end(item.prediction_id)
        if len(given) > MOST_REMEMBERED:
            given.popitem(last=False)

    def _is_offered(self, item: Item, coder: str, *, now: float) -> bool:
        """Tell whether a text is one that a coder may judge, and did not put aside."""
        is_aside = self._leases.is_aside(item.prediction_id, coder, now=now)
        return not is_aside and self._is_open(item, coder, now=now)

    def _is_open(self, item: Item, coder: str, *, now: float) -> bool:
        """Tell whether a coder may judge a text."""
        judges = self._judges_of(item)
        others = self._leases.holders(item.prediction_id, now=now) - {coder}
        return len(judges) + len(others) < item.n_coders and self._pseudonym(coder) not in judges

    def _is_over(self, item: Item) -> bool:
        return len(self._judges_of(item)) >= item.n_coders

    def _judges_of(self, item: Item) -> set[str]:
        look = self._watched.wait(0).value
        read = look.judges.get(item.prediction_id, frozenset()) if look else frozenset()
        return self._judged.get(item.prediction_id, set()) | read

    def _pseudonym(self, coder: str) -> str:
        assert self._pseudonyms is not None  # noqa: S101
        return self._pseudonyms.of_coder(coder)


def _outcome(item: Item, answer: str, *, is_code: bool) -> Outcome:
    """Return the verdict of an answer: a code is confirmed when the model proposed it."""
    if not is_code:
        return Outcome(item, None, FeedbackVerdict(answer))
    proposed = item.proposes(answer)
    verdict = FeedbackVerdict.CONFIRMED if proposed else FeedbackVerdict.CORRECTED
    return Outcome(item, answer, verdict)
