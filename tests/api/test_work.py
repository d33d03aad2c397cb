"""One thread: single texts first, and together; batches by steps; each error to its own."""

import asyncio
import threading
import time
from functools import partial

import pytest

from api.work import LONG_STEP_TEXTS, MAX_TOGETHER, SHORT_STEP_TEXTS, Workroom


class Recorder:
    """Answers in capitals, remembers what it got together, and can be held."""

    def __init__(self):
        self.together, self.free = [], threading.Event()
        self.free.set()

    def __call__(self, asked):
        self.free.wait(10)
        self.together.append(list(asked))
        if "bad" in asked:
            raise ValueError("bad")
        return [one.upper() for one in asked]


def run(scenario, recorder=None):
    """Run a scenario in a room of its own, with a loop of its own."""
    room = Workroom(recorder or Recorder())

    async def inside():
        room.open()
        try:
            return await asyncio.wait_for(scenario(room), 20)
        finally:
            room.close()

    return asyncio.run(inside())


def test_each_request_gets_its_own_answer():
    async def scenario(room):
        return await asyncio.gather(*(room.answer(f"t{number}") for number in range(500)))

    recorder = Recorder()
    assert run(scenario, recorder) == [f"T{number}" for number in range(500)]
    assert max(map(len, recorder.together)) <= MAX_TOGETHER


def test_requests_that_wait_are_answered_together():
    recorder = Recorder()
    recorder.free.clear()

    async def scenario(room):
        tasks = [asyncio.create_task(room.answer(f"t{number}")) for number in range(20)]
        await asyncio.sleep(0.05)
        recorder.free.set()
        await asyncio.gather(*tasks)

    run(scenario, recorder)
    assert len(recorder.together) <= 2


def test_an_error_is_for_the_request_that_makes_it():
    recorder = Recorder()
    recorder.free.clear()

    async def scenario(room):
        tasks = [asyncio.create_task(room.answer(text)) for text in ("a", "bad", "b")]
        await asyncio.sleep(0.05)
        recorder.free.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, error, last = run(scenario, recorder)
    assert (first, last) == ("A", "B")
    assert isinstance(error, ValueError)


def test_a_single_request_comes_before_the_steps_that_wait():
    order, held = [], threading.Event()

    def step(name):
        held.wait(10)
        order.append(name)

    def answer(asked):
        order.extend(asked)
        return asked

    async def scenario(room):
        steps = [asyncio.create_task(room.do(partial(step, number))) for number in range(3)]
        await asyncio.sleep(0.05)
        single = asyncio.create_task(room.answer("single"))
        await asyncio.sleep(0.05)
        held.set()
        await asyncio.gather(single, *steps)

    run(scenario, answer)
    assert order == [0, "single", 1, 2]


def test_steps_are_short_while_single_requests_come():
    async def scenario(room):
        calm = room.step_texts
        await room.answer("a")
        return calm, room.step_texts

    assert run(scenario) == (LONG_STEP_TEXTS, SHORT_STEP_TEXTS)


def test_a_request_whose_client_left_is_not_worked_on():
    recorder = Recorder()
    recorder.free.clear()

    async def scenario(room):
        first = asyncio.create_task(room.answer("first"))
        await asyncio.sleep(0.05)
        gone = asyncio.create_task(room.answer("gone"))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0)
        recorder.free.set()
        await first

    run(scenario, recorder)
    assert recorder.together == [["first"]]


def test_what_was_asked_is_done_before_the_room_closes():
    done = []

    async def scenario(room):
        room._jobs_before = asyncio.create_task(room.do(lambda: time.sleep(0.2) or done.append(1)))
        await asyncio.sleep(0.05)
        return room._jobs_before

    run(scenario)
    assert done == [1]


def test_an_error_of_a_step_is_raised_where_it_is_awaited():
    async def scenario(room):
        with pytest.raises(ZeroDivisionError):
            await room.do(lambda: 1 / 0)
        return await room.answer("a")

    assert run(scenario) == "A"
