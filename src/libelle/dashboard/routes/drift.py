"""Drift: what changed since the model learnt."""

from fastapi import APIRouter, Request, Response

from libelle.dashboard.rendering import render
from libelle.dashboard.routes.state import desk_of, notices_of, rows_of, say_of
from libelle.dashboard.views.drift import (
    LEAST_TEXTS,
    compare_codes,
    draw_series,
    show_tables,
    tell,
)

router = APIRouter()


@router.get("/drift")
def drift_page(request: Request) -> Response:
    """Show sentences first, then pictures."""
    desk, say = desk_of(request), say_of(request)
    view, parts = desk.view(), desk.parts()
    drift = parts.drift
    snapshot = rows_of(view)
    codes = None
    if snapshot and not drift:
        codes = compare_codes(snapshot, desk.today(), desk.models.titles(), say)
    return render(
        request,
        "drift",
        notices=notices_of(view, say),
        drift=drift,
        is_measuring=parts.is_measuring,
        place=0 if say.lang == "fr" else 1,
        told=tell(drift, say) if drift else [],
        tables=show_tables(drift, desk.drawer, say) if drift else [],
        has_rows=snapshot is not None,
        figures=draw_series(snapshot, desk.drawer, say) if snapshot else [],
        codes=codes,
        least=LEAST_TEXTS,
    )
