"""Verdicts: what an audit says, in the words of a head of unit."""

from typing import TYPE_CHECKING

from libelle.cli.promises import percent

if TYPE_CHECKING:
    from libelle.monitoring.audit import ArmEstimate, AuditEstimate

STATUSES = {
    "holds": "The promise HOLDS: with {confidence} confidence, at most {target} are wrong.",
    "in_doubt": "The promise is IN DOUBT: these texts prove neither that it holds nor the reverse.",
    "broken": "The promise is BROKEN: with {confidence} confidence, more than {target} are wrong.",
}


def describe_audit(estimate: "AuditEstimate", *, model: str, since: str, until: str) -> list[str]:
    """Say whether the promise holds, how often codes are wrong, and what would decide."""
    target, confidence = percent(estimate.target_error), percent(1 - estimate.delta)
    status = STATUSES[estimate.status.value].format(confidence=confidence, target=target)
    return [
        f"Model {model} {estimate.model_digest[:12]}, from {since[:10]} to {until[:10]}. Promise: "
        f"at most {target} of the codes given automatically are wrong.",
        status,
        *_describe_horizon(estimate),
        _describe_arm(estimate.automatic, "Coded automatically", "codes", estimate.delta),
        _describe_arm(estimate.review, "Under review", "likeliest codes", estimate.delta),
    ]


def _describe_horizon(estimate: "AuditEstimate") -> list[str]:
    if estimate.status.value != "in_doubt":
        return []
    n_left = estimate.automatic.n_drawn - estimate.automatic.n_judged
    if not n_left:
        return [_describe_end(estimate)]
    if (n_more := estimate.n_more_texts) is None:
        return ["How many more texts would decide, nobody can say: judge more of them."]
    enough = "the sheet has them" if n_more <= n_left else f"the sheet has {n_left:,} more"
    return [f"About {n_more:,} more automatic texts would decide; {enough}."]


def _describe_end(estimate: "AuditEstimate") -> str:
    """Say what to do once all is judged: another draw starts without the evidence of this one."""
    n_more = estimate.n_more_texts
    how_many = (
        "how many, nobody can say"
        if n_more is None
        else f"about {estimate.automatic.n_judged + n_more:,} automatic texts"
    )
    return (
        "No automatic text of this sheet is left to judge: it decides nothing more. A larger draw "
        f"on the next period would: {how_many}. To draw again on this period, after a look, voids "
        "the confidence."
    )


def _describe_arm(arm: "ArmEstimate", name: str, codes: str, delta: float) -> str:
    seen = f"{name}: {arm.n_judged:,} of {arm.n_drawn:,} texts drawn were judged"
    if not arm.n_judged:
        return f"{seen}: nothing is known.{_describe_waiting(arm)}"
    undecided = f", {arm.n_undecided:,} cannot be told" if arm.n_undecided else ""
    rate = arm.error_rate.hajek
    said = "unknown" if rate is None else f"{rate:.1%}"
    return (
        f"{seen}, {arm.n_wrong:,} {codes} wrong{undecided}. Error rate over the "
        f"{arm.n_population:,} distinct texts: {said}, between {arm.low:.1%} and {arm.high:.1%} "
        f"({percent(1 - delta)} confidence, whenever one looks).{_describe_waiting(arm)}"
    )


def _describe_waiting(arm: "ArmEstimate") -> str:
    if not arm.n_waiting:
        return ""
    return f" {arm.n_waiting:,} more were judged after one that was not: they count once it is."
