"""Exchange: a file that comes while its answer goes, at the pace of each."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.answers import answer_rows
from api.asking import Asker, Result, read_rows
from api.bodies import announced_bytes, media_type_of, refuse_compressed
from api.errors import (
    BUSY,
    JSON_CHARSET,
    TOO_LARGE,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemError,
    describe_problem,
    invalid_request,
    log_failure,
)
from api.files.delimited import CsvRows
from api.files.ndjson import BLANK, NdjsonRows
from api.files.records import RecordCutter
from api.files.rows import FileFormat, answer_of, promise_of, refusal_of
from api.files.spool import MEMORY_BYTES, Spool, SpoolFullError
from api.loading import LoadedModel
from api.schemas import DEFAULT_TEXT_COLUMN
from api.service import Service

# A step has at most that many bytes for each text that it may have: a short one stays short when
# the texts are long.
STEP_BYTES_PER_TEXT = 1_000


class AnswerCutError(Exception):
    """An answer that cannot be finished: its end is missing, which tells the client."""


@dataclass(frozen=True)
class AskedFile:
    """What the headers and the query of a request for a file ask."""

    media_type: str
    text: str
    identifier: str | None
    top_k: int


def open_file(request: Request, service: Service, asker: Asker) -> "FileExchange":
    """Return what answers a file, once its headers and its query are checked.

    Raises
    ------
    ProblemError
        If no model is ready; if the file is in another format, or larger than the settings allow;
        if the query is not as the schema says.
    """
    model = service.model
    asked = _read_query(request, service)
    limit = service.settings.max_file_bytes
    if announced_bytes(request) > limit:
        raise _too_large(limit)
    return FileExchange(asked, service, model, asker)


class FileExchange(Response):
    """Answers a file while it comes; what the client does not read yet waits in a spool.

    Nothing waits for the client to read, since it may send everything first; unless the disk
    allowance is used up.
    """

    def __init__(
        self, asked: AskedFile, service: Service, model: LoadedModel, asker: Asker
    ) -> None:
        super().__init__(media_type=f"{asked.media_type}{JSON_CHARSET}")
        del self.headers["content-length"]
        self.headers["X-Accel-Buffering"] = "no"
        self._asked, self._service, self._model, self._asker = asked, service, model, asker
        self._n_received = 0
        self._n_parts = 0
        self._n_rows = self._n_errors = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Exchange the file for its answer."""
        async with self._service.admission(), self._memory(), self._spool() as spool:
            parts = self._receive_parts(receive)
            rows, cutter, records = await self._begin(parts)
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            sending = asyncio.create_task(_send_all(spool, send))
            try:
                await self._answer(parts, rows, cutter, records, spool)
                await self._see_off(sending, spool, receive)
            except (ClientDisconnect, AnswerCutError):
                raise
            except Exception as error:
                # The server would log its message, which may quote a text.
                log_failure(error, request_id=self._asker.request_id)
                raise AnswerCutError from None
            finally:
                sending.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await sending

    @asynccontextmanager
    async def _memory(self) -> AsyncIterator[None]:
        """Count the most memory that a file may take among that of the bodies that wait."""
        settings = self._service.settings
        n_bytes = min(MEMORY_BYTES + 2 * settings.max_record_bytes, settings.max_waiting_bytes)
        self._service.hold_bytes(n_bytes)
        try:
            yield
        finally:
            self._service.hold_bytes(-n_bytes)

    @asynccontextmanager
    async def _spool(self) -> AsyncIterator[Spool]:
        settings = self._service.settings
        if settings.max_spool_bytes:
            try:
                await asyncio.to_thread(Spool.check_disk)
            except OSError as error:
                log_failure(error, request_id=self._asker.request_id)
                raise ProblemError(
                    UNAVAILABLE,
                    "The service cannot write temporary files, in which an answer waits for its "
                    "client. Send the texts by batches.",
                    retry_seconds=60,
                ) from None
        spool = Spool(self._service.spools, patience_seconds=settings.body_seconds)
        try:
            yield spool
        finally:
            spool.close()

    async def _receive_parts(self, receive: Receive) -> AsyncIterator[bytes]:
        """Give the parts of the body.

        Raises
        ------
        ProblemError
            If it is larger than the settings allow.
        ClientDisconnect
            If the client leaves before the end.
        """
        limit, more = self._service.settings.max_file_bytes, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part, more = message.get("body", b""), message.get("more_body", False)
            self._n_received += len(part)
            if self._n_received > limit:
                raise _too_large(limit)
            if part:
                yield part

    async def _begin(
        self, parts: AsyncIterator[bytes]
    ) -> tuple[FileFormat, RecordCutter, list[bytes | None]]:
        """Read as much as it takes to know how rows are read; return the first records too.

        Raises
        ------
        ProblemError
            If there is no header, or one without the columns that were named.
        """
        asked, is_csv = self._asked, self._asked.media_type == CsvRows.media_type
        cutter = RecordCutter(
            quoted=is_csv,
            blank=b"\r" if is_csv else BLANK,
            max_bytes=self._service.settings.max_record_bytes,
        )
        records: list[bytes | None] = []
        async for part in parts:
            records = cutter.feed(part)
            # A header that is too long is not waited for.
            if records or cutter.too_long:
                break
        else:
            records = cutter.finish()
        if is_csv:
            header = records.pop(0) if records else None
            rows: FileFormat = CsvRows(
                header, text=asked.text, identifier=asked.identifier, has_mark=cutter.has_mark
            )
        else:
            rows = NdjsonRows(text=asked.text, identifier=asked.identifier)
        return rows, cutter, records

    async def _answer(
        self,
        parts: AsyncIterator[bytes],
        rows: FileFormat,
        cutter: RecordCutter,
        records: list[bytes | None],
        spool: Spool,
    ) -> None:
        """Answer the records as they come, and end with one that says how many they were."""
        try:
            await spool.put(rows.head())
            await self._answer_records(records, rows, spool)
            async for part in parts:
                await self._answer_records(cutter.feed(part), rows, spool)
            await self._answer_records(cutter.finish(), rows, spool)
        except ProblemError as problem:
            last = rows.cut(self._describe(problem))
        except SpoolFullError:
            full = ProblemError(BUSY, "The answer waits for its client, on a disk that is full.")
            last = rows.cut(self._describe(full))
        else:
            last = rows.end(self._n_rows, self._n_errors)
        spool.put_last(last)

    async def _answer_records(
        self, records: Sequence[bytes | None], rows: FileFormat, spool: Spool
    ) -> None:
        work = self._service.work
        for step in _steps(records, work):
            content, n_errors = await work.do(partial(self._answer_step, step, rows, self._n_rows))
            self._n_rows += len(step)
            self._n_errors += n_errors
            await self._service.keep()
            await spool.put(content)

    def _answer_step(
        self, records: Sequence[bytes | None], rows: FileFormat, start: int
    ) -> tuple[bytes, int]:
        """Return some rows with their answers, and how many of these are errors."""
        read = rows.read(records)
        complaints = {
            place: row.complaint for place, row in enumerate(read) if row.complaint is not None
        }
        asked = read_rows(
            [row.item for row in read], complaints, self._service.requests, top_k=self._asked.top_k
        )
        results = answer_rows(asked, start, self._model, self._asker, self._service.note)
        promise = promise_of(self._model.predictor)
        answers = [_fields_of(result, promise) for result in results]
        return rows.write(read, answers), len(asked.refused)

    async def _see_off(self, sending: "asyncio.Task[None]", spool: Spool, receive: Receive) -> None:
        """Wait until the client has read everything; what it still sends is thrown away.

        Raises
        ------
        ClientDisconnect
            If it leaves.
        AnswerCutError
            If it does nothing for as long as a body may take to come.
        """
        leaving = asyncio.create_task(self._wait_for_end(receive))
        patience = self._service.settings.body_seconds
        try:
            while not sending.done():
                before = spool.n_taken, self._n_parts
                await asyncio.wait(
                    (sending, leaving), timeout=patience, return_when=asyncio.FIRST_COMPLETED
                )
                if sending.done():
                    break
                if leaving.done():
                    raise ClientDisconnect
                if before == (spool.n_taken, self._n_parts):
                    raise AnswerCutError("the client reads nothing")
            await sending
        finally:
            leaving.cancel()

    async def _wait_for_end(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            self._n_parts += 1

    def _describe(self, problem: ProblemError) -> dict[str, Any]:
        return describe_problem(problem.kind, problem.detail, request_id=self._asker.request_id)


async def _send_all(spool: Spool, send: Send) -> None:
    while piece := await spool.take():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _steps(records: Sequence[bytes | None], work: Any) -> Iterator[Sequence[bytes | None]]:
    """Cut records in steps, each as long as is right when it begins."""
    start = 0
    while start < len(records):
        n_texts = work.step_texts
        n_left = STEP_BYTES_PER_TEXT * n_texts
        stop = start
        while stop < len(records) and stop - start < n_texts and (n_left > 0 or stop == start):
            n_left -= len(records[stop] or b"")
            stop += 1
        yield records[start:stop]
        start = stop


def _fields_of(result: Result, promise: Mapping[str, Any]) -> dict[str, Any]:
    if result.prediction is None:
        return refusal_of(result.error, promise)
    return answer_of(result.prediction, promise)


def _read_query(request: Request, service: Service) -> AskedFile:
    media_type = media_type_of(request)
    if media_type not in (CsvRows.media_type, NdjsonRows.media_type) or not _is_utf8(request):
        raise ProblemError(
            UNSUPPORTED_MEDIA_TYPE,
            f"Send CSV or NDJSON in UTF-8, with Content-Type: {CsvRows.media_type} "
            f"or {NdjsonRows.media_type}.",
        )
    refuse_compressed(request)
    query = request.query_params
    if len(query.multi_items()) > len(query):
        raise invalid_request([{"detail": "A parameter is given twice."}])
    try:
        asked = service.requests.file_query.validate_strings(dict(query))
    except ValidationError as error:
        raise invalid_request(_describe_query_errors(error)) from None
    return AskedFile(
        media_type,
        asked.get("text", DEFAULT_TEXT_COLUMN),
        asked.get("id"),
        asked.get("top_k", service.requests.default_top_k),
    )


def _describe_query_errors(error: ValidationError) -> list[dict[str, str]]:
    """Return what is wrong in a query, without the names of unknown parameters."""
    field_errors = [
        (
            {"detail": "A parameter here is unknown: see the schema in /docs."}
            if complaint["type"] == "extra_forbidden"
            else {"parameter": str(complaint["loc"][0]), "detail": f"{complaint['msg']}."}
        )
        for complaint in error.errors(include_url=False, include_input=False)
    ]
    return list({tuple(one.items()): one for one in field_errors}.values())


def _is_utf8(request: Request) -> bool:
    """Tell whether the charset that a request names, if any, is UTF-8."""
    parameters = request.headers["content-type"].split(";")[1:]
    named = [value.partition("=") for value in parameters]
    charsets = [value.strip(' "\t').lower() for name, _, value in named if _names_charset(name)]
    return all(charset in ("utf-8", "utf8", "us-ascii") for charset in charsets)


def _names_charset(name: str) -> bool:
    return name.strip().lower() == "charset"


def _too_large(limit: int) -> ProblemError:
    return ProblemError(TOO_LARGE, f"A file has {limit} bytes at most. Send it in several parts.")
