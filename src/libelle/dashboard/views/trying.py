"""Trying: a prediction and a coded file, in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from libelle.dashboard.trying import Deposit
from libelle.dashboard.words import Say
from libelle.decision import Decision
from libelle.reports.formats import format_count, format_level, format_share

MOST_SAMPLE_CHARACTERS = 60
_ENCODINGS = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "latin-1": "Latin-1"}


@dataclass(frozen=True)
class WordSeen:
    """A word and what it brought, between -1 and 1."""

    word: str
    weight: float


@dataclass(frozen=True)
class PredictionSeen:
    """A prediction as the page tells it.

    Attributes
    ----------
    decision : str
    badge, sentence : Markup
    promise : Markup
    candidates : list of dict
    words : list of WordSeen
    words_why : Markup or None
        Between which codes the words decided; None without an explanation.
    model : str
    """

    decision: str
    badge: Markup
    sentence: Markup
    promise: Markup
    candidates: list[dict[str, Any]]
    words: list[WordSeen]
    words_why: Markup | None
    model: str


@dataclass(frozen=True)
class DepositSeen:
    """A file as the page tells it.

    Attributes
    ----------
    name : str
    facts : Markup
    columns : list of (str, str)
        Name of each column, and its first cells.
    guess : int
    counts : list of (str, str)
        What became of the rows, and how many; empty until the file is coded.
    """

    name: str
    facts: Markup
    columns: list[tuple[str, str]]
    guess: int
    counts: list[tuple[str, str]]


def describe_prediction(answer: Mapping[str, Any], say: Say) -> PredictionSeen:
    """Tell a prediction in plain words."""
    explanation = answer["explanation"]
    model = answer["model"]
    version = f" {model['version']}" if model["version"] else ""
    return PredictionSeen(
        decision=answer["decision"],
        badge=say(f"try_badge_{answer['decision']}"),
        sentence=_sentence_of(answer, say),
        promise=_promise_of(answer["guarantee"], say),
        candidates=[
            {**one, "share": format_share(one["probability"], say.lang)}
            for one in answer["candidates"]
        ],
        words=_words_of(explanation) if explanation else [],
        words_why=_words_why(answer, say) if explanation else None,
        model=f"{model['name']}{version}",
    )


def describe_deposit(
    deposit: Deposit, rows: Sequence[Sequence[Any]], guess: int, say: Say
) -> DepositSeen:
    """Tell how a file was read, and what became of its rows."""
    shape = deposit.shape
    n_rows = say.number_of("try_rows", shape.n_rows)
    if shape.kind == "xlsx":
        facts = say("try_facts_xlsx", n_rows=n_rows)
    else:
        facts = say(
            "try_facts_csv",
            n_rows=n_rows,
            encoding=_ENCODINGS[shape.encoding] + (" (BOM)" if shape.has_bom else ""),
            delimiter=say("try_tab") if shape.delimiter == "\t" else shape.delimiter,
        )
    columns = [
        (name or f"({place + 1})", " · ".join(_shorten(row[place]) for row in rows))
        for place, name in enumerate(shape.columns)
    ]
    order = [*(one.value for one in Decision), "failed"]
    counts = [
        (say.plain(name), format_count(deposit.counts[name], say.lang))
        for name in order
        if deposit.result is not None
    ]
    return DepositSeen(deposit.name, facts, columns, guess, counts)


def _sentence_of(answer: Mapping[str, Any], say: Say) -> Markup:
    decision, reason = answer["decision"], answer["reason"]
    confidence = format_share(answer["confidence"], say.lang)
    if decision == Decision.AUTOMATIC:
        return say(
            "try_said_automatic",
            code=answer["code"],
            title=answer["title"],
            confidence=confidence,
        )
    if decision == Decision.REFUSED:
        return say("try_said_refused", reason=say(f"reason_{reason}"))
    return say(f"try_said_{reason}", confidence=confidence)


def _promise_of(guarantee: Mapping[str, Any], say: Say) -> Markup:
    target = format_level(guarantee["target_error"], say.lang)
    if guarantee["status"] != "guaranteed" or guarantee["delta"] is None:
        return say(f"try_promise_{guarantee['status']}", target=target)
    sure = format_level(1 - guarantee["delta"], say.lang)
    return say("try_promise_guaranteed", target=target, sure=sure)


def _words_why(answer: Mapping[str, Any], say: Say) -> Markup:
    first, second = answer["candidates"][0], answer["explanation"]["against"]
    return say(
        "try_words_why",
        first=f"{first['code']} {first['title']}",
        second=f"{second['code']} {second['title']}",
    )


def _words_of(explanation: Mapping[str, Any]) -> list[WordSeen]:
    words = explanation["words"]
    most = max((abs(one["contribution"]) for one in words), default=0.0) or 1.0
    return [WordSeen(one["word"], round(one["contribution"] / most, 2)) for one in words]


def _shorten(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    shown = text[:MOST_SAMPLE_CHARACTERS]
    return shown if shown == text else f"{shown}…"
