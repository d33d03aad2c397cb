"""One wait serves all that wait, and nobody waits for what came after."""

import asyncio
import threading
import time

import pytest

from api.keeping import Keeper
from libelle.errors import StorageError
from libelle.monitoring.prediction_sink import NullSink


class Disk(NullSink):
    """A sink that counts how often it is synced, and what was appended before each time."""

    def __init__(self, seconds=0.05):
        self.n_appended, self.synced, self._seconds = 0, [], seconds

    def sync(self):
        seen = self.n_appended
        time.sleep(self._seconds)
        self.synced.append(seen)


def test_all_that_wait_together_are_served_by_one_sync():
    sink = Disk()
    keeper = Keeper(sink)

    async def ask():
        sink.n_appended += 1
        mine = sink.n_appended
        await keeper.keep()
        assert max(sink.synced) >= mine

    async def ask_all():
        first = asyncio.create_task(ask())
        await asyncio.sleep(0.01)
        await asyncio.gather(first, *(ask() for _ in range(50)))

    asyncio.run(ask_all())
    keeper.close()
    assert sink.synced == [1, 51]


def test_a_failure_is_for_those_that_waited_and_not_for_the_next():
    sink = Disk(0)
    keeper = Keeper(sink)

    async def ask():
        sink.sync = lambda: (_ for _ in ()).throw(StorageError("full"))
        with pytest.raises(StorageError):
            await keeper.keep()
        del sink.sync
        await keeper.keep()

    asyncio.run(ask())
    keeper.close()
    assert sink.synced == [0]


def test_a_client_that_leaves_takes_nobody_with_it():
    sink = Disk()
    keeper = Keeper(sink)

    async def ask():
        leaving = asyncio.create_task(keeper.keep())
        await asyncio.sleep(0.01)
        leaving.cancel()
        await keeper.keep()

    asyncio.run(ask())
    keeper.close()
    assert len(sink.synced) == 2


def test_the_loop_goes_on_meanwhile():
    keeper = Keeper(Disk(0.2))
    ticks = []

    async def tick():
        while True:
            ticks.append(threading.get_ident())
            await asyncio.sleep(0.01)

    async def ask():
        ticking = asyncio.create_task(tick())
        await keeper.keep()
        ticking.cancel()

    asyncio.run(ask())
    keeper.close()
    assert len(ticks) > 5


def test_once_it_is_closed_nobody_waits():
    sink = Disk()
    closed = []
    sink.close = lambda: closed.append(True)
    keeper = Keeper(sink)

    async def ask():
        keeper.close()
        await keeper.keep()

    asyncio.run(ask())
    assert (closed, sink.synced) == ([True], [])
