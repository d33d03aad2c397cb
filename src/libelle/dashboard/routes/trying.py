"""Trying: a text typed in the page, or a file that comes back coded."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import IO
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from libelle.dashboard.access import is_from_our_page, read_form
from libelle.dashboard.calling import ApiGoneError, ApiRefusalError
from libelle.dashboard.rendering import language_of, render, show_error
from libelle.dashboard.routes.coders import coder_of, keep_coder
from libelle.dashboard.routes.state import desk_of, say_of
from libelle.dashboard.trying import Deposit, UnreadableFileError, code_file, read_shape
from libelle.dashboard.trying.coding import guess_column
from libelle.dashboard.trying.tables import iter_rows
from libelle.dashboard.uploads import UploadError, read_upload
from libelle.dashboard.views.trying import describe_deposit, describe_prediction
from libelle.dashboard.words import Say

router = APIRouter()

MAX_TEXT_BYTES = 100_000
TOP_K = 5
N_SAMPLES = 3
_BLOCK_BYTES = 1 << 16
_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@router.get("/try")
def try_page(request: Request, file: str = "") -> Response:
    """Ask for a text or a file; show the file that was given."""
    return _show(request, token=file)


@router.post("/try")
async def try_text(request: Request) -> Response:
    """Code a text."""
    form = await read_form(request, max_bytes=MAX_TEXT_BYTES)
    if not is_from_our_page(request, desk_of(request).guard, form):
        return show_error(request, 403)
    return await run_in_threadpool(_answer, request, form.get("text", ""))


@router.post("/try/file")
async def give_file(request: Request) -> Response:
    """Keep a file for a while, and show how it is read."""
    desk, say = desk_of(request), say_of(request)
    file = desk.shelf.open_file()
    content_type = request.headers.get("content-type", "")
    try:
        upload = await read_upload(content_type, request.stream(), file)
    except UploadError as error:
        file.close()
        return _show(request, status=413, why=say.plain(f"try_bad_{error.kind}"))
    if not is_from_our_page(request, desk.guard, upload.fields):
        file.close()
        return show_error(request, 403)
    return await run_in_threadpool(_keep_file, request, file, upload.file_name)


@router.post("/try/code")
async def code(request: Request, file: str = "") -> Response:
    """Code the file that was given, by the column that was chosen."""
    form = await read_form(request)
    if not is_from_our_page(request, desk_of(request).guard, form):
        return show_error(request, 403)
    return await run_in_threadpool(_code_deposit, request, file, form.get("column", ""))


@router.get("/try/file")
@router.get("/try/code")
def back(request: Request, file: str = "") -> Response:
    """Lead to the page from an address that only forms use: a refusal stands there, and is left.

    Its other language is asked for, or the address is typed again.
    """
    return RedirectResponse(_address_of(request, file), 303)


@router.get("/try/result")
def result(request: Request, file: str = "") -> Response:
    """Give the coded file back."""
    deposit = _find(request, file)
    if deposit is None or deposit.result is None:
        raise HTTPException(404)
    stem, dot, ending = deposit.name.rpartition(".")
    name = f"{stem}-code{dot}{ending}" if dot else f"{deposit.name}-code.{deposit.shape.kind}"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return StreamingResponse(
        _blocks_of(deposit), media_type=_TYPES[deposit.shape.kind], headers=headers
    )


def _answer(request: Request, text: str) -> Response:
    desk, say = desk_of(request), say_of(request)
    try:
        body = {"text": text, "top_k": TOP_K, "explain": True}
        answer = desk.api.post("/v1/predict", body).content
    except (ApiGoneError, ApiRefusalError) as error:
        return _show(request, text=text, status=_status_of(error), why=_complain(error, say))
    return _show(request, text=text, prediction=describe_prediction(answer, say))


def _keep_file(request: Request, file: IO[bytes], name: str) -> Response:
    desk, say, coder = desk_of(request), say_of(request), coder_of(request)
    if not name:
        file.close()
        return _show(request, status=422, why=say.plain("try_bad_none"))
    try:
        shape = read_shape(file)
    except UnreadableFileError as error:
        file.close()
        return _show(request, status=422, why=_why_unreadable(error, say))
    deposit = Deposit(coder, name, file, shape)
    token = desk.shelf.keep(deposit, now=time.monotonic())
    answer = RedirectResponse(_address_of(request, token), 303)
    keep_coder(request, answer, coder)
    return answer


def _code_deposit(request: Request, token: str, column: str) -> Response:
    desk, say = desk_of(request), say_of(request)
    deposit = _find(request, token)
    if deposit is None:
        return _show(request, status=404, why=say.plain("try_bad_gone"))
    if not column.isascii() or not column.isdigit() or int(column) >= len(deposit.shape.columns):
        return _show(request, token=token, status=422, why=say.plain("try_bad_column"))
    with deposit.working:
        into = desk.shelf.open_file()
        name = f"try-{token}-{column}"
        try:
            counts = code_file(
                deposit.file, into, deposit.shape, column=int(column), api=desk.api, name=name
            )
        except (ApiGoneError, ApiRefusalError) as error:
            into.close()
            failure = error
        else:
            deposit.take_result(into, counts)
            return RedirectResponse(_address_of(request, token), 303)
    status, why = _status_of(failure), _complain(failure, say)
    return _show(request, token=token, status=status, why=why)


def _show(
    request: Request,
    *,
    token: str = "",
    text: str = "",
    status: int = 200,
    why: str = "",
    prediction: object = None,
) -> Response:
    say, coder = say_of(request), coder_of(request)
    deposit = _find(request, token)
    if token and deposit is None and not why:
        why = say.plain("try_bad_gone")
    described = None
    if deposit is not None:
        with deposit.working:
            rows = list(islice(iter_rows(deposit.file, deposit.shape), 1 + 50))[1:]
        guess = guess_column(deposit.shape.columns, rows)
        described = describe_deposit(deposit, rows[:N_SAMPLES], guess, say)
    answer = render(
        request,
        "try",
        status=status,
        text=text,
        why=why,
        prediction=prediction,
        deposit=described,
        token=token,
    )
    keep_coder(request, answer, coder)
    return answer


def _find(request: Request, token: str) -> Deposit | None:
    return desk_of(request).shelf.find(token, owner=coder_of(request), now=time.monotonic())


def _address_of(request: Request, token: str) -> str:
    """Return the address of the page of a file, seen from a page below `/try/`."""
    lang = language_of(request)
    query = urlencode(({"file": token} if token else {}) | ({"lang": lang} if lang == "en" else {}))
    return f"../try?{query}" if query else "../try"


def _blocks_of(deposit: Deposit) -> Iterator[bytes]:
    assert deposit.result is not None  # noqa: S101
    place = 0
    while True:
        with deposit.working:
            deposit.result.seek(place)
            block = deposit.result.read(_BLOCK_BYTES)
        if not block:
            return
        place += len(block)
        yield block


def _status_of(error: ApiGoneError | ApiRefusalError) -> int:
    return 503 if isinstance(error, ApiGoneError) else 422


def _complain(error: ApiGoneError | ApiRefusalError, say: Say) -> str:
    if isinstance(error, ApiGoneError):
        return say.plain("try_gone")
    known = f"review_refused_{error.status}"
    if error.status in (401, 403):
        return say.plain(known)
    return say.plain("try_too_long" if error.status == 422 else "try_refused")


def _why_unreadable(error: UnreadableFileError, say: Say) -> str:
    return say.plain(f"try_bad_{error.kind}", line=error.line or "")
