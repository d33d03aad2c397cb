"""Headline: an evaluation in the few sentences that a head of unit needs."""

from collections.abc import Mapping
from typing import Any

from libelle.reports.formats import Language, format_count, format_level, format_share
from libelle.reports.words import WORDS


def headline(assessment: Mapping[str, Any], *, lang: Language) -> list[str]:
    """Return what is automatic, how much of it is wrong, what was promised, and whether it held.

    Parameters
    ----------
    assessment : mapping
        As `libelle.evaluation.assess` returns it.
    lang : {"fr", "en"}
    """
    words = WORDS[lang]
    if assessment["model"]["guarantee"]["status"] == "suspended":
        return [words["head_suspended"]]
    if assessment["automation"]["n_automatic"] == 0:
        return [_nothing_automatic(assessment, words, lang)]
    return [
        words["head_automatic"].format(**_automatic_values(assessment, lang)),
        *_promise(assessment, words, lang),
    ]


def _nothing_automatic(
    assessment: Mapping[str, Any], words: Mapping[str, str], lang: Language
) -> str:
    no_threshold = assessment["model"]["guarantee"]["threshold"] is None
    listed = assessment["short_list"]
    return words["head_no_threshold" if no_threshold else "head_none"].format(
        n_texts=format_count(assessment["automation"]["n_texts"], lang),
        n_candidates=listed["n_candidates"],
        listed=format_share(listed["all"], lang, 0),
        accuracy=format_share(assessment["metrics"]["accuracy"], lang, 0),
    )


def _automatic_values(assessment: Mapping[str, Any], lang: Language) -> dict[str, str]:
    automation = assessment["automation"]
    return {
        "n_texts": format_count(automation["n_texts"], lang),
        "n_automatic": format_count(automation["n_automatic"], lang),
        "coverage": format_share(automation["coverage"], lang, 0),
        "n_errors": format_count(automation["n_errors"], lang),
        "error": format_share(automation["error"], lang),
    }


def _promise(assessment: Mapping[str, Any], words: Mapping[str, str], lang: Language) -> list[str]:
    guarantee, automation = assessment["model"]["guarantee"], assessment["automation"]
    if guarantee["status"] != "guaranteed":
        return [words["head_indicative"]]
    low, high = automation["error_interval"] or (None, None)
    outcome = automation["outcome"] if automation["n_independent"] else "seen"
    return [
        words["head_promise"].format(
            target=format_level(guarantee["target_error"], lang),
            confidence=format_level(1 - guarantee["delta"], lang),
        ),
        words[f"outcome_{outcome}"].format(
            low=format_share(low, lang),
            high=format_share(high, lang),
            n=format_count(automation["n_independent"], lang),
            n_errors=format_count(automation["n_independent_errors"], lang),
        ),
    ]
