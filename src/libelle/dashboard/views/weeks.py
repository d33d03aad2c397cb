"""Weeks: the automatic share over the weeks of the log."""

from libelle.dashboard.figures import Drawer, Figure
from libelle.dashboard.rendering import format_day
from libelle.dashboard.views.periods import coverage_of, mondays_of, week_of
from libelle.dashboard.words import Say
from libelle.figures import share_chart
from libelle.monitoring.rollups import Snapshot
from libelle.reports.formats import format_count, format_share


def draw_weeks(snapshot: Snapshot, drawer: Drawer, say: Say) -> list[Figure]:
    """Draw the automatic share week after week; nothing of less than two weeks."""
    shares = [(monday, coverage_of(week_of(snapshot, monday))) for monday in mondays_of(snapshot)]
    known = [(monday, share) for monday, share in shares if share is not None]
    if len(known) < 2:
        return []
    rows = [{"day": monday.isoformat(), "coverage": share} for monday, share in known]
    figure = drawer.figure(
        ("weeks", snapshot.version, say.lang),
        lambda: share_chart(rows, lang=say.lang),
        title=say.plain("first_weeks"),
        sentence=say.plain(
            "first_weeks_say",
            n=len(known),
            before=format_share(known[0][1], say.lang, 0),
            after=format_share(known[-1][1], say.lang, 0),
        ),
        columns=[say.plain("week"), say.plain("share_automatic"), say.plain("texts")],
        rows=[
            [
                format_day(monday, say.lang),
                format_share(share, say.lang),
                format_count(week_of(snapshot, monday).n_rows, say.lang),
            ]
            for monday, share in reversed(known)
        ],
    )
    return [figure]
