"""Promises: what is proved of a model, in the words of a head of unit."""

from collections.abc import Mapping
from typing import Any


def sentence(automation: Mapping[str, int], threshold: Mapping[str, Any]) -> str:
    """Say what is coded automatically, with what certainty: for a head of unit."""
    n_texts, target = automation["n_distinct_texts"], percent(threshold["target_error"])
    if threshold["threshold"] is None:
        return (
            f"Of {n_texts:,} distinct texts never seen, {automation['n_right']:,} got the right "
            f"code ({automation['n_right'] / n_texts:.0%}), but none is coded automatically: an "
            f"error of at most {target} could not be proved on {threshold['n_texts']:,} texts. "
            f"{what_would_do(threshold)}All of them go to review, with a short list."
        )
    automatic, review, refused = (
        f"{automation[f'n_{decision}'] / n_texts:.0%}"
        for decision in ("automatic", "review", "refused")
    )
    certain = (
        f"at most {target} of them wrong (confidence {percent(1 - threshold['delta'])})"
        if threshold["status"] == "guaranteed"
        else f"about {target} of them wrong (an indication: nothing is proved)"
    )
    return (
        f"Of {n_texts:,} distinct texts never seen, {automatic} coded automatically, {certain}; "
        f"{review} to review, {refused} refused. Among those coded here, "
        f"{automation['n_automatic_errors']:,} of {automation['n_automatic']:,} were wrong."
    )


def promise(threshold: Mapping[str, Any]) -> str:
    """Say what a threshold promises; where there is none, what would have been possible."""
    target, n_texts = percent(threshold["target_error"]), threshold["n_texts"]
    if threshold["threshold"] is None:
        what = "none is given" if threshold.get("rule") == "roll_up" else "nothing is automatic"
        return (
            f"{what}: at most {target} wrong could not be proved on {n_texts:,} texts. "
            f"{what_would_do(threshold)}"
        ).strip()
    seen = (
        f"from confidence {threshold['threshold']:.6f}; seen on {n_texts:,} distinct texts: "
        f"{threshold['n_errors']:,} of {threshold['n_automatic']:,} wrong."
    )
    coverage = f"{threshold['coverage']:.0%} coded automatically"
    if threshold["status"] == "indicative":
        return f"about {target} wrong among the {coverage} (nothing is proved), {seen}"
    confidence = percent(1 - threshold["delta"])
    return f"at most {target} wrong (confidence {confidence}) among the {coverage}, {seen}"


def what_would_do(threshold: Mapping[str, Any]) -> str:
    """Say what error could have been proved, and what it would take to prove the one wanted."""
    from libelle.bounds import least_n_texts

    reachable, needed = threshold["reachable_error"], threshold["n_texts_needed"]
    least = least_n_texts(target_error=threshold["target_error"], delta=threshold["delta"])
    parts = []
    if threshold["n_texts"] < least:
        parts.append(f"No fewer than {least:,} texts, all coded rightly, could prove it. ")
    if reachable is not None:
        parts.append(f"About {percent(reachable)} could be reached. ")
    if needed is not None:
        parts.append(f"It would take about {needed:,} texts to certify on. ")
    return "".join(parts)


def percent(share: float) -> str:
    """Return a share as a percentage with no more digits than it has."""
    return f"{round(100 * share, 3):g} %"
