"""Models: versions, thresholds and the history of the aliases."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from libelle.dashboard.rendering import render
from libelle.dashboard.routes.state import desk_of, notices_of, rows_of, say_of
from libelle.dashboard.views.first import N_DAYS
from libelle.dashboard.views.guarantee import tabulate_thresholds
from libelle.dashboard.views.models import list_moves, list_versions, warn_of_models
from libelle.monitoring.rollups import Counts

router = APIRouter()


@router.get("/models")
def models_page(request: Request) -> Response:
    """Show which versions there are, and who promoted them."""
    desk, say = desk_of(request), say_of(request)
    view, today, look = desk.view(), desk.today(), desk.models.view()
    facts, snapshot = look.value, rows_of(view)
    counts = Counts()
    if snapshot is not None:
        counts = snapshot.total(today - timedelta(days=N_DAYS - 1), today)
    return render(
        request,
        "models",
        notices=notices_of(view, say),
        model_warnings=warn_of_models(look, desk.settings.model, say),
        is_registered=desk.models.is_registered,
        facts=facts,
        versions=list_versions(facts, counts, say) if facts else [],
        moves=list_moves(facts, say) if facts else [],
        complaints=facts.history.complaints if facts and facts.history else (),
        thresholds=tabulate_thresholds(facts.thresholds, say) if facts else None,
    )
