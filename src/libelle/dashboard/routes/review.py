"""Review: a text at a time, by forms; the script asks for several, and sends verdicts in order."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from libelle.dashboard.access import is_from_our_page, read_form
from libelle.dashboard.calling import ApiGoneError, ApiRefusalError
from libelle.dashboard.rendering import render, show_error
from libelle.dashboard.review.desk import NotYoursError
from libelle.dashboard.routes.coders import coder_of, keep_coder
from libelle.dashboard.routes.state import desk_of, say_of
from libelle.dashboard.views.review import (
    MOST_CODES,
    Found,
    describe_item,
    describe_outcome,
    describe_progress,
    describe_review,
    find_codes,
)

router = APIRouter()

MOST_LENT = 20
MOST_ASKED_CHARACTERS = 200
REASONS = ("not_enough_information", "ambiguous_nomenclature")
ASIDE = "aside"


@router.get("/review")
def review_page(request: Request, again: str = "", told: str = "") -> Response:
    """Put a text before the coder: the next one, or one that was just answered."""
    return _show(request, again=again, told=told)


@router.post("/review")
async def answer_page(request: Request) -> Response:
    """Take what a form says: a code, a reason to skip, or words to search codes by."""
    form = await read_form(request)
    if not is_from_our_page(request, desk_of(request).guard, form):
        return show_error(request, 403)
    return await run_in_threadpool(_answer_form, request, form)


@router.post("/review/items")
async def lend_items(request: Request) -> Response:
    """Lend the script some more texts."""
    form = await read_form(request)
    desk, say, coder = desk_of(request), say_of(request), coder_of(request)
    if not is_from_our_page(request, desk.guard, form):
        return JSONResponse({}, 403)
    held = form.get("held", "").split()[:MOST_LENT]
    take = partial(desk.reviewing.take, coder, n_items=MOST_LENT - len(held), held=held)
    items = await run_in_threadpool(take)
    progress = await run_in_threadpool(desk.reviewing.progress_of, coder)
    titles = desk.models.titles()
    return JSONResponse(
        {
            "items": [describe_item(one, titles, say, is_answered=False) for one in items],
            "progress": describe_progress(progress, say),
        }
    )


@router.post("/review/verdicts")
async def take_verdict(request: Request) -> Response:
    """Take one verdict from the script."""
    form = await read_form(request)
    desk, say, coder = desk_of(request), say_of(request), coder_of(request)
    if not is_from_our_page(request, desk.guard, form):
        return JSONResponse({"why": say.plain("review_refused")}, 403)
    status, told = await run_in_threadpool(_hand_in, request, form, coder)
    return JSONResponse(told, status)


@router.get("/review/codes")
def search_page(request: Request, q: str = "") -> Response:
    """Search codes for the script."""
    found = _search(request, q)
    return JSONResponse({"codes": found.codes, "told": found.told}, 503 if found.is_gone else 200)


def _hand_in(request: Request, form: dict[str, str], coder: str) -> tuple[int, dict[str, Any]]:
    """Hand a verdict in; return the status and what to say of it."""
    desk, say = desk_of(request), say_of(request)
    prediction_id, skip = form.get("prediction_id", ""), form.get("skip", "")
    if skip == ASIDE:
        desk.reviewing.put_aside(coder, prediction_id)
        return 200, {"said": say.plain("review_put_aside")}
    answer = skip or form.get("code", "")
    if not answer or (skip and skip not in REASONS):
        return 422, {"why": say.plain("review_refused")}
    try:
        outcome = desk.reviewing.give(
            coder, prediction_id, answer, is_code=not skip, again=bool(form.get("again"))
        )
    except NotYoursError:
        return 409, {"why": say.plain("review_not_yours")}
    except ApiGoneError:
        return 503, {"why": say.plain("review_gone")}
    except ApiRefusalError as refusal:
        known = f"review_refused_{refusal.status}"
        return 422, {"why": say.plain(known if say.knows(known) else "review_refused")}
    progress = desk.reviewing.progress_of(coder)
    return 200, {
        "said": describe_outcome(outcome, desk.models.titles(), say),
        "progress": describe_progress(progress, say),
    }


def _answer_form(request: Request, form: dict[str, str]) -> Response:
    prediction_id = form.get("prediction_id", "")
    if form.get("code") or form.get("skip"):
        status, told = _hand_in(request, form, coder_of(request))
        if status != 200:
            return _show(request, again=prediction_id, status=status, why=told["why"])
        lang = "&lang=en" if request.query_params.get("lang") == "en" else ""
        shown = "" if form.get("skip") == ASIDE else prediction_id
        return RedirectResponse(f"review?told={shown}{lang}", 303)
    found = _search(request, form.get("q", ""))
    return _show(request, again=prediction_id if form.get("again") else "", found=found)


def _search(request: Request, q: str) -> Found:
    desk, say = desk_of(request), say_of(request)
    return find_codes(desk.api, q.strip()[:MOST_ASKED_CHARACTERS], say, limit=MOST_CODES)


def _show(
    request: Request,
    *,
    again: str = "",
    told: str = "",
    status: int = 200,
    why: str = "",
    found: Found | None = None,
) -> Response:
    desk, say, coder = desk_of(request), say_of(request), coder_of(request)
    reviewing, titles = desk.reviewing, desk.models.titles()
    item = outcome = again_given = None
    # Before a text is taken: what is being read now may be there a moment later, not the reverse.
    progress = reviewing.progress_of(coder) if reviewing.is_on else None
    described = describe_review(desk, say, progress=progress)
    if reviewing.is_on:
        outcome = reviewing.given_by(coder, told)
        again_given = reviewing.given_by(coder, again)
        item = again_given.item if again_given else next(iter(reviewing.take(coder)), None)
    shown = None
    if item is not None:
        shown = describe_item(item, titles, say, is_answered=again_given is not None)
    answer = render(
        request,
        "review",
        status=status,
        review=described,
        item=shown,
        why=why,
        found=found,
        told=describe_outcome(outcome, titles, say) if outcome else "",
        undoable=told if outcome else "",
        coder=coder,
    )
    keep_coder(request, answer, coder)
    return answer
