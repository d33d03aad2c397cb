"""Drift seen: what changed in the log, as the pages tell it, in both languages."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

from libelle.dashboard import rendering
from libelle.dashboard.parts import DriftSeen, DriftTable, Point, Written
from libelle.errors import ModelError
from libelle.figures.drift import name_code
from libelle.reports.drift import name_segment
from libelle.reports.drift_words import WORDS
from libelle.reports.formats import (
    NOTHING,
    Language,
    format_count,
    format_day,
    format_number,
    format_share,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from libelle.data.nomenclature import Nomenclature
    from libelle.monitoring.drift import Change, DriftStudy, Segment
    from libelle.predictor import Predictor
    from libelle.profile import Profile

LEAST_EARLIER_ROWS = 1_000
MOST_ROWS, MOST_WORDS, MOST_LINES = 20, 12, 4
LANGUAGES: tuple[Language, ...] = ("fr", "en")
TITLES = {
    "codes": ("Codes dont la part change", "Codes whose share changed"),
    "words": ("Mots qui montent et baissent", "Words that rise and fall"),
    "top_code": ("Par code de premier niveau", "By top-level code"),
    "client": ("Par application appelante", "By calling application"),
}
CHANGED = {"codes": "code", "words": "word"}
SEGMENTS_NOTE = (
    "Les 56 jours d’avant → les 28 derniers. Rien n’est testé : un écart peut venir du hasard.",
    "The 56 days before → the last 28. Nothing was tested: a difference may be chance.",
)


def study(
    current: "pa.Table",
    earlier: "pa.Table",
    predictor: "Predictor | None",
    *,
    now: datetime,
    clients: Mapping[str, str],
) -> DriftSeen | None:
    """Return what changed in the rows of the model that answered last; None without any.

    Parameters
    ----------
    current, earlier : Table
        Rows of the log, with the columns that `monitoring.drift` names.
    predictor : Predictor or None
        The one on this machine: its reference counts only if it is the one that answered.
    now : datetime
    clients : mapping of str to str
        Names of applications, by pseudonym.
    """
    from libelle.monitoring.drift import study_drift
    from libelle.monitoring.logged_models import list_logged_models, rows_of_model

    if not len(current):
        return None
    answered = list_logged_models(current)[0]
    rows, before = rows_of_model(current, answered), rows_of_model(earlier, answered)
    nomenclature = None if predictor is None else predictor.nomenclature
    reference = _reference_of(predictor, answered.digest)
    if len(before) >= LEAST_EARLIER_ROWS:
        found = study_drift(rows, earlier=before, truth=reference, nomenclature=nomenclature)
    elif reference is not None:
        found = study_drift(rows, reference=reference, nomenclature=nomenclature)
    else:
        return None
    tables = _tables(found, before, rows, nomenclature, clients)
    return describe_study(found, tables, now=now)


def describe_study(
    found: "DriftStudy", tables: Sequence[DriftTable], *, now: datetime
) -> DriftSeen:
    """Return a study as the pages take it."""
    from libelle.monitoring.drift import (
        Severity,
        describe_change,
        describe_expectation,
        describe_finding,
    )

    by_name = {one.comparison.name: one.severity for one in found.findings}
    told: list[tuple[Severity, Written]] = [
        (one.severity, _in_both(partial(describe_finding, one)))
        for one in found.findings
        if one.severity is not Severity.NONE
    ]
    of_codes = by_name.get("codes", Severity.LOW)
    told += [(of_codes, _in_both(partial(describe_change, one))) for one in found.codes[:5]]
    told.sort(key=lambda one: -one[0].rank)
    return DriftSeen(
        severity=found.severity.value,
        sentences=tuple((severity.value, both) for severity, both in told),
        expectation=_in_both(partial(describe_expectation, found.expected)),
        reference=_describe_reference(found),
        current=_period(found.current),
        tables=tuple(tables),
        notes=tuple(_word(f"note_{note}") for note in found.notes),
        measured_at=now,
    )


def _reference_of(predictor: "Predictor | None", digest: str) -> "Profile | None":
    """Return the reference of the model that answered; None when it is not here, or has none."""
    from libelle.profile import read_reference

    if predictor is None or predictor.digest != digest:
        return None
    try:
        return read_reference(predictor.manifest)
    except ModelError:
        return None


def _tables(
    found: "DriftStudy",
    before: "pa.Table",
    rows: "pa.Table",
    nomenclature: "Nomenclature | None",
    clients: Mapping[str, str],
) -> list[DriftTable]:
    """Return what changed code by code and word by word, then the segments."""
    from libelle.monitoring.drift import find_segments

    segments = find_segments(before, rows, nomenclature=nomenclature)
    by_kind = {
        kind: [one for one in segments if one.kind == kind][:MOST_ROWS]
        for kind in ("top_code", "client")
    }

    def draw(codes: "Sequence[Change] | Sequence[Segment]") -> tuple[Point, ...]:
        return _lines(before, rows, codes[:MOST_LINES], nomenclature)

    tables = []
    if found.codes:
        changes = found.codes[:MOST_ROWS]
        tables.append(_table_of_changes("codes", changes, points=draw(changes)))
    if found.words:
        tables.append(_table_of_changes("words", found.words[:MOST_WORDS]))
    if tops := by_kind["top_code"]:
        tables.append(_table_of_segments("top_code", tops, clients, points=draw(tops)))
    if asked := by_kind["client"]:
        tables.append(_table_of_segments("client", asked, clients))
    return tables


def _lines(
    before: "pa.Table",
    rows: "pa.Table",
    codes: "Sequence[Change] | Sequence[Segment]",
    nomenclature: "Nomenclature | None",
) -> tuple[Point, ...]:
    """Return the share of some codes in each week."""
    import pyarrow as pa

    from libelle.monitoring.drift import count_codes_by_week

    weeks = count_codes_by_week(pa.concat_tables([before, rows]), codes, nomenclature=nomenclature)
    return tuple((one["week"], name_code(one, "code"), one["share"]) for one in weeks)


def _table_of_changes(
    kind: str, changes: "Sequence[Change]", points: tuple[Point, ...] = ()
) -> DriftTable:
    is_dated = kind == "codes"
    columns = [_word(CHANGED[kind]), _word("before"), _word("after")]
    rows = [
        [_same(_name(one)), *(_share(share) for share in (one.share_before, one.share_after))]
        for one in changes
    ]
    if is_dated:
        columns.append(_word("since"))
        for row, one in zip(rows, changes, strict=True):
            row.append(_day(one.since))
    return DriftTable(
        title=TITLES[kind],
        columns=tuple(map(_capitalize, columns)),
        rows=tuple(map(tuple, rows)),
        points=points,
    )


def _table_of_segments(
    kind: str,
    segments: "Sequence[Segment]",
    clients: Mapping[str, str],
    points: tuple[Point, ...] = (),
) -> DriftTable:
    columns = [f"by_{kind}", "share_of_answers", "of_decisions", "confidence"]
    return DriftTable(
        title=TITLES[kind],
        columns=tuple(_capitalize(_word(name)) for name in columns),
        rows=tuple(
            (
                _name_segment(one, clients),
                _move(_share(one.share_before), _share(one.share_after)),
                _move(_share(one.automatic_before), _share(one.automatic_after)),
                _move(_number(one.confidence_before), _number(one.confidence_after)),
            )
            for one in segments
        ),
        points=points,
        note=SEGMENTS_NOTE,
    )


def _name(change: "Change") -> str:
    return change.title if change.title == change.name else f"{change.name} {change.title}"


def _name_segment(segment: "Segment", clients: Mapping[str, str]) -> Written:
    if segment.kind == "client" and segment.name in clients:
        return _same(clients[segment.name])
    return _in_both(
        lambda lang: name_segment(segment.kind, segment.name, segment.title, WORDS[lang])
    )


def _describe_reference(found: "DriftStudy") -> Written:
    if found.reference_kind == "model":
        return (
            "les libellés sur lesquels le modèle a été certifié",
            "the texts it was certified on",
        )
    return _period(found.reference)


def _period(profile: "Profile") -> Written:
    days = [profile.since, profile.until]
    french, english = (
        [format_count(profile.n_texts, lang), *(format_day(day, lang) for day in days)]
        for lang in LANGUAGES
    )
    return (
        "{} libellés distincts du {} au {}".format(*french),
        "{} distinct texts from {} to {}".format(*english),
    )


def _day(text: str | None) -> Written:
    if text is None:
        return _same(NOTHING)
    return _in_both(lambda lang: rendering.format_day(date.fromisoformat(text), lang))


def _share(share: float | None) -> Written:
    return _in_both(lambda lang: format_share(share, lang))


def _number(number: float | None) -> Written:
    return _in_both(lambda lang: format_number(number, lang, 2))


def _move(before: Written, after: Written) -> Written:
    return (f"{before[0]} → {after[0]}", f"{before[1]} → {after[1]}")


def _capitalize(words: Written) -> Written:
    return (words[0][:1].upper() + words[0][1:], words[1][:1].upper() + words[1][1:])


def _word(name: str) -> Written:
    return _in_both(lambda lang: WORDS[lang][name])


def _same(text: str) -> Written:
    return (text, text)


def _in_both(write: Callable[[Language], str]) -> Written:
    return (write("fr"), write("en"))
