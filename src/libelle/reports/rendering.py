"""Rendering: templates of the package, filled by Jinja2."""

import html
import re
from typing import Any

from libelle.errors import MissingPackageError
from libelle.reports import formats
from libelle.reports.formats import Language


def render_template(template: str, lang: Language, *, escaped: bool, **values: Any) -> str:
    """Fill a template; in HTML (`escaped`), what is not markup of ours is escaped."""
    environment = _environment(lang, escaped=escaped)
    text: str = environment.get_template(template).render(lang=lang, **values)
    return text


def escape_markdown(text: str) -> str:
    """Return a text that Markdown, and the HTML made of it, show as it is, on one line."""
    escaped = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", escaped)


def _environment(lang: Language, *, escaped: bool) -> Any:
    jinja2 = _import_jinja2()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("libelle.reports"),
        autoescape=escaped,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = escape_markdown
    for kind in ("count", "number", "share", "level", "day"):
        environment.filters[kind] = _in_language(getattr(formats, f"format_{kind}"), lang)
    return environment


def _in_language(write: Any, lang: Language) -> Any:
    return lambda value, *options: write(value, lang, *options)


def _import_jinja2() -> Any:
    try:
        import jinja2
    except ImportError as error:
        raise MissingPackageError("jinja2", extra="report", purpose="Writing a report") from error
    return jinja2
