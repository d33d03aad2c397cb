"""Keeping: no answer leaves before its predictions are safe; one wait serves all that wait."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from libelle.monitoring.prediction_sink import PredictionSink


class Keeper:
    """Brings predictions to safety, for all the requests that wait together.

    A request that comes while some are being brought to safety waits for the next time, together
    with the others that came meanwhile.

    Parameters
    ----------
    sink : PredictionSink
    """

    def __init__(self, sink: PredictionSink) -> None:
        self._sink = sink
        self._thread = ThreadPoolExecutor(1, "libelle-keep")
        self._waiting: list[asyncio.Future[None]] = []
        self._rounds: asyncio.Task[None] | None = None
        self._closed = False

    async def keep(self) -> None:
        """Wait until what was appended so far is safe.

        Raises
        ------
        StorageError
            If it cannot be, and no answer may leave without its trace.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._sync_while_waited_for())
        await future

    def close(self) -> None:
        """Close the sink: it brings everything to safety, and nobody has to wait any more."""
        self._closed = True
        self._thread.shutdown()
        self._sink.close()

    async def _sync_while_waited_for(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            try:
                if not self._closed:
                    await loop.run_in_executor(self._thread, self._sink.sync)
            except Exception as error:  # Whatever it is, nobody may wait without end.
                _settle(waiting, error)
            else:
                _settle(waiting, None)


def _settle(waiting: list["asyncio.Future[None]"], error: Exception | None) -> None:
    for future in waiting:
        if future.done():  # The client left.
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
