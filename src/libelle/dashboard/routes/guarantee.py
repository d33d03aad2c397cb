"""Guarantee: what is promised, and whether it holds."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from libelle.dashboard.rendering import render
from libelle.dashboard.routes.state import desk_of, notices_of, rows_of, say_of
from libelle.dashboard.views.first import N_DAYS, answer_how_wrong
from libelle.dashboard.views.guarantee import (
    describe_audit,
    describe_review,
    draw_confidence,
    draw_curve,
    tabulate_arms,
    tabulate_thresholds,
    threshold_in_force,
)
from libelle.dashboard.views.models import warn_of_another, warn_of_models
from libelle.dashboard.views.periods import coverage_of
from libelle.dashboard.views.promises import declared_promise, promise_in_force
from libelle.monitoring.rollups import Counts

router = APIRouter()


@router.get("/guarantee")
def guarantee_page(request: Request) -> Response:
    """Show the promise, its proof and its audits."""
    desk, say = desk_of(request), say_of(request)
    view, today, look = desk.view(), desk.today(), desk.models.view()
    snapshot, facts, audit = rows_of(view), look.value, desk.parts().audit
    promise = promise_in_force(snapshot) if snapshot is not None else declared_promise(facts)
    counts = Counts()
    if snapshot is not None:
        counts = snapshot.total(today - timedelta(days=N_DAYS - 1), today)
    in_force = threshold_in_force(facts, promise)
    limit = in_force.get("threshold")
    version = 0 if snapshot is None else snapshot.version
    return render(
        request,
        "guarantee",
        notices=notices_of(view, say),
        model_warnings=[
            *warn_of_models(look, desk.settings.model, say),
            *warn_of_another(facts, promise, say),
        ],
        card=answer_how_wrong(audit, promise, say) if promise or audit else None,
        audit_says=(
            describe_audit(audit, promise, say, on_broken=desk.settings.on_broken) if audit else []
        ),
        arms=tabulate_arms(audit, say) if audit else None,
        review_says=describe_review(audit, say) if audit else None,
        thresholds=tabulate_thresholds(facts.thresholds, say) if facts else None,
        here=coverage_of(counts),
        then=in_force.get("coverage"),
        curve=draw_curve(facts, desk.drawer, say) if facts else None,
        points=sorted(facts.curve, key=lambda row: row["coverage"]) if facts else [],
        confidence=draw_confidence(
            counts, [] if limit is None else [limit], (today, version), desk.drawer, say
        ),
    )
