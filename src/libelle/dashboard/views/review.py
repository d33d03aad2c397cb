"""Review: what the page says of a text, of a verdict and of the queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from libelle.dashboard.calling import ApiClient, ApiGoneError, ApiRefusalError
from libelle.dashboard.desk import Desk
from libelle.dashboard.review import Item, Outcome, Waiting
from libelle.dashboard.review.desk import Progress
from libelle.dashboard.words import Say
from libelle.monitoring.privacy import TextPolicy
from libelle.reports.formats import format_count, format_share

MOST_CANDIDATES = 5
MOST_CODES = 12


@dataclass(frozen=True)
class Found:
    """Codes that a search found.

    Attributes
    ----------
    q : str
    codes : list of dict
        Each with `code` and `title`.
    told : str
    is_gone : bool
        Whether the API did not answer.
    """

    q: str
    codes: list[dict[str, str]]
    told: str
    is_gone: bool = False


@dataclass(frozen=True)
class ReviewView:
    """What the page says of the queue.

    Attributes
    ----------
    nothing : Markup
        Why there is no text to show, when there is none.
    how : bool
        Whether to tell how texts come to be kept.
    warning : Markup or None
    progress : str
    agreement : str
    """

    nothing: Markup
    how: bool
    warning: Markup | None
    progress: str
    agreement: str


def describe_review(desk: Desk, say: Say, *, progress: Progress | None) -> ReviewView:
    """Say how the queue stands for a coder."""
    if not desk.reviewing.is_on or progress is None:
        return ReviewView(say("review_off"), True, None, "", "")
    look = desk.reviewing.look()
    warning = say("review_unread") if look.failure else None
    waiting = look.value
    if waiting is None:
        return ReviewView(say("review_reading"), False, warning, "", "")
    lacks_texts = not waiting.items and waiting.n_without_text > 0
    how = lacks_texts or (not waiting.items and desk.settings.text_policy is TextPolicy.NONE)
    return ReviewView(
        _nothing(waiting, progress, say, lacks_texts=lacks_texts),
        how,
        warning,
        describe_progress(progress, say),
        _describe_agreement(waiting, say),
    )


def describe_progress(progress: Progress, say: Say) -> str:
    """Say how far a coder is."""
    given = say.number_of("review_given", progress.n_given)
    left = format_count(progress.n_left, say.lang)
    return f"{given} · {say('review_left_cut' if progress.is_cut else 'review_left', n=left)}"


def describe_item(
    item: Item, titles: Mapping[str, str], say: Say, *, is_answered: bool
) -> dict[str, Any]:
    """Return a text as pages show it, without its candidates while they are hidden."""
    is_hidden = item.is_hidden and not is_answered
    candidates = () if is_hidden else item.candidates[:MOST_CANDIDATES]
    return {
        "prediction_id": item.prediction_id,
        "text": item.text,
        "hidden": is_hidden,
        "again": is_answered,
        "candidates": [
            {
                "code": one.code,
                "title": titles.get(one.code, ""),
                "share": format_share(one.probability, say.lang, 0),
            }
            for one in candidates
        ],
    }


def describe_outcome(outcome: Outcome, titles: Mapping[str, str], say: Say) -> str:
    """Say what was answered, and what the model proposed if that was hidden."""
    if outcome.code is None:
        said = say.plain(f"review_said_{outcome.verdict.value}")
    else:
        said = f"{outcome.code} {titles.get(outcome.code, '')}".strip()
    candidates = outcome.item.candidates
    if outcome.item.is_hidden and candidates:
        said += " · " + say.plain(
            "review_proposed",
            code=candidates[0].code,
            share=format_share(candidates[0].probability, say.lang, 0),
        )
    return said


def find_codes(api: ApiClient, q: str, say: Say, *, limit: int) -> Found:
    """Search codes in the nomenclature of the API."""
    if not q:
        return Found(q, [], "")
    try:
        page = api.get("/v1/codes", q=q, limit=limit).content
    except (ApiGoneError, ApiRefusalError):
        return Found(q, [], say.plain("review_search_gone"), is_gone=True)
    codes = [{"code": one["code"], "title": one["title"], "share": ""} for one in page["codes"]]
    return Found(q, codes, str(say.number_of("codes_found", page["total"])))


def _nothing(waiting: Waiting, progress: Progress, say: Say, *, lacks_texts: bool) -> Markup:
    if lacks_texts:
        return say("review_no_text", n=format_count(waiting.n_without_text, say.lang))
    if waiting.items and progress.n_left == 0 and progress.n_given == 0:
        return say("review_elsewhere")
    return say("review_done") if waiting.items else say("review_empty")


def _describe_agreement(waiting: Waiting, say: Say) -> str:
    agreement = waiting.agreement
    if agreement.n_twice == 0:
        return say.plain("review_agreement_none")
    return say.plain(
        "review_agreement",
        n_alike=format_count(agreement.n_alike, say.lang),
        n_twice=format_count(agreement.n_twice, say.lang),
        share=format_share(agreement.n_alike / agreement.n_twice, say.lang, 0),
    )
