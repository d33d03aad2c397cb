"""Load: clients that cost little, in a process of their own, on connections that they keep."""

import asyncio
import json
import multiprocessing
import time
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Measure:
    """What clients saw.

    Attributes
    ----------
    per_second : float
        Requests answered.
    p50_ms, p99_ms : float
        Time from the moment a request was due to the end of its answer.
    """

    per_second: float
    p50_ms: float
    p99_ms: float


def saturate(
    port: int, path: str, bodies: list[bytes], *, seconds: float, n_clients: int
) -> Measure:
    """Ask again and again with so many clients, each waiting for its answer."""
    return _apart(_saturate, port, path, bodies, seconds, n_clients)


def pace(
    port: int, path: str, bodies: list[bytes], *, seconds: float, per_second: float
) -> Measure:
    """Ask at a fixed pace, whether answers come or not."""
    return _apart(_pace, port, path, bodies, seconds, per_second)


def _apart(work: Any, *arguments: Any) -> Measure:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        latencies, elapsed = pool.apply(_run, (work, arguments))
    milliseconds = 1000 * np.array(latencies)
    return Measure(
        len(latencies) / elapsed,
        float(np.percentile(milliseconds, 50)),
        float(np.percentile(milliseconds, 99)),
    )


def _run(work: Any, arguments: tuple[Any, ...]) -> tuple[list[float], float]:
    return asyncio.run(work(*arguments))


async def _saturate(
    port: int, path: str, bodies: list[bytes], seconds: float, n_clients: int
) -> tuple[list[float], float]:
    latencies: list[float] = []
    until = time.perf_counter() + seconds

    async def ask(client: int) -> None:
        streams = await asyncio.open_connection("127.0.0.1", port)
        number = client
        while (began := time.perf_counter()) < until:
            await _ask(streams, port, path, bodies[number % len(bodies)])
            latencies.append(time.perf_counter() - began)
            number += n_clients
        streams[1].close()

    began = time.perf_counter()
    await asyncio.gather(*map(ask, range(n_clients)))
    return latencies, time.perf_counter() - began


async def _pace(
    port: int, path: str, bodies: list[bytes], seconds: float, per_second: float
) -> tuple[list[float], float]:
    latencies: list[float] = []
    free: list[Any] = []

    async def ask(due: float, body: bytes) -> None:
        streams = free.pop() if free else await asyncio.open_connection("127.0.0.1", port)
        await _ask(streams, port, path, body)
        latencies.append(time.perf_counter() - due)
        free.append(streams)

    began = time.perf_counter()
    tasks = []
    for number in range(int(seconds * per_second)):
        due = began + number / per_second
        await asyncio.sleep(max(0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(due, bodies[number % len(bodies)])))
    await asyncio.gather(*tasks)
    elapsed = time.perf_counter() - began
    for _, writer in free:
        writer.close()
    return latencies, elapsed


async def _ask(streams: Any, port: int, path: str, body: bytes) -> bytes:
    reader, writer = streams
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    headers = await reader.readuntil(b"\r\n\r\n")
    if not headers.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(headers.splitlines()[0].decode())
    lowered = headers.lower()
    if b"transfer-encoding: chunked" in lowered:
        return await _read_chunks(reader)
    start = lowered.index(b"content-length:") + 15
    return bytes(await reader.readexactly(int(lowered[start : lowered.index(b"\r", start)])))


async def _read_chunks(reader: Any) -> bytes:
    content = b""
    while size := int(await reader.readline(), 16):
        content += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return content


def encode(value: object) -> bytes:
    """Return a body."""
    return json.dumps(value, ensure_ascii=False).encode()
