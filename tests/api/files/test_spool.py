"""What waits for a client comes out as it went in, in bounded memory and on a bounded disk."""

import asyncio
import os
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.files import spool as spools
from api.files.spool import DiskAllowance, Spool, SpoolFullError


async def take_all(spool):
    taken = []
    while piece := await spool.take():
        taken.append(piece)
    return b"".join(taken)


@given(
    sizes=st.lists(st.integers(0, 3_000), max_size=30),
    n_between=st.lists(st.integers(0, 3), min_size=30, max_size=30),
)
def test_bytes_come_out_in_order(sizes, n_between):
    async def scenario():
        spool = Spool(DiskAllowance(10**6), patience_seconds=1)
        written = [os.urandom(size) for size in sizes]
        n_put, taken = 0, b""
        for content, n_pieces in zip(written, n_between, strict=False):
            await spool.put(content)
            n_put += len(content)
            for _ in range(n_pieces):
                taken += await spool.take() if len(taken) < n_put else b""
        spool.put_last(b"end")
        taken += await take_all(spool)
        assert taken == b"".join(written) + b"end"
        assert not spool._segments

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spools, "MEMORY_BYTES", 2_000)
        patch.setattr(spools, "PIECE_BYTES", 500)
        patch.setattr(spools, "SEGMENT_BYTES", 1_500)
        asyncio.run(scenario())


def test_what_is_taken_is_given_back_to_the_disk():
    async def scenario():
        allowance = DiskAllowance(10**7)
        spool = Spool(allowance, patience_seconds=1)
        await spool.put(b"a" * 5_000_000)
        assert not allowance.take(10**7)
        spool.put_last(b"")
        assert len(await take_all(spool)) == 5_000_000
        assert allowance.take(10**7)

    asyncio.run(scenario())


def test_a_spool_that_is_given_up_gives_back_the_disk():
    async def scenario():
        allowance = DiskAllowance(10**7)
        spool = Spool(allowance, patience_seconds=1)
        await spool.put(b"a" * 5_000_000)
        spool.close()
        assert allowance.take(10**7)

    asyncio.run(scenario())


@pytest.mark.parametrize("max_bytes", [0, 100_000])
def test_a_client_that_reads_makes_room(max_bytes):
    async def scenario():
        spool = Spool(DiskAllowance(max_bytes), patience_seconds=5)
        reading = asyncio.create_task(take_all(spool))
        await spool.put(b"a" * 3_000_000)
        spool.put_last(b"")
        return len(await reading)

    assert asyncio.run(scenario()) == 3_000_000


def test_a_client_that_reads_nothing_fills_the_disk_and_no_more():
    async def scenario():
        spool = Spool(DiskAllowance(100_000), patience_seconds=0.1)
        with pytest.raises(SpoolFullError):
            await spool.put(b"a" * 3_000_000)
        spool.put_last(b"end")
        return await take_all(spool)

    content = asyncio.run(scenario())
    assert content.endswith(b"aend")
    assert len(content) <= spools.MEMORY_BYTES + 100_000 + 3


def test_a_disk_that_cannot_be_written_is_found_beforehand(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(OSError, match="nowhere"):
        Spool.check_disk()
