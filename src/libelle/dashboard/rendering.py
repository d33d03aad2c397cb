"""Rendering: pages out of templates, in the language that was asked for."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.security.keys import Scope
from libelle.dashboard.visitors import SCOPE_OF_PAGE, Visitor
from libelle.dashboard.words import Say
from libelle.reports import formats
from libelle.reports.formats import Language

PAGES = ("first", "today", "try", "guarantee", "drift", "codes", "review", "models")
ADDRESSES = {"first": "."} | {name: name for name in PAGES[1:]}


def language_of(request: Request) -> Language:
    """Return the language asked for: French, unless `?lang=en`."""
    return "en" if request.query_params.get("lang") == "en" else "fr"


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    request : Request
    template : str
        Its name, without its ending; also what the navigation shows as current.
    status : int
    **values
        What the template shows; texts are escaped there.
    """
    lang = language_of(request)
    visitor = getattr(request.state, "visitor", None)
    content = (
        _environment(lang)
        .get_template(f"{template}.html.j2")
        .render(
            lang=lang,
            page=template,
            pages=pages_of(visitor),
            visitor=visitor,
            link=_Links(request, lang),
            is_made_up=request.app.state.desk.settings.made_up,
            **values,
        )
    )
    return HTMLResponse(content, status)


def show_error(request: Request, status: int) -> HTMLResponse:
    """Return the page that says that a request is refused, or failed."""
    known = status if status in (401, 403, 404, 405, 429) else 500
    return render(request, "error", status=status, kind=str(known))


def pages_of(visitor: Visitor | None) -> list[str]:
    """Return the pages that a visitor may see."""
    if visitor is None:
        return []
    return [page for page in PAGES if visitor.may(SCOPE_OF_PAGE.get(page, Scope.READ))]


class _Links:
    """Makes addresses relative to the page, which keep the language; all pages stand side by side.

    Parameters
    ----------
    request : Request
    lang : Language
    """

    def __init__(self, request: Request, lang: Language) -> None:
        depth = request.scope["path"].removeprefix(request.scope.get("root_path", "")).count("/")
        self._up = "../" * max(0, depth - 1)
        self._lang = lang
        self._here = request.scope["path"].rpartition("/")[2] or "."
        self._asked = dict(request.query_params)

    def to(self, name: str, **query: str) -> str:
        """Return the address of a page."""
        return self._with_query(self._up + ADDRESSES.get(name, name), query, self._lang)

    def here(self, **query: str) -> str:
        """Return the address of this page, with other parameters."""
        kept = {name: value for name, value in self._asked.items() if name != "lang"}
        return self._with_query(self._here, {**kept, **query}, self._lang)

    def other_language(self) -> str:
        """Return the address of this page in the other language."""
        kept = {name: value for name, value in self._asked.items() if name != "lang"}
        return self._with_query(self._here, kept, "fr" if self._lang == "en" else "en")

    def file(self, name: str) -> str:
        """Return the address of a file of the dashboard."""
        return f"{self._up}static/{name}"

    @staticmethod
    def _with_query(address: str, query: dict[str, str], lang: Language) -> str:
        wanted = {name: value for name, value in query.items() if value}
        if lang == "en":
            wanted["lang"] = "en"
        return f"{address}?{urlencode(wanted)}" if wanted else address


@cache
def _environment(lang: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("libelle.dashboard"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["say"] = Say(lang)
    for kind in ("count", "number", "share", "level"):
        environment.filters[kind] = _in_language(getattr(formats, f"format_{kind}"), lang)
    environment.filters["day"] = lambda day: format_day(day, lang)
    environment.filters["moment"] = lambda moment: format_moment(moment, lang)
    return environment


def _in_language(write: Any, lang: Language) -> Any:
    return lambda value, *options: write(value, lang, *options)


def format_moment(moment: datetime | None, lang: Language) -> str:
    """Return a day and an hour, in UTC: 14/03/2026 12:30, or 2026-03-14 12:30."""
    if moment is None:
        return formats.NOTHING
    pattern = "%d/%m/%Y %H:%M" if lang == "fr" else "%Y-%m-%d %H:%M"
    return moment.astimezone(UTC).strftime(pattern)


def format_day(day: date, lang: Language) -> str:
    """Return a day: 14/03/2026, or 2026-03-14."""
    return day.strftime("%d/%m/%Y") if lang == "fr" else day.isoformat()


def svg_markup(picture: bytes, sentence: str) -> Markup:
    """Return a picture as a part of a page, named by a sentence for those who do not see it."""
    content = Markup(picture.decode())  # noqa: S704, drawn by us
    label = Markup('<svg role="img" aria-label="{}" ').format(sentence)
    return Markup(str(content).replace("<svg ", str(label), 1))  # noqa: S704
