"""History: who moved which alias, when and why; kept beside the model, only ever added to.

MLflow remembers where an alias points, not where it pointed. Each move is therefore a tag of the
registered model, written before the alias moves (`libelle.move.000007-1f2e3d4c`), and a second one
that says how it ended (the same key and `.settled`). Neither is ever written again, and each names
the digest of the move before it, so that one taken away or changed shows.
"""

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from libelle.errors import TrackingError, UsageError
from libelle.tracking.client import Beat, connect, within
from libelle.tracking.registry.versions import (
    CHAMPION,
    FIRST_TAG,
    Asked,
    get_model,
    refuse_missing,
    search_versions,
)

MOVE_TAG, SETTLED = "libelle.move.", ".settled"
MOVE_KEY = re.compile(rf"{re.escape(MOVE_TAG)}(?P<number>\d{{6}})-[0-9a-f]{{8}}")
SETTLE_SECONDS = 60  # A move takes one or two: an older one that never ended was interrupted.
N_ATTEMPTS, PAUSE_SECONDS = 6, 0.25
MAX_REASON_CHARACTERS, MAX_NAME_CHARACTERS = 500, 100


class MoveKind(StrEnum):
    """What makes an alias move."""

    FIRST = "first"
    REGISTER = "register"
    PROMOTE = "promote"
    OVERRIDE = "override"
    ROLLBACK = "rollback"


class MoveStatus(StrEnum):
    """How far a move went."""

    HALF_DONE = "half-done"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Change:
    """One alias, the version that had it and the one that gets it; None where there is none."""

    alias: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Order:
    """A move that is asked for.

    Attributes
    ----------
    kind : MoveKind
    holders : mapping of str to (str or None)
        Version that each alias gets; None takes the alias away.
    by : str or None
        Who moves it.
    why : str
    expected : mapping of str to (str or None)
        Versions that hold these aliases as far as the one who asks knows.
    verdict : str or None
        Artifact, of the challenger's run, that holds the verdict of the gate.
    """

    kind: MoveKind
    holders: Mapping[str, str | None]
    by: str | None
    why: str
    expected: Mapping[str, str | None] = field(default_factory=dict)
    verdict: str | None = None


@dataclass(frozen=True)
class Move:
    """A move as the history has it; `at` is when it began, `previous` the digest of the one before.

    Attributes
    ----------
    id : str
        `000007-1f2e3d4c`: its number, and what tells it from another of the same instant.
    kind : MoveKind
    changes : tuple of Change
    at : str
    by : str or None
    why : str
    verdict : str or None
    previous : str
    status : MoveStatus
    settled_at : str or None
        When its end was noted, by the command that made it or by a later one.
    digest : str
    """

    id: str
    kind: MoveKind
    changes: tuple[Change, ...]
    at: str
    by: str | None
    why: str
    verdict: str | None = None
    previous: str = ""
    status: MoveStatus = MoveStatus.HALF_DONE
    settled_at: str | None = None
    digest: str = ""

    @property
    def number(self) -> int:
        """Return its place in the history, from 1."""
        return int(self.id[:6])

    def line(self) -> str:
        """Return the move in words."""
        changes = ", ".join(
            f"{change.alias} {change.before or 'none'} → {change.after or 'none'}"
            for change in self.changes
        )
        status = "" if self.status is MoveStatus.DONE else f"  [{self.status}]"
        at = self.at[:19].replace("T", " ")
        return f"{at}  {self.kind:<8}  {changes}  by {self.by or 'unknown'}: {self.why}{status}"


