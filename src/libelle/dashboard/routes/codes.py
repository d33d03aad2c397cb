"""Codes: each of them, sorted and searched without any script."""

from datetime import timedelta
from math import ceil

from fastapi import APIRouter, Request, Response

from libelle.dashboard.rendering import render
from libelle.dashboard.routes.state import desk_of, notices_of, rows_of, say_of
from libelle.dashboard.views.codes import (
    COLUMNS,
    OF_WORDS,
    PAGE_SIZE,
    Column,
    list_codes,
    search_codes,
    sort_codes,
)
from libelle.dashboard.views.first import N_DAYS

router = APIRouter()

MOST_ASKED_CHARACTERS = 200


@router.get("/codes")
def codes_page(
    request: Request, q: str = "", sort: str = "texts", order: str = "", page: str = "1"
) -> Response:
    """List the codes of the last weeks."""
    desk, say = desk_of(request), say_of(request)
    view, today, feedback = desk.view(), desk.today(), desk.parts().feedback
    snapshot, titles = rows_of(view), desk.models.titles()
    column: Column = next((one for one in COLUMNS if one == sort), "texts")
    descending = order == "down" or (order != "up" and column not in OF_WORDS)
    found = []
    if snapshot is not None:
        counts = snapshot.total(today - timedelta(days=N_DAYS - 1), today)
        rows = list_codes(counts, titles, feedback)
        found = search_codes(rows, q[:MOST_ASKED_CHARACTERS])
    missing = {
        *([] if titles else ["title"]),
        *([] if feedback is not None else ["corrections"]),
    }
    n_pages = max(1, ceil(len(found) / PAGE_SIZE))
    number = min(max(1, int(page) if page.isascii() and page.isdigit() else 1), n_pages)
    shown = sort_codes(found, column, descending=descending)
    return render(
        request,
        "codes",
        notices=notices_of(view, say),
        has_rows=snapshot is not None,
        q=q[:MOST_ASKED_CHARACTERS],
        sort=column,
        descending=descending,
        columns=[one for one in COLUMNS if one not in missing],
        of_words=OF_WORDS,
        has_feedback=feedback is not None,
        n_found=len(found),
        number=number,
        n_pages=n_pages,
        rows=shown[(number - 1) * PAGE_SIZE : number * PAGE_SIZE],
    )
