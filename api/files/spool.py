"""Spool: bytes that wait for a client, a few in memory and the others in temporary files."""

import asyncio
import os
import tempfile
import threading
from collections import deque
from typing import IO

MEMORY_BYTES = 1 << 20
PIECE_BYTES = 1 << 16
SEGMENT_BYTES = 1 << 24
LOOK_SECONDS = 0.05


class SpoolFullError(Exception):
    """The disk allowance is used up, and the client takes nothing."""


class DiskAllowance:
    """How many bytes the spools of a process may keep on disk, all together."""

    def __init__(self, max_bytes: int) -> None:
        self._free = max_bytes

    def take(self, n_bytes: int) -> bool:
        """Take bytes if there are as many left; a negative number gives them back."""
        if n_bytes > self._free:
            return False
        self._free -= n_bytes
        return True


class Spool:
    """What was answered and is not sent yet, first in, first out.

    Temporary files have no name: they go with the process, whatever its end. Each is given up as
    soon as it is sent, so a client that reads while it sends needs next to none.

    Parameters
    ----------
    allowance : DiskAllowance
    patience_seconds : float
        Longest time to wait for room while the client takes nothing.

    Attributes
    ----------
    n_taken : int
        Bytes taken so far.
    """

    def __init__(self, allowance: DiskAllowance, *, patience_seconds: float) -> None:
        self._allowance, self._patience = allowance, patience_seconds
        self._in_memory: deque[bytes] = deque()
        self._n_in_memory = 0
        self._segments: deque[_Segment] = deque()
        self._using_disk = asyncio.Lock()
        self._something = asyncio.Event()
        self._last, self._ended = b"", False
        self.n_taken = 0

    @staticmethod
    def check_disk() -> None:
        """Write a byte as `put` may have to.

        Raises
        ------
        OSError
            If temporary files cannot be written.
        """
        with tempfile.TemporaryFile() as probe:
            probe.write(b"\0")

    async def put(self, content: bytes) -> None:
        """Add bytes, on disk when many wait.

        Raises
        ------
        SpoolFullError
            If there is no room on disk, and the client makes none.
        OSError
            If the disk fails.
        """
        for start in range(0, len(content), PIECE_BYTES):
            piece = content[start : start + PIECE_BYTES]
            if await self._wait_for_memory_or_disk(len(piece)):
                self._in_memory.append(piece)
                self._n_in_memory += len(piece)
            else:
                await self._put_on_disk(piece)
            self._something.set()

    def put_last(self, content: bytes) -> None:
        """Add the end, which is short, whatever room there is; nothing comes after it."""
        self._last = content
        self._ended = True
        self._something.set()

    async def take(self) -> bytes:
        """Return the next bytes, as soon as there are some; none once all were taken."""
        while not (self._in_memory or self._segments or self._ended):
            self._something.clear()
            await self._something.wait()
        if self._in_memory:
            piece = self._in_memory.popleft()
            self._n_in_memory -= len(piece)
        elif self._segments:
            piece = await self._take_from_disk()
        else:
            piece, self._last = self._last, b""
        self.n_taken += len(piece)
        return piece

    def close(self) -> None:
        """Give back the disk."""
        while self._segments:
            self._drop_segment()

    async def _wait_for_memory_or_disk(self, n_bytes: int) -> bool:
        """Wait for room; tell whether it is in memory, rather than on disk."""
        loop, n_taken = asyncio.get_running_loop(), self.n_taken
        until = loop.time() + self._patience
        while True:
            if not self._segments and self._n_in_memory + n_bytes <= MEMORY_BYTES:
                return True
            if self._allowance.take(n_bytes):
                return False
            if self.n_taken != n_taken:
                n_taken, until = self.n_taken, loop.time() + self._patience
            elif loop.time() > until:
                raise SpoolFullError
            await asyncio.sleep(LOOK_SECONDS)

    async def _put_on_disk(self, piece: bytes) -> None:
        async with self._using_disk:
            try:
                if not self._segments or self._segments[-1].n_written >= SEGMENT_BYTES:
                    self._segments.append(_Segment())
            except OSError:
                self._allowance.take(-len(piece))
                raise
            segment = self._segments[-1]
            segment.n_allowed += len(piece)
            await asyncio.to_thread(segment.write, piece)

    async def _take_from_disk(self) -> bytes:
        async with self._using_disk:
            segment = self._segments[0]
            piece = await asyncio.to_thread(segment.read)
            if segment.n_read == segment.n_written:
                self._drop_segment()
            return piece

    def _drop_segment(self) -> None:
        segment = self._segments.popleft()
        segment.close()
        self._allowance.take(-segment.n_allowed)


class _Segment:
    """A part of what waits, in a file without a name.

    A thread may still write when a request is given up: the file is closed after it, since another
    file could get its descriptor.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._in_use = threading.Lock()
        self.n_allowed = self.n_written = self.n_read = 0

    def write(self, piece: bytes) -> None:
        left = memoryview(piece)
        with self._in_use:
            while left:
                n_bytes = os.pwrite(self._file.fileno(), left, self.n_written)
                self.n_written += n_bytes
                left = left[n_bytes:]

    def read(self) -> bytes:
        n_bytes = min(PIECE_BYTES, self.n_written - self.n_read)
        with self._in_use:
            piece = os.pread(self._file.fileno(), n_bytes, self.n_read)
        self.n_read += len(piece)
        return piece

    def close(self) -> None:
        with self._in_use:
            self._file.close()
