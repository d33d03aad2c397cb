"""First page: how much, how wrong, what changed, what to do."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from libelle.dashboard.figures import Figure
from libelle.dashboard.rendering import render
from libelle.dashboard.routes.state import desk_of, notices_of, rows_of, say_of
from libelle.dashboard.views.day_pictures import DayPictures
from libelle.dashboard.views.first import N_DAYS, answer_four_questions
from libelle.dashboard.views.weeks import draw_weeks

router = APIRouter()


@router.get("/")
def first_page(request: Request) -> Response:
    """Answer four questions, each in a sentence."""
    desk, say = desk_of(request), say_of(request)
    view, today = desk.view(), desk.today()
    snapshot = rows_of(view)
    cards, figures = [], list[Figure]()
    if snapshot is not None:
        cards = answer_four_questions(
            view,
            snapshot,
            desk.parts(),
            today=today,
            review_seconds=desk.settings.review_seconds,
            say=say,
        )
        pictures = DayPictures(snapshot, today, snapshot.total(today, today), desk.drawer, say)
        figures = [*draw_weeks(snapshot, desk.drawer, say), pictures.days()]
    return render(
        request,
        "first",
        notices=notices_of(view, say),
        cards=cards,
        figures=figures,
        first=today - timedelta(days=N_DAYS - 1),
        last=today,
    )
