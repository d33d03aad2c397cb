"""Guarantee: what is promised, what was proved, and what audits found since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from libelle.dashboard.figures import Drawer, Figure
from libelle.dashboard.model_view import ModelFacts
from libelle.dashboard.parts import AuditSeen
from libelle.dashboard.views.periods import confidence_bars
from libelle.dashboard.words import Say
from libelle.figures import confidence_chart, coverage_chart
from libelle.monitoring.rollups import Counts, Promise
from libelle.reports.formats import format_count, format_level, format_number, format_share


@dataclass(frozen=True)
class Table:
    """A table as pages show it; the first cell names the row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def describe_audit(
    audit: AuditSeen, promise: Promise | None, say: Say, *, on_broken: str
) -> list[Markup]:
    """Return what is to be said of an audit, after its answer; `on_broken` is the setting."""
    told = []
    if promise is not None and promise.model_digest != audit.model_digest:
        told.append(say("guarantee_other"))
    if audit.status == "in_doubt" and audit.n_more_texts:
        told.append(say("guarantee_more", n=format_count(audit.n_more_texts, say.lang)))
    if audit.published:
        told.append(say(f"guarantee_published_{on_broken}"))
    return told


def describe_review(audit: AuditSeen, say: Say) -> Markup | None:
    """Say how often the first candidate is right among texts under review; None if unknown."""
    if audit.review_accuracy is None:
        return None
    shares = (audit.review_accuracy, audit.review_low, audit.review_high)
    accuracy, low, high = (format_share(one, say.lang) for one in shares)
    n_judged = format_count(audit.n_review_judged, say.lang)
    return say("guarantee_review", accuracy=accuracy, low=low, high=high, n=n_judged)


def tabulate_arms(audit: AuditSeen, say: Say) -> Table:
    """Return the error of what is automatic, and of what goes to review."""
    lang = say.lang
    arms: list[tuple[str, str, str, float | None, tuple[float | None, float | None]]] = [
        (
            "arm_automatic",
            format_count(audit.n_judged, lang),
            format_count(audit.n_wrong, lang),
            audit.error_rate,
            (audit.low, audit.high),
        )
    ]
    if audit.review_accuracy is not None:
        arms.append(
            (
                "arm_review",
                format_count(audit.n_review_judged, lang),
                format_count(audit.n_review_wrong, lang),
                1 - audit.review_accuracy,
                (_opposite(audit.review_high), _opposite(audit.review_low)),
            )
        )
    columns = ("arm", "judged", "wrong", "error_rate", "interval")
    rows = [
        (
            say.plain(name),
            n_judged,
            n_wrong,
            format_share(rate, lang),
            " – ".join(format_share(one, lang) for one in limits),
        )
        for name, n_judged, n_wrong, rate, limits in arms
    ]
    return Table(say.plain("guarantee_arms"), [say.plain(one) for one in columns], rows)


def tabulate_thresholds(thresholds: Sequence[Mapping[str, Any]], say: Say) -> Table:
    """Return the thresholds of a model, as they were certified."""
    lang = say.lang
    columns = (
        "target_error",
        "status",
        "threshold",
        "bound",
        "confidence_level",
        "certified_coverage",
        "proof",
    )
    rows = []
    for one in thresholds:
        is_proved = one["status"] == "guaranteed"
        has_one = one["threshold"] is not None
        rows.append(
            (
                format_level(one["target_error"], lang),
                say.plain(f"status_{one['status']}"),
                format_number(one["threshold"], lang, 4),
                format_share(one["bound"] if has_one else None, lang, 2),
                format_level(1 - one["delta"] if is_proved else None, lang),
                format_share(one["coverage"] if has_one else None, lang),
                f"{format_count(one['n_errors'], lang)} / {format_count(one['n_automatic'], lang)}",
            )
        )
    return Table(say.plain("guarantee_points"), [say.plain(one) for one in columns], rows)


def draw_curve(facts: ModelFacts, drawer: Drawer, say: Say) -> Figure | None:
    """Draw the errors against the share coded automatically, as explored while learning."""
    if not facts.curve:
        return None
    lang = say.lang
    rows = sorted(facts.curve, key=lambda row: row["coverage"])
    half = min(rows, key=lambda row: abs(row["coverage"] - 0.5))
    return drawer.figure(
        ("curve", facts.digest, lang),
        lambda: coverage_chart(
            rows,
            [one for one in facts.thresholds if one["threshold"] is not None],
            image="svg",
            lang=lang,
            on_page=True,
        ),
        title=say.plain("guarantee_curve"),
        sentence=say.plain(
            "guarantee_curve_say",
            low=format_share(half["error"], lang),
            least=format_share(half["coverage"], lang, 0),
            high=format_share(rows[-1]["error"], lang),
        ),
        columns=[say.plain(one) for one in ("share_automatic", "error_rate", "threshold")],
        rows=[
            [
                format_share(row["coverage"], lang),
                format_share(row["error"], lang, 2),
                format_number(row["threshold"], lang, 4),
            ]
            for row in rows
        ],
    )


def draw_confidence(
    counts: Counts, thresholds: Sequence[float], key: tuple[Any, ...], drawer: Drawer, say: Say
) -> Figure | None:
    """Draw how sure the answers of a period were, and the threshold; None without any."""
    bars = confidence_bars(counts)
    if not bars:
        return None
    return drawer.figure(
        ("confidence", *key, tuple(thresholds), say.lang),
        lambda: confidence_chart(bars, thresholds, lang=say.lang),
        title=say.plain("guarantee_confidence"),
        sentence=say.plain(
            "guarantee_confidence_say" if thresholds else "guarantee_confidence_alone"
        ),
        columns=[say.plain("confidence"), say.plain("texts")],
        rows=[
            [
                format_number(low, say.lang, 2),
                format_count(sum(one["n_texts"] for one in bars if one["low"] == low), say.lang),
            ]
            for low in sorted({one["low"] for one in bars})
        ],
    )


def threshold_in_force(facts: ModelFacts | None, promise: Promise | None) -> Mapping[str, Any]:
    """Return the threshold that decides, as its manifest has it; empty when it is not known."""
    if facts is None or promise is None:
        return {}
    found = (one for one in facts.thresholds if one["id"] == promise.threshold_id)
    return next(found, {})


def _opposite(share: float | None) -> float | None:
    return None if share is None else 1 - share