@dataclass(frozen=True)
class History:
    """The moves of a model, the oldest first, and who holds its aliases now.

    Attributes
    ----------
    name : str
    moves : tuple of Move
    holders : mapping of str to str
        Version of each alias, as the registry has it now.
    complaints : tuple of str
        What contradicts the history: a move taken away, an alias moved by another tool.
    """

    name: str
    moves: tuple[Move, ...]
    holders: Mapping[str, str]
    complaints: tuple[str, ...] = ()

    def holders_at(self, at: datetime) -> dict[str, tuple[str, Move]]:
        """Return, at a time, the version of each alias and the move that gave it."""
        found: dict[str, tuple[str, Move]] = {}
        for move in self.moves:
            if move.status is not MoveStatus.DONE or datetime.fromisoformat(move.at) > at:
                continue
            for change in move.changes:
                found.pop(change.alias, None)
                if change.after is not None:
                    found[change.alias] = (change.after, move)
        return found

    def champions(self) -> list[str]:
        """Return the champions that a rollback can go back through, the last one at the end.

        A rollback takes away those that it goes back over: two in a row go back twice.
        """
        stack: list[str] = []
        for move in self.moves:
            for change in move.changes if move.status is MoveStatus.DONE else ():
                if change.alias != CHAMPION or change.after is None:
                    continue
                if move.kind is MoveKind.ROLLBACK and change.after in stack:
                    while stack[-1] != change.after:
                        stack.pop()
                elif stack[-1:] != [change.after]:
                    stack.append(change.after)
        return stack

    def ever_champions(self) -> set[str]:
        """Return every version that has been champion."""
        return {
            change.after
            for move in self.moves
            for change in move.changes
            if move.status is MoveStatus.DONE and change.alias == CHAMPION and change.after
        }

    def to_dict(self, *, at: datetime | None = None) -> dict[str, Any]:
        """Return the history as JSON values; with `at`, the holders at that time."""
        facts = {
            "name": self.name,
            "moves": [asdict(move) for move in self.moves],
            "complaints": list(self.complaints),
        }
        if at is None:
            return {**facts, "holders": dict(self.holders)}
        holders = {
            alias: {"version": version, "move": move.id}
            for alias, (version, move) in self.holders_at(at).items()
        }
        return {**facts, "at": at.isoformat(timespec="seconds"), "holders": holders}

    def lines(self) -> list[str]:
        """Return the history in words, the oldest move first."""
        now = ", ".join(f"{alias} {version}" for alias, version in sorted(self.holders.items()))
        moves = [f"  {move.line()}" for move in self.moves] or ["  No move yet."]
        warnings = [f"  Warning: {complaint}" for complaint in self.complaints]
        return [self.name, *moves, *warnings, f"  Now: {now or 'no alias'}"]

    def lines_at(self, at: datetime) -> list[str]:
        """Return in words who held each alias at a time."""
        when = at.isoformat(sep=" ", timespec="seconds")
        held = [
            f"  {alias}: version {version}  ({move.line()})"
            for alias, (version, move) in sorted(self.holders_at(at).items())
        ]
        return [f"{self.name} at {when}", *(held or ["  No alias was held then."])]


def read_history(name: str, *, tracking_uri: str, deadline_seconds: float = 30.0) -> History:
    """Return every move of a model.

    The first champion of a name registered before there was a history is shown from what its
    version says.

    Raises
    ------
    TrackingError
        If there is no such model, or the registry cannot be reached.
    """
    refuse_missing(Asked(name, None, None), tracking_uri)

    def work(beat: Beat) -> History:
        client = connect(tracking_uri)
        history = history_of(get_model(client, name))
        beat()
        if _begins_before(history):
            firsts = _first_moves(search_versions(client, name))
            history = replace(history, moves=(*firsts, *history.moves))
        return replace(history, complaints=(*history.complaints, *_strangers(history)))

    purpose = f"give the history of {name!r}"
    return within(deadline_seconds, work, tracking_uri=tracking_uri, purpose=purpose)


def move_aliases(
    client: Any, name: str, order: Order, *, beat: Beat, clock: Callable[[], datetime]
) -> Move:
    """Move aliases of a registered model: write what is meant, move, then write that it is done.

    A move that was interrupted is first completed if its alias had moved, or if it is the same as
    the one asked for; cancelled otherwise, unless it may still be under way: it is then waited for.

    Parameters
    ----------
    client : MlflowClient
    name : str
    order : Order
    beat : callable
        Called each time the registry answered.
    clock : callable
        Returns the time, in UTC.

    Raises
    ------
    TrackingError
        If another move is under way, or if an alias is not held by whom `order` expects. Nothing
        has moved then.
    """
    for attempt in range(N_ATTEMPTS):
        time.sleep(PAUSE_SECONDS * attempt)
        mover = _Mover(client, name, beat, clock)
        if same := mover.settle(order):
            return same
        if mover.is_alone():
            mover.refuse_unexpected(order)
            if (move := mover.try_order(order)) is not None:
                return move
    raise TrackingError(
        f"Another move of {name!r} is under way, begun less than {SETTLE_SECONDS} seconds ago: "
        f"nothing was moved. See `libelle models history {name}`, and run this again."
    )


