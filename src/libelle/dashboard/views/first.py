"""First page: four sentences, each of which leads to its page."""

from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from libelle.dashboard.journal import JournalView
from libelle.dashboard.parts import AuditSeen, Parts
from libelle.dashboard.rendering import format_day, format_moment
from libelle.dashboard.views.periods import coverage_of, decisions_of
from libelle.dashboard.views.promises import promise_in_force
from libelle.dashboard.views.todo import list_todo
from libelle.dashboard.words import Say
from libelle.monitoring.rollups import Promise, Snapshot
from libelle.reports.formats import format_count, format_level, format_number, format_share

N_DAYS, N_RECENT_DAYS = 28, 7
LEAST_COMPARED = 200
_TONES = {"holds": "good", "in_doubt": "doubt", "broken": "bad"}
_TONE_OF_SEVERITY = {"none": "good", "low": "good", "medium": "doubt", "high": "bad"}


@dataclass(frozen=True)
class Card:
    """A question, its answer, and where to read more.

    Attributes
    ----------
    question : str
    sentences : list of Markup
        The first one is the answer.
    badge : str
    tone : str
        `good`, `doubt`, `bad` or `quiet`; always said in the badge too.
    page, link : str
        Where the answer leads, and the words of the link.
    """

    question: str
    sentences: list[Markup]
    badge: str
    tone: str
    page: str
    link: str


def answer_four_questions(
    view: JournalView,
    snapshot: Snapshot,
    parts: Parts,
    *,
    today: date,
    review_seconds: float,
    say: Say,
) -> list[Card]:
    """Return the four cards of the first page."""
    return [
        _how_much(snapshot, today, review_seconds, say),
        answer_how_wrong(parts.audit, promise_in_force(snapshot), say),
        _what_changed(snapshot, parts, today, say),
        _what_to_do(view, snapshot, parts, today, say),
    ]


def _how_much(snapshot: Snapshot, today: date, review_seconds: float, say: Say) -> Card:
    counts = snapshot.total(today - timedelta(days=N_DAYS - 1), today)
    coverage, found = coverage_of(counts), decisions_of(counts)
    if coverage is None:
        sentences, tone = [say("first_silent")], "quiet"
    else:
        hours = round(found["automatic"] * review_seconds / 3600)
        sentences = [
            say(
                "first_automatic",
                share=format_share(coverage, say.lang, 0),
                hours=say.number_of("hours", hours),
            ),
            say(
                "first_automatic_why",
                n_automatic=format_count(found["automatic"], say.lang),
                n_texts=format_count(counts.n_rows, say.lang),
                seconds=format_number(review_seconds, say.lang, 0),
            ),
        ]
        tone = "plain"
    return Card(say.plain("ask_automatic"), sentences, "", tone, "today", say.plain("see_today"))


def answer_how_wrong(audit: AuditSeen | None, promise: Promise | None, say: Say) -> Card:
    """Return the card of the errors: those audited, or those promised as long as none are."""
    question, link = say.plain("ask_wrong"), say.plain("see_guarantee")
    if audit is None or audit.error_rate is None:
        sentences = _promised(promise, say)
        return Card(question, sentences, say.plain("status_unchecked"), "quiet", "guarantee", link)
    shares = {
        name: format_share(value, say.lang)
        for name, value in (("error", audit.error_rate), ("low", audit.low), ("high", audit.high))
    }
    judged = say(
        "first_wrong_judged",
        n_judged=format_count(audit.n_judged, say.lang),
        until=format_day(audit.until.date(), say.lang),
    )
    answer = say("first_wrong", target=format_level(audit.target_error, say.lang), **shares)
    badge = say.plain(f"status_{audit.status}")
    return Card(question, [answer, judged], badge, _TONES[audit.status], "guarantee", link)


def _promised(promise: Promise | None, say: Say) -> list[Markup]:
    status = promise.guarantee_status if promise else None
    if promise is None or status not in ("guaranteed", "indicative"):
        return [say("first_wrong_suspended" if status == "suspended" else "first_wrong_none")]
    target = format_level(promise.target_error, say.lang)
    if status == "indicative":
        return [
            say("first_wrong_indicative", target=target),
            say("first_wrong_unchecked_why"),
        ]
    why = Markup(" ").join((say("first_wrong_proved_why"), say("first_wrong_unchecked_why")))
    return [say("first_wrong_unchecked", target=target), why]


def _what_changed(snapshot: Snapshot, parts: Parts, today: date, say: Say) -> Card:
    question, link = say.plain("ask_changed"), say.plain("see_drift")
    drift = parts.drift
    if drift is None:
        badge = say.plain("measuring" if parts.is_measuring else "not_measured")
        sentences = [_compare_shares(snapshot, today, say), *_new_version(snapshot, today, say)]
        return Card(question, sentences, badge, "quiet", "drift", link)
    place = 0 if say.lang == "fr" else 1
    told = [Markup.escape(sentence[place]) for _, sentence in drift.sentences[:2]]
    measured = say("first_changed_compared", at=format_moment(drift.measured_at, say.lang))
    sentences = [*(told or [say("first_changed_nothing")]), measured]
    badge = say.plain(f"severity_{drift.severity}")
    return Card(question, sentences, badge, _TONE_OF_SEVERITY[drift.severity], "drift", link)


def _compare_shares(snapshot: Snapshot, today: date, say: Say) -> Markup:
    """Tell the automatic share of a week and of the month before: a fact, not a test."""
    first_recent = today - timedelta(days=N_RECENT_DAYS - 1)
    recent = snapshot.total(first_recent, today)
    before = snapshot.total(first_recent - timedelta(days=N_DAYS), first_recent - timedelta(days=1))
    if min(recent.n_rows, before.n_rows) < LEAST_COMPARED:
        return say("first_changed_short")
    shares = (format_share(coverage_of(one), say.lang, 0) for one in (before, recent))
    return say("first_changed_unmeasured", **dict(zip(("before", "after"), shares, strict=True)))


def _new_version(snapshot: Snapshot, today: date, say: Say) -> list[Markup]:
    """Tell since when the model that answers does, if it is less than the period."""
    promise = promise_in_force(snapshot)
    if promise is None:
        return []
    days = [one.day for one in snapshot.days if _has_model(one.counts.promises, promise)]
    if not days or days[0] == snapshot.days[0].day or days[0] < today - timedelta(days=N_DAYS):
        return []
    name = promise.model_version or (promise.model_digest or "")[:12]
    return [say("first_changed_version", version=name, day=format_day(days[0], say.lang))]


def _has_model(promises: dict[tuple[object, ...], int], promise: Promise) -> bool:
    return any(one[0] == promise.model_digest for one in promises)


def _what_to_do(view: JournalView, snapshot: Snapshot, parts: Parts, today: date, say: Say) -> Card:
    todo = list_todo(view, snapshot, parts, today=today, say=say)
    question = say.plain("ask_todo")
    if not todo:
        return Card(question, [say("todo_nothing")], "", "good", "today", say.plain("see_today"))
    page = todo[0].page
    sentences = [one.sentence for one in todo]
    return Card(question, sentences, "", todo[0].tone, page, say.plain(f"see_{page}"))
