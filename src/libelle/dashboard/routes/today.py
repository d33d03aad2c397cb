"""Today: what is answered now, or was on another day."""

from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from libelle.dashboard.journal import N_DAYS
from libelle.dashboard.rendering import render
from libelle.dashboard.routes.state import desk_of, notices_of, rows_of, say_of
from libelle.dashboard.views.alerts import list_alerts
from libelle.dashboard.views.today import describe_day

router = APIRouter()


@router.get("/today")
def today_page(request: Request, day: str = "") -> Response:
    """Show a day, today unless `day` is another one."""
    desk, say = desk_of(request), say_of(request)
    view, today = desk.view(), desk.today()
    snapshot, shown = rows_of(view), _read_day(day, today)
    described = None
    if snapshot is not None:
        described = describe_day(snapshot, shown, today=today, drawer=desk.drawer, say=say)
    seen = desk.parts().alerts
    return render(
        request,
        "today",
        notices=notices_of(view, say),
        described=described,
        shown=shown,
        alerts=None if seen is None else list_alerts(seen, say),
    )


def _read_day(text: str, today: date) -> date:
    """Return the day that an address names, within what is counted; today if it names none."""
    try:
        return max(today - timedelta(days=N_DAYS), min(date.fromisoformat(text), today))
    except ValueError:
        return today