def settle_moves(client: Any, name: str, *, beat: Beat, clock: Callable[[], datetime]) -> None:
    """Complete the moves whose alias had moved when they were interrupted, cancel the others.

    One that did not begin, and may still do, is left alone.
    """
    _Mover(client, name, beat, clock).settle()


def check_reason(reason: str, *, option: str) -> str:
    """Return a reason without the blanks around it.

    Raises
    ------
    UsageError
        If it is empty, too long or not printable.
    """
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON_CHARACTERS or not reason.isprintable():
        raise UsageError(
            f"{option}: give a reason of 1 to {MAX_REASON_CHARACTERS} characters, on one line: "
            "the history keeps it for good."
        )
    return reason


def check_mover(by: str) -> str:
    """Return the name of the one who moves an alias.

    Raises
    ------
    UsageError
        If it is empty, too long or not printable.
    """
    by = by.strip()
    if not by or len(by) > MAX_NAME_CHARACTERS or not by.isprintable():
        raise UsageError(
            f"--by: give a name of 1 to {MAX_NAME_CHARACTERS} characters: the history keeps it."
        )
    return by


def history_of(registered: Any) -> History:
    """Return the history that the tags of a model of MLflow tell."""
    tags: Mapping[str, str] = registered.tags
    moves, complaints = [], []
    for key in sorted(filter(MOVE_KEY.fullmatch, tags)):
        try:
            moves.append(_read_move(key, tags))
        except (ValueError, KeyError, TypeError):
            complaints.append(f"the move {key.removeprefix(MOVE_TAG)} cannot be read.")
    holders = {alias: str(version) for alias, version in registered.aliases.items()}
    complaints += _breaks(moves)
    return History(registered.name, tuple(moves), holders, tuple(complaints))


class _Mover:
    """The steps of one attempt to move aliases; what is read is read once, at its beginning."""

    def __init__(self, client: Any, name: str, beat: Beat, clock: Callable[[], datetime]) -> None:
        self._client, self._name, self._beat, self._clock = client, name, beat, clock
        self._history = self._read()

    def settle(self, order: Order | None = None) -> Move | None:
        """Complete or cancel interrupted moves; return the one that is what `order` asks for."""
        for move in _half_done(self._history):
            first = move.changes[0]
            begun = self._history.holders.get(first.alias) == first.after
            is_same = order is not None and _is_same(move, order)
            if begun or is_same:
                settled = self._complete(move)
            elif self._age_seconds(move) >= SETTLE_SECONDS:
                settled = self._cancel(move)
            else:
                continue
            self._history = self._read()
            if is_same:
                return settled
        return None

    def is_alone(self) -> bool:
        """Tell whether no other move is under way."""
        return not _half_done(self._history)

    def refuse_unexpected(self, order: Order) -> None:
        """Refuse when an alias went elsewhere since the one who asks looked."""
        for alias, expected in order.expected.items():
            if (held := self._history.holders.get(alias)) != expected:
                raise TrackingError(
                    f"{alias} of {self._name!r} went from version {expected or 'none'} to "
                    f"{held or 'none'} meanwhile: nothing was moved. Run this again."
                )

    def try_order(self, order: Order) -> Move | None:
        """Write what is meant and do it; None, and nothing moved, if another one came between."""
        move = self._write_intent(order)
        now = self._read()
        others = [one for one in _half_done(now) if one.id != move.id]
        if others or now.holders != self._history.holders:
            self._cancel(move)  # Each sees the other and gives way; they come back one by one.
            time.sleep(PAUSE_SECONDS * secrets.randbelow(1000) / 1000)
            return None
        return self._complete(move)

    def _write_intent(self, order: Order) -> Move:
        moves = self._history.moves
        last = moves[-1] if moves else None
        move = Move(
            id=f"{last.number + 1 if last else 1:06d}-{secrets.token_hex(4)}",
            kind=order.kind,
            changes=tuple(
                Change(alias, self._history.holders.get(alias), version)
                for alias, version in order.holders.items()
            ),
            at=max(self._now(), last.at if last else ""),
            by=order.by,
            why=order.why,
            verdict=order.verdict,
            previous=last.digest if last else "",
        )
        self._tag(f"{MOVE_TAG}{move.id}", _intent(move))
        return move

    def _complete(self, move: Move) -> Move:
        for change in move.changes:
            if change.after is not None:
                self._client.set_registered_model_alias(self._name, change.alias, change.after)
            elif change.alias in self._history.holders:
                self._client.delete_registered_model_alias(self._name, change.alias)
            self._beat()
        return self._settle(move, MoveStatus.DONE)

    def _cancel(self, move: Move) -> Move:
        return self._settle(move, MoveStatus.CANCELLED)

    def _settle(self, move: Move, status: MoveStatus) -> Move:
        at = self._now()
        self._tag(f"{MOVE_TAG}{move.id}{SETTLED}", {"status": status.value, "at": at})
        return replace(move, status=status, settled_at=at)

    def _tag(self, key: str, value: Mapping[str, Any]) -> None:
        content = json.dumps(value, ensure_ascii=False, sort_keys=True)
        self._client.set_registered_model_tag(self._name, key, content)
        self._beat()

    def _read(self) -> History:
        history = history_of(self._client.get_registered_model(self._name))
        self._beat()
        return history

    def _age_seconds(self, move: Move) -> float:
        return (self._clock() - datetime.fromisoformat(move.at)).total_seconds()

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds")


