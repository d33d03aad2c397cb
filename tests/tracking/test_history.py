"""What the history promises: every move is told for good, and none is left half-made."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from libelle.errors import TrackingError, UsageError
from libelle.tracking.client import connect
from libelle.tracking.registry import register_model
from libelle.tracking.registry.history import (
    MoveKind,
    MoveStatus,
    Order,
    check_mover,
    check_reason,
    history_of,
    move_aliases,
    read_history,
    settle_moves,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Crash(BaseException):
    """Stands for a process that is killed."""


class FailingClient:
    """An MLflow that dies at its n-th change, before or after doing it."""

    def __init__(self, client, *, at_change, after=False):
        self._client, self._left, self._after = client, at_change, after

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if not name.startswith(("set_", "delete_")):
            return method

        def change(*arguments):
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Crash
            method(*arguments)
            if self._left == 0:
                raise Crash

        return change


@pytest.fixture
def client(client):
    """A registry where `demo` has four versions and no alias."""
    client.create_registered_model("demo")
    for number in range(4):
        client.create_model_version("demo", f"file:///nowhere/{number}")
    return client


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("libelle.tracking.registry.history.PAUSE_SECONDS", 0.001)


def move(client, holders, *, kind=MoveKind.PROMOTE, minutes=0, expected=None):
    order = Order(kind, holders, by="Ada", why="because", expected=expected or {})
    at = NOON + timedelta(minutes=minutes)
    return move_aliases(client, "demo", order, beat=lambda: None, clock=lambda: at)


def aliases(client):
    held = client.get_registered_model("demo").aliases
    return {alias: str(version) for alias, version in held.items()}


def history(client):
    return history_of(client.get_registered_model("demo"))


def test_a_move_is_told_with_who_when_and_why(client):
    move(client, {"champion": "1"}, kind=MoveKind.FIRST)
    made = move(client, {"champion": "2", "challenger": "3"}, minutes=5)
    assert aliases(client) == {"champion": "2", "challenger": "3"}
    last = history(client).moves[-1]
    assert (last.id, last.by, last.why, last.status) == (made.id, "Ada", "because", "done")
    assert last.at == "2026-11-24T12:05:00.000+00:00"
    assert [(one.alias, one.before, one.after) for one in last.changes] == [
        ("champion", "1", "2"),
        ("challenger", None, "3"),
    ]


def test_the_holder_of_any_past_time_is_known(client):
    move(client, {"champion": "1", "challenger": "2"}, minutes=0)
    move(client, {"champion": "2", "challenger": None}, minutes=10)
    told = history(client)
    held = [
        {alias: version for alias, (version, _) in told.holders_at(at).items()}
        for at in (NOON - timedelta(minutes=1), NOON, NOON + timedelta(minutes=10))
    ]
    assert held == [{}, {"champion": "1", "challenger": "2"}, {"champion": "2"}]


def test_what_is_told_is_never_written_again(client):
    written = []

    class Watching(FailingClient):
        def __getattr__(self, name):
            if name == "set_registered_model_tag":
                written.append(self._client)
            return super().__getattr__(name)

    before = {}
    for minutes, version in enumerate(["1", "2", "3"]):
        move(Watching(client, at_change=99), {"champion": version}, minutes=minutes)
        tags = dict(client.get_registered_model("demo").tags)
        assert before.items() <= tags.items()
        assert len(tags) == len(before) + 2
        before = tags
    assert len(written) == 6
    assert all(len(value) < 5000 for value in before.values())


def test_times_never_go_back_even_if_clocks_do(client):
    move(client, {"champion": "1"}, minutes=10)
    move(client, {"champion": "2"}, minutes=3)
    first, second = history(client).moves
    assert second.at >= first.at


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at_change", [1, 2, 3, 4])
def test_a_move_cut_anywhere_is_settled_by_the_next_command(client, at_change, after):
    move(client, {"champion": "1", "challenger": "2"})
    failing = FailingClient(client, at_change=at_change, after=after)
    with pytest.raises(Crash):
        move(failing, {"champion": "2", "challenger": None}, minutes=1)
    if 1 < at_change + after < 5:
        assert history(client).moves[-1].status is MoveStatus.HALF_DONE
    at = NOON + timedelta(minutes=30)
    settle_moves(client, "demo", beat=lambda: None, clock=lambda: at)
    told = history(client)
    held = {alias: version for alias, (version, _) in told.holders_at(at).items()}
    assert held == dict(told.holders)
    assert held in ({"champion": "1", "challenger": "2"}, {"champion": "2"})
    assert (held == {"champion": "2"}) is (at_change + after > 2)
    assert MoveStatus.HALF_DONE not in {one.status for one in told.moves}


def test_the_same_move_asked_again_completes_what_was_cut(client):
    move(client, {"champion": "1"})
    with pytest.raises(Crash):
        move(FailingClient(client, at_change=2), {"champion": "2"}, minutes=1)
    again = move(client, {"champion": "2"}, minutes=1)
    assert (again.number, again.status) == (2, MoveStatus.DONE)
    assert len(history(client).moves) == 2


def test_a_move_that_may_be_under_way_is_not_crossed(client):
    move(client, {"champion": "1"})
    with pytest.raises(Crash):
        move(FailingClient(client, at_change=2), {"champion": "2"})
    with pytest.raises(TrackingError, match="under way"):
        move(client, {"champion": "3"})
    assert aliases(client) == {"champion": "1"}
    assert move(client, {"champion": "3"}, minutes=2).status is MoveStatus.DONE


def test_two_that_begin_together_both_give_way_then_one_after_the_other_moves(client):
    move(client, {"champion": "1"})

    class Crossed(FailingClient):
        crossed = False

        def __getattr__(self, name):
            if name == "set_registered_model_tag" and not self.crossed:
                self.crossed = True
                with pytest.raises(Crash):  # The other one wrote what it means, and no more.
                    move(FailingClient(client, at_change=2), {"champion": "3"})
            return super().__getattr__(name)

    minutes = count()
    order = Order(MoveKind.PROMOTE, {"champion": "2"}, by="Ada", why="because")
    move_aliases(
        Crossed(client, at_change=99),
        "demo",
        order,
        beat=lambda: None,
        clock=lambda: NOON + timedelta(minutes=next(minutes)),
    )
    statuses = [(one.changes[0].after, one.status.value) for one in history(client).moves[1:]]
    assert sorted(statuses) == [("2", "cancelled"), ("2", "done"), ("3", "cancelled")]
    assert aliases(client) == {"champion": "2"}


def test_an_alias_that_went_elsewhere_meanwhile_is_left_there(client):
    move(client, {"champion": "2"})
    with pytest.raises(TrackingError, match="went from version 1 to 2 meanwhile"):
        move(client, {"champion": "3"}, expected={"champion": "1"})
    assert aliases(client) == {"champion": "2"}


def test_a_move_taken_away_or_changed_shows(client):
    for minutes, version in enumerate(["1", "2", "3"]):
        move(client, {"champion": version}, minutes=minutes)
    assert history(client).complaints == ()
    _, second, third = history(client).moves
    key = f"libelle.move.{second.id}"
    facts = json.loads(client.get_registered_model("demo").tags[key])
    client.set_registered_model_tag("demo", key, json.dumps({**facts, "by": "Eve"}))
    assert history(client).complaints == (f"the move before {third.id} was taken away or changed.",)
    client.set_registered_model_tag("demo", key, "?")
    assert f"the move {second.id} cannot be read." in history(client).complaints


def test_an_alias_moved_by_another_tool_shows(client, tracking_uri):
    move(client, {"champion": "1"})
    client.set_registered_model_alias("demo", "champion", "4")
    told = read_history("demo", tracking_uri=tracking_uri)
    assert "champion is held by 4, the history says 1" in told.complaints[0]
    assert "Warning: champion is held by 4" in "\n".join(told.lines())


def test_registering_tells_its_moves(folders, tracking_uri):
    for folder in folders[:2]:
        register_model(folder, name="real", tracking_uri=tracking_uri, by="Ada")
    told = read_history("real", tracking_uri=tracking_uri)
    assert [(one.kind.value, one.by, one.changes[0].after) for one in told.moves] == [
        ("first", "Ada", "1"),
        ("register", "Ada", "2"),
    ]
    assert told.complaints == ()


def test_the_first_champion_of_before_the_history_is_told(client, tracking_uri):
    client.set_model_version_tag("demo", "1", "libelle.first", "true")
    client.set_registered_model_alias("demo", "champion", "1")
    move(client, {"champion": "2"})
    told = read_history("demo", tracking_uri=tracking_uri)
    assert [(one.kind.value, one.changes[0].after) for one in told.moves] == [
        ("first", "1"),
        ("promote", "2"),
    ]
    assert told.champions() == ["1", "2"]


def test_rollbacks_go_back_one_by_one(client):
    for version in ["1", "2", "3"]:
        move(client, {"champion": version})
    move(client, {"champion": "2"}, kind=MoveKind.ROLLBACK)
    assert history(client).champions() == ["1", "2"]
    move(client, {"champion": "1"}, kind=MoveKind.ROLLBACK)
    assert history(client).champions() == ["1"]
    assert history(client).ever_champions() == {"1", "2", "3"}


def test_a_history_is_json(client):
    move(client, {"champion": "1"})
    told = json.loads(json.dumps(history(client).to_dict(at=NOON)))
    assert told["holders"]["champion"]["version"] == "1"
    assert told["moves"][0]["status"] == "done"


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 501])
def test_a_reason_that_cannot_be_kept_is_refused(reason):
    with pytest.raises(UsageError, match="--reason: give a reason"):
        check_reason(reason, option="--reason")


def test_a_name_that_cannot_be_kept_is_refused():
    assert check_mover(" Ada ") == "Ada"
    with pytest.raises(UsageError, match="--by"):
        check_mover("")


def test_a_registry_that_is_down_is_one_error():
    with pytest.raises(TrackingError, match="nobody answers there"):
        read_history("demo", tracking_uri="http://127.0.0.1:9")


def test_an_unknown_name_is_answered_by_those_that_exist(client, tracking_uri):
    assert connect(tracking_uri)
    with pytest.raises(
        TrackingError, match=r"No model is called 'other'\. Registered models: demo"
    ):
        read_history("other", tracking_uri=tracking_uri)
