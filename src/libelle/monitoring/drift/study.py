"""Study: what changed between a reference and a period of the log, measured, judged and said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from libelle.data.nomenclature import Nomenclature
from libelle.errors import DataError, UsageError
from libelle.monitoring.audit import AuditEstimate
from libelle.monitoring.drift.changes import Change, find_code_changes, find_word_changes
from libelle.monitoring.drift.comparisons import (
    Comparison,
    compare_codes,
    compare_confidences,
    compare_decisions,
    compare_lengths,
    compare_refusals,
    compare_unknown_words,
)
from libelle.monitoring.drift.domain import Domain, tell_apart
from libelle.monitoring.drift.expectation import ExpectedAccuracy, expect_accuracy
from libelle.monitoring.drift.sentences import Sentences, describe
from libelle.monitoring.drift.severity import Finding, Severity, judge
from libelle.monitoring.drift.windows import Window, make_windows
from libelle.profile import Profile

ALPHA = 0.05
MOST_REPEATED = 0.05
LEAST_TEXTS = 100  # Tests are asymptotic: with fewer, they would say anything.
ReferenceKind = Literal["model", "log"]


@dataclass(frozen=True, eq=False)
class DriftStudy:
    """What changed, and how much.

    Attributes
    ----------
    reference_kind : {"model", "log"}
        Whether the reference is that of the model, or an earlier period of the log.
    reference, current : Profile
    alpha : float
        Probability, at most, that something is found where nothing changed.
    findings : tuple of Finding
    codes : tuple of Change
        Codes, and codes above, whose share changed; empty unless the mix of codes did.
    words : tuple of Change
        Empty unless an earlier period is given, and both kept texts in the same way.
    domain : Domain or None
        None without an earlier period, or with too few texts.
    expected : ExpectedAccuracy
    notes : tuple of str
        What limits the study: `too_few_texts` (nothing is compared), `repeated_texts`,
        `decisions_not_compared`, `domain_not_compared`.
    """

    reference_kind: ReferenceKind
    reference: Profile
    current: Profile
    alpha: float
    findings: tuple[Finding, ...]
    codes: tuple[Change, ...]
    words: tuple[Change, ...]
    domain: Domain | None
    expected: ExpectedAccuracy
    notes: tuple[str, ...]

    @property
    def severity(self) -> Severity:
        """Return the largest one found."""
        found = (one.severity for one in self.findings)
        return max(found, key=lambda one: one.rank, default=Severity.NONE)

    @property
    def sentences(self) -> Sentences:
        """Return one plain sentence for each thing found, in French and in English."""
        return describe(self.findings, self.codes, self.words, self.expected)

    def to_dict(self) -> dict[str, Any]:
        """Return the study as JSON values."""
        return {
            "severity": self.severity.value,
            "alpha": self.alpha,
            "reference_kind": self.reference_kind,
            "reference": self.reference.to_dict(),
            "current": self.current.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "codes": [change.to_dict() for change in self.codes],
            "words": [change.to_dict() for change in self.words],
            "domain": None if self.domain is None else vars(self.domain),
            "expected": self.expected.to_dict(),
            "notes": list(self.notes),
            "sentences": {"fr": list(self.sentences.fr), "en": list(self.sentences.en)},
        }


def study_drift(
    current: pa.Table,
    *,
    reference: Profile | None = None,
    earlier: pa.Table | None = None,
    truth: Profile | None = None,
    nomenclature: Nomenclature | None = None,
    audit: AuditEstimate | None = None,
    alpha: float = ALPHA,
    seed: int = 0,
) -> DriftStudy:
    """Compare a period of the log with a reference.

    Texts that repeat count once. Counts are compared with the model's reference, or with the
    earlier period when none is given; words and the classifier need rows, hence an earlier period.

    Parameters
    ----------
    current : Table
        Rows of the prediction log, of one model.
    reference : Profile or None
        Of that model: `libelle.profile.read_reference`.
    earlier : Table or None
        Rows of an earlier period, of the same model.
    truth : Profile or None
        The model's reference, when an earlier period is compared with instead: it alone knows how
        often each confidence is right, hence what accuracy to expect.
    nomenclature : Nomenclature or None
        Titles, and codes above.
    audit : AuditEstimate or None
        Of the same model and period: it may refute the expected accuracy.
    alpha : float
        Probability, at most, that something is found in a period where nothing changed.
    seed : int
        Of permutations and draws: the same seed gives the same study.

    Raises
    ------
    DataError
        If there is nothing to compare, or nothing to compare with.
    UsageError
        If rows are of several models, or `alpha` is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"Alpha is {alpha}: it is a probability between 0 and 1. Write 0.05.")
    now = Window.of(current)
    before, after = make_windows(earlier, current, seed=seed)
    compared = now if reference else after
    profile = reference or (before.profile if before else None)
    if profile is None:
        raise DataError(
            "No reference: neither the model nor the log tells what texts looked like before, and "
            "nothing is guessed. Retrain the model, or give an earlier period of the log."
        )
    _refuse_another_model(before, now)
    domain = tell_apart(before, after, seed=seed) if before else None
    findings = judge(_compare(profile, compared.profile, domain), alpha=alpha)
    real = {one.comparison.name for one in findings if one.severity is not Severity.NONE}
    return DriftStudy(
        reference_kind="model" if reference else "log",
        reference=profile,
        current=compared.profile,
        alpha=alpha,
        findings=findings,
        codes=(
            find_code_changes(profile, compared, earlier=before, nomenclature=nomenclature)
            if "codes" in real
            else ()
        ),
        words=find_word_changes(before, after) if before else (),
        domain=domain,
        expected=expect_accuracy(truth or profile, compared.profile, domain=domain, audit=audit),
        notes=_notes(findings, now, before),
    )


def _compare(reference: Profile, current: Profile, domain: Domain | None) -> list[Comparison]:
    """Return all that can be compared: the family over which false alarms are counted."""
    if min(reference.n_texts, current.n_texts) < LEAST_TEXTS:
        return []
    comparisons = [
        compare_confidences(reference, current),
        compare_lengths(reference, current),
        compare_unknown_words(reference, current),
        compare_codes(reference, current),
        compare_refusals(reference, current),
        compare_decisions(reference, current),
        None if domain is None else domain.comparison(),
    ]
    return [one for one in comparisons if one is not None]


def _notes(findings: Sequence[Finding], now: Window, before: Window | None) -> tuple[str, ...]:
    compared = {finding.comparison.name for finding in findings}
    notes = {
        "too_few_texts": not compared,
        # Distinct texts of two periods of unequal length are not of one law (see `windows`).
        "repeated_texts": now.repeated_share > MOST_REPEATED,
        "decisions_not_compared": "decisions" not in compared,
        "domain_not_compared": before is not None and "domain" not in compared,
    }
    return tuple(note for note, stands in notes.items() if stands)


def _refuse_another_model(before: Window | None, now: Window) -> None:
    digests = [window.rows["model_digest"][0].as_py() for window in (before, now) if window]
    if len(set(digests)) > 1:
        raise UsageError(
            "The two periods were answered by different models: their confidences cannot be "
            "compared. Give an earlier period of the same model, or none."
        )