def _half_done(history: History) -> list[Move]:
    return [move for move in history.moves if move.status is MoveStatus.HALF_DONE]


def _is_same(move: Move, order: Order) -> bool:
    holders = {change.alias: change.after for change in move.changes}
    return move.kind is order.kind and holders == dict(order.holders)


def _intent(move: Move) -> dict[str, Any]:
    names = ("kind", "changes", "at", "by", "why", "verdict", "previous")
    facts = asdict(move)
    return {name: facts[name] for name in names}


def _read_move(key: str, tags: Mapping[str, str]) -> Move:
    content = tags[key]
    facts = json.loads(content)
    settled = json.loads(tags.get(f"{key}{SETTLED}", "{}"))
    return Move(
        id=key.removeprefix(MOVE_TAG),
        kind=MoveKind(facts["kind"]),
        changes=tuple(Change(**change) for change in facts["changes"]),
        at=datetime.fromisoformat(facts["at"]).isoformat(timespec="milliseconds"),
        by=facts["by"],
        why=facts["why"],
        verdict=facts["verdict"],
        previous=facts["previous"],
        status=MoveStatus(settled.get("status", MoveStatus.HALF_DONE)),
        settled_at=settled.get("at"),
        digest=hashlib.sha256(content.encode()).hexdigest()[:16],
    )


def _breaks(moves: Sequence[Move]) -> list[str]:
    """Return where a move was taken away or changed: it is not the one that the next one names."""
    complaints = []
    known: dict[int, set[str]] = {0: {""}}
    for move in moves:
        known.setdefault(move.number, set()).add(move.digest)
        if move.previous not in known.get(move.number - 1, set()):
            complaints.append(f"the move before {move.id} was taken away or changed.")
    return complaints


def _begins_before(history: History) -> bool:
    """Tell whether the name had a champion before its first recorded move."""
    changes = [one for move in history.moves for one in move.changes if one.alias == CHAMPION]
    return changes[0].before is not None if changes else CHAMPION in history.holders


def _aliases_moved(moves: Sequence[Move]) -> set[str]:
    return {change.alias for move in moves for change in move.changes}


def _first_moves(versions: Sequence[Any]) -> list[Move]:
    """Return the move, that nobody wrote, of a version that says it was the first champion."""
    return [
        Move(
            id="000000-00000000",
            kind=MoveKind.FIRST,
            changes=(Change(CHAMPION, None, str(version.version)),),
            at=_from_milliseconds(version.creation_timestamp),
            by=None,
            why="first version of the name, registered before there was a history",
            status=MoveStatus.DONE,
        )
        for version in versions[-1:]
        if version.tags.get(FIRST_TAG) == "true"
    ]


def _from_milliseconds(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds")


def _strangers(history: History) -> list[str]:
    """Return the aliases that are not where the history left them."""
    told = history.holders_at(datetime.max.replace(tzinfo=UTC))
    moving = _aliases_moved(_half_done(history))
    complaints = []
    for alias in sorted({*told, *history.holders} - moving):
        held, expected = history.holders.get(alias), told[alias][0] if alias in told else None
        if held != expected:
            complaints.append(
                f"{alias} is held by {held or 'none'}, the history says {expected or 'none'}: "
                "another tool moved it, or a version was deleted; nobody knows who, when or why."
            )
    return complaints
